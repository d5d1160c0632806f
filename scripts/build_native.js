// Builds the native addon, native/ → dist/native/euphorion.node, by the C++ compiler of this machine
// and nothing else. `npm run build:native` says loudly what failed; build.js, which `npm ci` runs,
// takes a machine without a compiler as it is: the kernels run in WebAssembly then.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { arch, platform } from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const compileMsMax = 300_000
const compilesAtOnce = 2

/** Products of doubles are rounded before they are added: all backends count the same. */
const commonFlags = [
  ...['-std=c++17', '-O3', '-ffp-contract=off', '-fPIC', '-fvisibility=hidden'],
  ...['-fno-exceptions', '-fno-rtti', '-Wall', '-Wextra'],
]

/** Flags of the files that are made for certain processors, by the end of their names. */
const instructionFlags = {
  x64: {
    _avx2: ['-mavx2', '-mfma'],
    _avx512: ['-mavx512f', '-mavx512dq', '-mavx512vl', '-mavx512bw', '-mavx2', '-mfma'],
    _instruction: ['-msse4.2'],
  },
  arm64: { _instruction: ['-march=armv8-a+crc'] },
}

/** What a person reads when there is no addon: one sentence, without a full stop. */
class BuildFailure extends Error {}

/** Compiles into `out` what has changed, and links it. Rejects with one sentence that says why not. */
export async function buildNative({
  out = join(root, 'dist/native'),
  environment = process.env,
} = {}) {
  const addon = join(out, 'euphorion.node')
  const log = new BuildLog(join(out, 'build.log'))
  try {
    const compiler = await findCompiler(environment)
    const include = ['-isystem', nodeApiHeaders(), '-DNAPI_VERSION=8']
    const sources = [...sourcesIn('core'), ...sourcesIn('addon')]
    const objects = await compileAll({ compiler, sources, flags: include, out, log })
    await link({ compiler, objects, flags: sharedFlags(), target: addon, log })
    return { addon, compiler: compiler.version }
  } catch (error) {
    // What an earlier build left is of other sources.
    rmSync(addon, { force: true })
    throw error
  } finally {
    log.write()
  }
}

/** Compiles the core with its own test, as a program; `flags` are for compiling and linking. */
export async function buildCoreTest({ out, flags = [], environment = process.env }) {
  const program = join(out, 'core_test')
  const log = new BuildLog(join(out, 'build.log'))
  try {
    const compiler = await findCompiler(environment)
    const sources = [...sourcesIn('core'), ...sourcesIn('test')]
    const objects = await compileAll({ compiler, sources, flags, out, log })
    await link({ compiler, objects, flags, target: program, log })
    return program
  } finally {
    log.write()
  }
}

/** The one that $CXX names (it may be several words), else the first that is there. */
export async function findCompiler(environment = process.env) {
  if (platform === 'win32') throw new BuildFailure('it is not built on Windows')
  const named = environment.CXX
  const candidates = named ? [named] : ['c++', 'g++', 'clang++']
  for (const candidate of candidates) {
    const command = candidate.split(' ')
    const { failed, output } = await execute([...command, '--version'], environment)
    if (!failed) return { command, version: output.split('\n')[0], environment }
  }
  const looked = named ? `CXX=${named} does not run` : `none of ${candidates.join(', ')} runs`
  throw new BuildFailure(`there is no C++ compiler (${looked})`)
}

function nodeApiHeaders() {
  try {
    return createRequire(import.meta.url)('node-api-headers').include_dir
  } catch {
    throw new BuildFailure('the package node-api-headers is not installed (a devDependency)')
  }
}

function sourcesIn(folder) {
  return readdirSync(join(root, 'native', folder))
    .filter((name) => name.endsWith('.cc'))
    .sort()
    .map((name) => join(root, 'native', folder, name))
}

function flagsOf(source) {
  const flags = instructionFlags[arch] ?? {}
  const suffix = /_[a-z0-9]+(?=\.cc$)/.exec(basename(source))?.[0] ?? ''
  return [...commonFlags, ...(flags[suffix] ?? [])]
}

function sharedFlags() {
  if (platform === 'darwin') return ['-bundle', '-undefined', 'dynamic_lookup']
  // What nobody needs of the C++ library stays out, so that an addon runs on other systems too.
  return ['-shared', '-static-libgcc', '-Wl,--as-needed', '-s']
}

/** A few at a time; an object is named by all that went into it, so what is there is right. */
async function compileAll({ compiler, sources, flags, out, log }) {
  mkdirSync(join(out, 'objects'), { recursive: true })
  const shared = hash(headersText(), ...compiler.command, compiler.version, arch)
  const objects = sources.map((source) => {
    const args = [...flagsOf(source), ...flags]
    const key = hash(shared, args.join(' '), readFileSync(source, 'utf8'))
    const name = relative(join(root, 'native'), source).replaceAll(/[\\/]/g, '-').slice(0, -3)
    return { source, args, path: join(out, 'objects', `${name}.${key}.o`) }
  })
  const waiting = objects.filter(({ path }) => !existsSync(path))
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      await compile(compiler, next, log)
  }
  await Promise.all(Array.from({ length: compilesAtOnce }, work))
  const kept = new Set(objects.map(({ path }) => basename(path)))
  for (const name of readdirSync(join(out, 'objects')))
    if (name.endsWith('.o') && !kept.has(name)) rmSync(join(out, 'objects', name), { force: true })
  return objects.map(({ path }) => path)
}

function headersText() {
  return ['core', 'addon', 'test']
    .flatMap((folder) => {
      const names = readdirSync(join(root, 'native', folder)).sort()
      return names
        .filter((name) => name.endsWith('.h'))
        .map((name) => `${name}\n${readFileSync(join(root, 'native', folder, name), 'utf8')}`)
    })
    .join('\n')
}

function hash(...texts) {
  return createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 16)
}

/** Under a name of its own first: two builds at once, or one that was killed, leave nothing half. */
async function compile(compiler, { source, args, path }, log) {
  const unfinished = `${path}.${process.pid}`
  await step(compiler, [...args, '-c', source, '-o', unfinished], relative(root, source), log)
  renameSync(unfinished, path)
}

/** Renamed over the old one, which a running program may have loaded. */
async function link({ compiler, objects, flags, target, log }) {
  const stamp = `${target}.key`
  const key = hash(compiler.version, ...objects, ...flags)
  if (existsSync(target) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return
  const unfinished = `${target}.${process.pid}`
  await step(compiler, [...objects, ...flags, '-o', unfinished], 'linking', log)
  renameSync(unfinished, target)
  writeFileSync(stamp, key)
}

async function step(compiler, args, what, log) {
  const command = [...compiler.command, ...args]
  const { failed, output } = await execute(command, compiler.environment)
  log.add(`${command.join(' ')}\n${output}`)
  if (!failed) return
  const where = relative(process.cwd(), log.path)
  throw new BuildFailure(`${compiler.command.join(' ')} failed on ${what} (see ${where})`)
}

function execute([command, ...args], env) {
  const options = { env, timeout: compileMsMax, encoding: 'utf8', maxBuffer: 2 ** 26 }
  return new Promise((resolve) => {
    execFile(command, args, options, (error, out, err) =>
      resolve({ failed: error !== null, output: `${out}${err}` }),
    )
  })
}

class BuildLog {
  path
  #steps = []

  constructor(path) {
    this.path = path
  }

  add(text) {
    this.#steps.push(text)
  }

  write() {
    if (this.#steps.length > 0) writeFileSync(this.path, this.#steps.join('\n'))
  }
}

/** As a part of the build: an addon where one can be built, else one line. */
export async function buildNativeIfPossible({ out, environment = process.env } = {}) {
  if (environment.EUPHORION_NATIVE === '0') return
  try {
    await buildNative({ out, environment })
  } catch (error) {
    const why = error instanceof BuildFailure ? error.message : String(error).split('\n')[0]
    console.log(`The native addon is not built: ${why}. Kernels run in WebAssembly.`)
  }
}

const usage = `node scripts/build_native.js [--if-possible] [--out directory]
node scripts/build_native.js --core-test --out directory [-- flags of the compiler]`

async function main() {
  const options = {
    'core-test': { type: 'boolean' },
    'if-possible': { type: 'boolean' },
    out: { type: 'string' },
  }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const out = values.out && resolve(values.out)
  if (values['core-test']) {
    if (out === undefined) throw new BuildFailure(usage)
    console.log(await buildCoreTest({ out, flags: positionals }))
  } else if (values['if-possible']) {
    await buildNativeIfPossible({ out })
  } else {
    const { addon, compiler } = await buildNative({ out })
    console.log(`${relative(process.cwd(), addon)} (${compiler})`)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await main()
  } catch (error) {
    console.error(`build:native: ${error instanceof BuildFailure ? error.message : error.stack}`)
    process.exitCode = 1
  }
}
