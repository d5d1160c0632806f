// The package as users get it: packed, installed into an empty project, the examples run as
// TypeScript by its own command and as compiled modules, and its types checked in full.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { newDirectory, Program, runNode } from '../support/program.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../../..')
const limit = { timeout: 120_000 }

/** What the types must refuse: no `any` hides behind them. */
const wrong = `import { App, count, float64, record, string } from 'euphorion'
import { loadKernel } from 'euphorion/kernels'
const app = new App('wrong')
const Reading = record('Reading', { id: string(), value: float64() })
const readings = app.topic('readings', { value: Reading })
// @ts-expect-error
app.stream(readings).keyBy('idd')
const perId = app.stream(readings).keyBy('id').aggregate('per-id', () => ({ n: count() }))
// @ts-expect-error
await perId.get(1)
// @ts-expect-error
await readings.send({ value: { id: 1, value: 1 } })
// @ts-expect-error
new App('x', { threads: '2' })
const kernel = await loadKernel('x.kernel.ts', { columns: { values: 'f64' }, result: 'f64' })
// @ts-expect-error
await kernel.run({ values: new Float32Array(1) })
`

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

let packed: Packed
let directory: string

before(async () => {
  directory = await newDirectory()
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory]
  const { stdout } = await execute('npm', pack, { cwd: root, env: npmEnvironment() })
  packed = (JSON.parse(stdout) as Packed[])[0]
  const manifest = { name: 'empty', private: true, type: 'module' }
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest))
  await install(join(directory, packed.filename))
  for (const name of ['sample.ts', 'page_views.ts', 'ewma.ts', 'ewma.kernel.ts'])
    copyFileSync(join(root, 'examples', name), join(directory, name))
  writeFileSync(join(directory, 'wrong.ts'), wrong)
}, limit)

/** What the npm that runs the tests tells its scripts must not reach the one that they run. */
function npmEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^npm_(?!config_)/i.test(name))
  return Object.fromEntries(kept)
}

/** From the registry; where that is out of reach, with this checkout's dependencies. */
async function install(tarball: string): Promise<void> {
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
  const options = { cwd: directory, env: npmEnvironment(), timeout: 240_000 }
  try {
    await execute('npm', ['install', ...flags, '--fetch-retries=0', tarball], options)
  } catch (error) {
    console.log(`npm install failed, so dependencies are linked: ${String(error).slice(0, 300)}`)
    await unpack(tarball)
  }
}

async function unpack(tarball: string): Promise<void> {
  const modules = join(directory, 'node_modules')
  mkdirSync(installed(), { recursive: true })
  await execute('tar', ['-xzf', tarball, '-C', installed(), '--strip-components=1'])
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!existsSync(join(modules, name)))
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
}

function installed(...path: readonly string[]): string {
  return join(directory, 'node_modules/euphorion', ...path)
}

/** What `npx euphorion` runs. */
function command(): string {
  const { bin } = JSON.parse(readFileSync(installed('package.json'), 'utf8')) as {
    readonly bin: { readonly euphorion: string }
  }
  return installed(bin.euphorion)
}

test('the tarball holds the built sources and nothing else', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .flatMap((path) => {
      const [, stem, kind] = /^(.*)\.(c?)ts$/.exec(path) ?? []
      return stem === undefined ? [] : [`${stem}.${kind}js`, `${stem}.d.${kind}ts`]
    })
    .map((path) => `dist/src/${path}`)
  const template = ['README.md', 'app.ts', 'test/app.test.ts'].map((name) => `examples/new/${name}`)
  const docs = readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)
  const others = ['package.json', 'README.md', 'LICENSE', 'dist/kernels.wasm', 'dist/numeric.wasm']
  assert.deepEqual(
    packed.files.map(({ path }) => path).sort(),
    [...sources, ...docs, ...template, ...others, 'src/batch/batch.fbs'].sort(),
  )
})

test('whatever a packed module imports is in the tarball or a dependency', () => {
  const files = new Set(packed.files.map(({ path }) => path))
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    'dependencies' | 'optionalDependencies' | 'peerDependencies',
    Readonly<Record<string, string>>
  >
  const known = new Set([
    ...Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }),
    ...Object.keys(manifest.peerDependencies),
    ...builtinModules.map((name) => `node:${name}`),
  ])
  const imported =
    /(?:^(?:import|export)\b.*? from |^import |\b(?:import|require|createRequire\(import\.meta\.url\))\()'([^']+)'/gm
  // Where src/kernel/native.ts looks: a checkout's own build, and packages that npm puts there.
  const isAddon = (from: string) => from.endsWith('.node') || from.startsWith('@euphorion/native-')
  const missing: string[] = []
  let seen = 0
  for (const path of files) {
    if (!/\.(js|d\.ts)$/.test(path)) continue
    for (const [, from] of readFileSync(installed(path), 'utf8').matchAll(imported)) {
      seen++
      if (isAddon(from)) continue
      const target = posix.join(posix.dirname(path), from)
      const name = from.split('/', from.startsWith('@') ? 2 : 1).join('/')
      const isThere = from.startsWith('.')
        ? files.has(target) || files.has(target.replace(/\.ts$/, '.d.ts'))
        : known.has(name)
      if (!isThere) missing.push(`${path} imports ${from}`)
    }
  }
  assert.deepEqual(missing, [])
  assert.ok(seen > 500, `${seen} imports were found`)
})

/** Runs the page views until there is a report; then the table, which a second program reads. */
async function runs(t: TestContext, worker: readonly string[], table: readonly string[]) {
  const cwd = directory
  const data = `./data-${worker.length}`
  const env = { EUPHORION_BROKER: `embedded:${data}/log`, EUPHORION_DATA_DIR: data }
  const program = Program.start(t, worker, { cwd, env })
  const [, views] = await program.prints(/\/home: (\d+) views since /)
  program.signal('SIGINT')
  assert.equal((await program.ended).code, 0)
  const { code, out } = await runNode(t, table, { cwd, env })
  assert.equal(code, 0)
  const rows = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly key: string; readonly views: number })
  const home = rows.filter(({ key }) => key === '/home').map((row) => row.views)
  assert.ok(Math.max(...home) >= Number(views), `${out}\n${views}`)
}

test('a TypeScript program runs with the installed command', limit, (t) => {
  const options = ['-A', 'page_views.ts']
  const table = [command(), 'table', 'views-per-page', ...options, '--format', 'jsonl']
  return runs(t, [command(), 'worker', ...options], table)
})

test('a compiled program runs by itself', limit, async (t) => {
  await compile('nodenext', 'nodenext', '--outDir', 'compiled')
  const app = 'compiled/page_views.js'
  return runs(t, [app, 'worker'], [app, 'table', 'views-per-page', '--json'])
})

test('a kernel in AssemblyScript is compiled and run', limit, async (t) => {
  await compile('nodenext', 'nodenext', '--outDir', 'compiled')
  copyFileSync(join(directory, 'ewma.kernel.ts'), join(directory, 'compiled/ewma.kernel.ts'))
  const options = { cwd: directory, env: { EUPHORION_CACHE_DIR: './cache' } }
  const { code, out, err } = await runNode(t, ['compiled/ewma.js'], options)
  assert.equal(code, 0, err)
  assert.match(out, /^smoothed: 0\.0\d+ off on average$/m)
  const built = await runNode(t, [command(), 'kernel', 'build', 'ewma.kernel.ts'], options)
  assert.equal(built.code, 0, built.err)
})

for (const [module, resolution] of [
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])
  test(`the types resolve, module resolution ${resolution}`, limit, () =>
    compile(module, resolution, '--noEmit'),
  )

/**
 * With every declaration file checked; and without the types of Node, which are not ours to ask.
 */
async function compile(module: string, resolution: string, ...more: readonly string[]) {
  const files = ['sample.ts', 'page_views.ts', 'ewma.ts', 'wrong.ts']
  const options = ['--strict', '--skipLibCheck', 'false', '--target', 'es2022', '--types', '']
  const modules = ['--module', module, '--moduleResolution', resolution]
  const args = [...options, ...modules, ...more, ...files]
  const compiler = join(root, 'node_modules/.bin/tsc')
  await execute(compiler, args, { cwd: directory }).catch((error: { stdout: string }) => {
    assert.fail(error.stdout)
  })
}
