// The jars that a Kafka broker needs, and where to get them: Maven's local repository, else Maven
// Central. Called by kafka.ts.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

const root = join(import.meta.dirname, '../../..')

/** What tests run on unless they say another. */
export const kafkaVersion = '4.1.1'

const maximumDownloads = 6
const downloadTimeoutMs = 120_000

/** The versions that tests run; their jars are in kafka_jars/, the first one's also of later ones. */
export type KafkaVersion = '4.1.1' | '3.9.1'

export interface Jar {
  /** In a Maven repository. */
  readonly path: string
  readonly sha256: string
}

/**
 * The part of kafka_2.13's dependencies that a broker loads, as `group/artifact version sha256`.
 * What is not of Kafka itself has the same version in all lists, so that it is fetched once.
 */
export function kafkaJars(version: KafkaVersion = kafkaVersion): Jar[] {
  return listedJars(join(root, 'test/support/kafka_jars', `${version}.txt`))
}

/** Lines of `group/artifact version sha256`. */
export function listedJars(list: string): Jar[] {
  return readFileSync(list, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [path, version, sha256] = line.split(' ')
      const [artifact] = path.split('/').slice(-1)
      return { path: `${path}/${version}/${artifact}-${version}.jar`, sha256 }
    })
}

/**
 * The class path of a broker. What Maven's local repository lacks is fetched the first time (40 MB,
 * another version 17 MB more) into node_modules/.cache; where Maven Central is out of reach, by
 * Maven and its settings.
 */
export function kafkaClasspath(version: KafkaVersion = kafkaVersion): Promise<string> {
  let classpath = found.get(version)
  if (classpath === undefined) found.set(version, (classpath = findClasspath(version)))
  return classpath
}

const found = new Map<KafkaVersion, Promise<string>>()

async function findClasspath(version: KafkaVersion): Promise<string> {
  const paths = await jarsHere(kafkaJars(version), 'fetch', (line) => console.log(line))
  return paths!.join(delimiter)
}

/** Their paths; undefined where some are not there and none may be fetched. */
export async function jarsHere(
  jars: readonly Jar[],
  how: 'fetch' | 'look',
  say: (line: string) => void,
): Promise<string[] | undefined> {
  const cache = join(root, 'node_modules/.cache/euphorion/kafka')
  const local = join(homedir(), '.m2', 'repository')
  const missing = jars.filter((jar) => !find(jar, [cache, local]))
  if (missing.length > 0 && how === 'look') return undefined
  if (missing.length > 0) {
    say(`Fetching Kafka: ${missing.length} jars`)
    try {
      await download(missing, cache)
    } catch (error) {
      await fetchByMaven(missing, cache, error as Error)
    }
  }
  return jars.map((jar) => find(jar, [cache, local]) ?? assertFound(jar))
}

function assertFound({ path }: Jar): never {
  throw new Error(`A jar of Kafka is not what it should be: ${path}`)
}

function find(jar: Jar, roots: readonly string[]): string | undefined {
  return roots
    .map((root) => join(root, jar.path))
    .find((path) => existsSync(path) && isWhole(readFileSync(path), jar))
}

function isWhole(bytes: Uint8Array, { sha256 }: Jar): boolean {
  return createHash('sha256').update(bytes).digest('hex') === sha256
}

async function download(wanted: readonly Jar[], cache: string): Promise<void> {
  const queue = [...wanted]
  const signal = AbortSignal.timeout(downloadTimeoutMs)
  const worker = async () => {
    for (let jar = queue.pop(); jar; jar = queue.pop()) {
      const response = await fetch(`https://repo.maven.apache.org/maven2/${jar.path}`, { signal })
      if (!response.ok) throw new Error(`Maven Central answers ${response.status}: ${jar.path}`)
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (!isWhole(bytes, jar)) assertFound(jar)
      const path = join(cache, jar.path)
      mkdirSync(dirname(path), { recursive: true })
      await writeFile(`${path}.part${process.pid}`, bytes)
      await rename(`${path}.part${process.pid}`, path)
    }
  }
  await Promise.all(Array.from({ length: maximumDownloads }, worker))
}

/** Copies the jars with `mvn`, which may know a mirror. */
async function fetchByMaven(wanted: readonly Jar[], cache: string, reason: Error): Promise<void> {
  mkdirSync(cache, { recursive: true })
  const directory = mkdtempSync(join(cache, 'maven-'))
  try {
    await writeFile(join(directory, 'pom.xml'), pom(wanted))
    const goal = ['dependency:copy-dependencies', '-Dmdep.useRepositoryLayout=true']
    const options = ['-DexcludeTransitive=true', `-DoutputDirectory=${cache}`]
    await execute('mvn', ['-q', '-B', '-f', join(directory, 'pom.xml'), ...goal, ...options])
  } catch (error) {
    const { stdout = '', message } = error as Error & { stdout?: string }
    const lines = [
      String(reason.cause ?? reason.message),
      message,
      ...stdout.split('\n').slice(-10),
    ]
    throw new Error(`Kafka could not be fetched: ${lines.join('\n')}`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function pom(wanted: readonly Jar[]): string {
  const dependencies = wanted.map(({ path }) => {
    const [version, artifact, ...group] = path.split('/').slice(0, -1).reverse()
    const groupId = group.reverse().join('.')
    return `<dependency><groupId>${groupId}</groupId><artifactId>${artifact}</artifactId>\
<version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>euphorion</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
<packaging>pom</packaging><dependencies>${dependencies.join('\n')}</dependencies></project>
`
}
