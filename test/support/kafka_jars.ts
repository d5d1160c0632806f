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

export const kafkaVersion = '4.1.1'

const maximumDownloads = 6
const downloadTimeoutMs = 120_000

/** `group/artifact version sha256`: the part of kafka_2.13's dependencies that a broker loads. */
const jars = `
org/apache/kafka/kafka_2.13 4.1.1 e89428126cc7630a802123ba27aac4442816840b66d60670226feaff65f24fd1
org/apache/kafka/kafka-clients 4.1.1 00247122a572c3d3ae4eb60a50192a5811bc0181f51923d13018600f892e821d
com/github/luben/zstd-jni 1.5.6-10 b6c3237e24b8252a5a9c3a0e1ae30ef8f323412e74bd358548b7a9e527d676df
org/lz4/lz4-java 1.8.0 d74a3334fb35195009b338a951f918203d6bbca3d1d359033dc33edd1cadc9ef
org/xerial/snappy/snappy-java 1.1.10.7 4c766cb3f855415ee734b2392949a0b6f12a60879334a74518deaf6270d32e36
org/scala-lang/scala-library 2.13.16 1ebb2b6f9e4eb4022497c19b1e1e825019c08514f962aaac197145f88ed730f1
org/apache/kafka/kafka-server-common 4.1.1 207edecd8322cf6c13d76d84addea7fd0ec441dc8d698cf69df43210ccdc0a94
org/pcollections/pcollections 4.0.2 2bbeef5797a241300c4f7513cd546239629ed7deda4fc0c31df90bb95f5f13ef
org/apache/kafka/kafka-group-coordinator-api 4.1.1 3d1801d2329dcf7d273796a034d61e6c7e0f851f384d0afbdd3a2e6cbd17a968
org/apache/kafka/kafka-group-coordinator 4.1.1 3eb5a673b69d5992cfa86c5436f39adbf4ce284046a4c999ec6af0a8e31c5589
org/hdrhistogram/HdrHistogram 2.2.2 22d1d4316c4ec13a68b559e98c8256d69071593731da96136640f864fa14fad8
com/dynatrace/hash4j/hash4j 0.22.0 23028a3fd006e530bf495f551083208187cafd8f80624d048eba56442f16a50e
org/apache/kafka/kafka-transaction-coordinator 4.1.1 a261b5730ac9e3205df7af5d45180d851e9d5f729ce1275c67511a6f51f73755
org/apache/kafka/kafka-metadata 4.1.1 a689665751415b6456de1ecb013042cb7ba99ac68fd8c3e8bf28e098feb43218
org/apache/kafka/kafka-storage-api 4.1.1 8c0a712472185d706c6bf5ae24bf5d84a8e396fd4745c708e6146a415f7fa7f7
org/apache/kafka/kafka-tools-api 4.1.1 542b08fe20cf872a2d866acdff61ea338b469219dc2ebfae727a1d9ea5737e1a
org/apache/kafka/kafka-raft 4.1.1 4810c93d93d1935dd54de61c5ba130f501c7fe11bc49ccd3ee05ec857818a72a
org/apache/kafka/kafka-storage 4.1.1 1f85b82853eaec0143efbef7e3a4d4be8929ff83a386326431e0c2d0a557e58c
com/github/ben-manes/caffeine/caffeine 3.2.0 ec411dfdf0c03f25218648ce89861630b71680e5858a9a7278ebac8e55cab3d7
org/jspecify/jspecify 1.0.0 1fad6e6be7557781e4d33729d49ae1cdc8fdda6fe477bb0cc68ce351eafdfbab
org/apache/kafka/kafka-server 4.1.1 9f6aff422855491aad54326eca8d604163d6d3a6507cc48ffe3ce6de73caf79a
org/apache/kafka/kafka-coordinator-common 4.1.1 2072fc1ce7e0505149bba22a463a5909a899c6235c4fa696f15c21194a7baf60
org/apache/kafka/kafka-share-coordinator 4.1.1 e6bec53428c77bf6579321836d482542a93575f7c08e860a26c9f2c7f6059dac
net/sourceforge/argparse4j/argparse4j 0.7.0 65ceb669d88f63306c680f8088bbf765bbca72d288a61a03703000076c3d3f56
commons-validator/commons-validator 1.9.0 c3c14748e2d78db58df88808740711bd643b32c45ffa7b8a739f00fb467cd7d7
commons-beanutils/commons-beanutils 1.9.4 7d938c81789028045c08c065e94be75fc280527620d5bd62b519d5838532368a
commons-digester/commons-digester 2.1 e0b2b980a84fc6533c5ce291f1917b32c507f62bcad64198fff44368c2196a3d
commons-logging/commons-logging 1.3.2 6b858424f518015f32bfcd1183a373f4a827d72d026b6031da0c91cf0e8f3489
commons-collections/commons-collections 3.2.2 eeeae917917144a68a741d4c0dff66aa5c5c5fd85593ff217bced3fc8ca783b8
com/fasterxml/jackson/core/jackson-databind 2.19.0 ceda311f476c3b18e1d2b240c94e2dcb9c8d44e70f8afa9facab88bac4ddc03a
com/fasterxml/jackson/core/jackson-annotations 2.19.0 ead60e9cac0e42b57092b9e2d087ff43536e9477d4486ba393037a8cc156cda7
com/fasterxml/jackson/core/jackson-core 2.19.0 da8e859bac94874528116a25f20c68560e4287acbf27628711b8a4f96b028430
com/fasterxml/jackson/dataformat/jackson-dataformat-csv 2.19.0 bec1150426b0616bb488149b952b45a0dcb16d9416b017c38f6455ad9389bc68
com/fasterxml/jackson/datatype/jackson-datatype-jdk8 2.19.0 04f1a3f9da8155995dd00098d6847cdb9b7af67f4a3028c94031eff017c8e3e5
net/sf/jopt-simple/jopt-simple 5.0.4 df26cc58f235f477db07f753ba5a3ab243ebe5789d9f89ecf68dd62ea9a66c28
org/bitbucket/b_c/jose4j 0.9.6 7314af50cde9c99e8eaf43eee617a23edcc6bb43036221064355094999d837ef
com/yammer/metrics/metrics-core 2.2.0 6b7a14a6f34c10f8683f7b5e2f39df0f07b58c7dff0e468ebbc713905c46979c
com/typesafe/scala-logging/scala-logging_2.13 3.9.5 87a3017d3f43e6ace7566fe4c3d615134c6914ff871c8d64bb32ca1d996d0545
org/slf4j/slf4j-api 1.7.36 d3ef575e3e4979678dc01bf1dcce51021493b4d11fb7f1be8ad982877c16a1c0
com/google/re2j/re2j 1.8 7b52c72156dd7f98b3237a5b35c1d34fba381b21048c89208913ad80a45dfbd7
org/apache/logging/log4j/log4j-slf4j-impl 2.24.3 40dec251164d1576e000968cd02e56a1125f46b91fb694a06dfa168f1335da48
org/apache/logging/log4j/log4j-api 2.24.3 5b4a0a0cd0e751ded431c162442bdbdd53328d1f8bb2bae5fc1bbeee0f66d80f
org/apache/logging/log4j/log4j-core 2.24.3 7eb4084596ae25bd3c61698e48e8d0ab65a9260758884ed5cbb9c6e55c44a56a
`
  .trim()
  .split('\n')
  .map((line) => {
    const [path, version, sha256] = line.split(' ')
    const [artifact] = path.split('/').slice(-1)
    return { path: `${path}/${version}/${artifact}-${version}.jar`, sha256 }
  })

type Jar = (typeof jars)[number]

/**
 * The class path of a broker. What Maven's local repository lacks is fetched the first time (40 MB)
 * into node_modules/.cache; where Maven Central is out of reach, by Maven and its settings.
 */
export function kafkaClasspath(): Promise<string> {
  found ??= findClasspath()
  return found
}

let found: Promise<string> | undefined

async function findClasspath(): Promise<string> {
  const cache = join(import.meta.dirname, '../../../node_modules/.cache/euphorion', 'kafka')
  const local = join(homedir(), '.m2', 'repository')
  const missing = jars.filter((jar) => !find(jar, [cache, local]))
  if (missing.length > 0) {
    console.log(`Fetching Kafka ${kafkaVersion}: ${missing.length} jars`)
    try {
      await download(missing, cache)
    } catch (error) {
      await fetchByMaven(missing, cache, error as Error)
    }
  }
  return jars.map((jar) => find(jar, [cache, local]) ?? assertFound(jar)).join(delimiter)
}

function assertFound({ path }: Jar): never {
  throw new Error(`Kafka ${kafkaVersion} is not what it should be: ${path}`)
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
    throw new Error(`Kafka ${kafkaVersion} could not be fetched: ${lines.join('\n')}`)
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
