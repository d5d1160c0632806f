// Builds the native store: an addon over RocksDB 11, dist/native/euphorion_store.node, with the
// library that it needs beside it. `npm run build:native:store`; no part of an install. RocksDB
// itself takes a quarter of an hour to compile, so its library is taken from the jar of its Java
// binding, and the headers from the crate of its Rust binding; both are fetched once, by the tools
// of those languages where they are there (they know mirrors), else from Maven Central and
// crates.io. RocksDB's licence is Apache-2.0 or GPLv2, by choice; its texts lie beside the build.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { arch, platform } from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { fileOfZip, filesOfTarGz } from './archives.js'
import { findCompiler } from './build_native.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const version = '11.8.1'
const stepMsMax = 300_000

/** Where a platform's library is in the jar. */
const libraries = {
  'linux x64 glibc': {
    name: 'librocksdbjni-linux64.so',
    sha256: '265c656af5c6502cb8d71db1a74858509f706cc47f1a5b6f603c736d11ce677d',
  },
  'linux x64 musl': {
    name: 'librocksdbjni-linux64-musl.so',
    sha256: 'da7bf4bfbc321c95cfbc36294211ef825241132a0f1f53f027c507a59cbb0010',
  },
  'linux arm64 glibc': {
    name: 'librocksdbjni-linux-aarch64.so',
    sha256: '7b2d0808c6afae32db39f11cb61cbefffcf460895b1c64ee6193ba02d6bdd23a',
  },
  'linux arm64 musl': {
    name: 'librocksdbjni-linux-aarch64-musl.so',
    sha256: '7cb5d084db08dc68fd1208d2c9c9a2547402d5b718cb9b7a5d0e49199f1b702e',
  },
}

const jar = {
  name: `rocksdbjni-${version}.jar`,
  folder: `org/rocksdb/rocksdbjni/${version}`,
  sha256: '628ed387887f4a431df480857954df2a28b4389bfe24858ccdec611cabf65dbf',
  megabytes: 92,
}
const crate = {
  name: `librocksdb-sys-0.19.0+${version}.crate`,
  sha256: '4f45e86edad8e88efe97dbf384b4e48e1ff0f111eabf154c7b09d7a1e5fb573c',
  megabytes: 8,
}
const headers = ['c.h', 'version.h', 'rocksdb_namespace.h'].map((name) => `include/rocksdb/${name}`)
const licences = ['LICENSE.Apache', 'COPYING', 'LICENSE.leveldb']

/** What a person reads when it cannot be built: one sentence, without a full stop. */
class BuildFailure extends Error {}

/**
 * Fetches what is missing into `cache` and compiles into `out`. Rejects with one sentence that says
 * what is missing. `environment` may name other sources: EUPHORION_MAVEN_URL, EUPHORION_CRATES_URL.
 */
export async function buildNativeStore({
  out = join(root, 'dist/native'),
  cache = join(root, 'node_modules/.cache/euphorion/rocksdb'),
  environment = process.env,
} = {}) {
  const library = libraryHere()
  const compiler = await findCompiler(environment).catch((error) => {
    throw new BuildFailure(error.message)
  })
  mkdirSync(cache, { recursive: true })
  mkdirSync(out, { recursive: true })
  if (!isWhole(join(cache, library.name), library.sha256))
    await takeLibrary(library, cache, environment)
  if (!hasHeaders(cache)) await takeHeaders(cache, environment)
  const addon = join(out, 'euphorion_store.node')
  await compile({ compiler, library, cache, addon })
  replace(join(out, library.name), (path) => copyFileSync(join(cache, library.name), path))
  mkdirSync(join(out, 'rocksdb-licences'), { recursive: true })
  for (const name of licences) copyFileSync(join(cache, name), join(out, 'rocksdb-licences', name))
  return { addon, compiler: compiler.version }
}

function libraryHere() {
  const isGlibc = process.report.getReport().header.glibcVersionRuntime !== undefined
  const here = `${platform} ${arch}${platform === 'linux' ? (isGlibc ? ' glibc' : ' musl') : ''}`
  const library = libraries[here]
  if (library !== undefined) return library
  throw new BuildFailure(`it is made for ${Object.keys(libraries).join(', ')}; this is ${here}`)
}

function isWhole(path, sha256) {
  return existsSync(path) && hashOf(readFileSync(path)) === sha256
}

function hashOf(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

function hasHeaders(cache) {
  return [...headers, ...licences].every((name) => existsSync(join(cache, name)))
}

async function takeLibrary({ name, sha256 }, cache, environment) {
  const bytes = fileOfZip(await obtain(jar, cache, jarSources(environment)), name)
  if (bytes === undefined || hashOf(bytes) !== sha256)
    throw new BuildFailure(`${jar.name} has no ${name} that is what it should be`)
  replace(join(cache, name), (path) => writeFileSync(path, bytes))
}

async function takeHeaders(cache, environment) {
  const wanted = [...headers, ...licences].map((name) => `rocksdb/${name}`)
  const files = filesOfTarGz(await obtain(crate, cache, crateSources(environment)), wanted)
  for (const name of [...headers, ...licences]) {
    const bytes = files.get(`rocksdb/${name}`)
    if (bytes === undefined) throw new BuildFailure(`${crate.name} has no ${name}`)
    mkdirSync(dirname(join(cache, name)), { recursive: true })
    replace(join(cache, name), (path) => writeFileSync(path, bytes))
  }
}

/** Under another name first, so that nothing is ever half there. */
function replace(path, write) {
  write(`${path}.${process.pid}`)
  renameSync(`${path}.${process.pid}`, path)
}

/**
 * The bytes from the first source that has them. What a source did wrong is told when none has
 * them.
 */
async function obtain({ name, sha256, megabytes }, cache, sources) {
  const reasons = []
  const folder = mkdtempSync(join(cache, 'fetching-'))
  try {
    for (const { from, quiet, take } of sources) {
      try {
        if (!quiet) console.log(`${name} (${megabytes} MB) from ${from}`)
        const bytes = await take(folder)
        if (bytes === undefined) continue
        if (hashOf(bytes) === sha256) return bytes
        reasons.push(`${from}: it is another file than it should be`)
      } catch (error) {
        reasons.push(`${from}: ${(error.cause ?? error).message.split('\n')[0]}`)
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  throw new BuildFailure(`${name} cannot be had (${reasons.join('; ')})`)
}

function jarSources(environment) {
  const path = `${jar.folder}/${jar.name}`
  const base = environment.EUPHORION_MAVEN_URL ?? 'https://repo.maven.apache.org/maven2'
  const local = join(homedir(), '.m2/repository', path)
  const byMaven = async (folder) => {
    const artifact = `-Dartifact=org.rocksdb:rocksdbjni:${version}`
    const options = ['-q', '-B', 'dependency:copy', artifact, `-DoutputDirectory=${folder}`]
    await execute(['mvn', ...options], environment)
    return readFileSync(join(folder, jar.name))
  }
  return [
    { from: local, quiet: true, take: () => readIfThere(local) },
    ...(environment.EUPHORION_MAVEN_URL ? [] : [{ from: 'Maven', take: byMaven }]),
    { from: base, take: () => download(`${base}/${path}`) },
  ]
}

function crateSources(environment) {
  const home = environment.CARGO_HOME ?? join(homedir(), '.cargo')
  const base = environment.EUPHORION_CRATES_URL ?? 'https://static.crates.io/crates'
  const cached = () => {
    const folder = join(home, 'registry/cache')
    const registries = existsSync(folder) ? readdirSync(folder) : []
    return registries.map((each) => readIfThere(join(folder, each, crate.name))).find(Boolean)
  }
  const byCargo = async () => {
    await execute(['cargo', 'info', '--quiet', 'librocksdb-sys@0.19.0'], environment)
    return cached()
  }
  return [
    { from: home, quiet: true, take: cached },
    ...(environment.EUPHORION_CRATES_URL ? [] : [{ from: 'Cargo', take: byCargo }]),
    {
      from: base,
      take: () => download(`${base}/librocksdb-sys/${encodeURIComponent(crate.name)}`),
    },
  ]
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path) : undefined
}

async function download(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(stepMsMax) })
  if (!response.ok) throw new Error(`it answers ${response.status}`)
  return Buffer.from(await response.arrayBuffer())
}

async function compile({ compiler, library, cache, addon }) {
  const folder = join(root, 'native/store')
  const sources = readdirSync(folder).filter((name) => name.endsWith('.cc'))
  const include = createRequire(import.meta.url)('node-api-headers').include_dir
  await execute(
    [
      ...compiler.command,
      ...['-std=c++17', '-O2', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-shared', '-s'],
      ...['-DNAPI_VERSION=8', '-isystem', include, '-isystem', join(cache, 'include')],
      ...sources.map((name) => join(folder, name)),
      ...['-L', cache, `-l:${library.name}`, '-Wl,-rpath,$ORIGIN'],
      // RocksDB's threads run on when the last thread of Node that has loaded it has ended.
      ...['-Wl,-z,nodelete', '-o', `${addon}.${process.pid}`],
    ],
    compiler.environment,
  )
  renameSync(`${addon}.${process.pid}`, addon)
}

function execute([command, ...args], env) {
  const options = { env, timeout: stepMsMax, encoding: 'utf8', maxBuffer: 2 ** 26 }
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, out, err) => {
      if (error === null) return resolve(out)
      if (error.code === 'ENOENT') return reject(new BuildFailure(`there is no ${command}`))
      const said = `${err}${out}`.split('\n').find((line) => /error/i.test(line))
      reject(new BuildFailure(`${command} failed: ${said ?? error.message}`))
    })
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const options = { out: { type: 'string' }, cache: { type: 'string' } }
    const { out, cache } = parseArgs({ options }).values
    const { addon, compiler } = await buildNativeStore({
      out: out && resolve(out),
      cache: cache && resolve(cache),
    })
    console.log(`${relative(process.cwd(), addon)} (RocksDB ${version}, ${compiler})`)
  } catch (error) {
    const isSaid = error instanceof BuildFailure
    console.error(`build:native:store: ${isSaid ? error.message : error.stack}`)
    process.exitCode = 1
  }
}
