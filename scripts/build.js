// Builds everything a checkout needs: the kernels (AssemblyScript → dist/*.wasm), the TypeScript
// tree (src, test, bench, examples → dist), and the native addon where there is a C++ compiler.
// Also run by `npm ci` through "prepare".
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildNativeIfPossible } from './build_native.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const bin = (name) => join(root, 'node_modules', '.bin', name)

function run(command, args) {
  const stdio = ['ignore', 'inherit', 'pipe']
  const done = spawnSync(command, args, { cwd: root, stdio, encoding: 'utf8' })
  // What the optimizer says of its last round is no news to anybody.
  process.stderr.write(done.stderr.replace('Last converge was suboptimal.\n', ''))
  if (done.status !== 0) {
    console.error(`build: ${args.join(' ')} failed`)
    process.exit(done.status ?? 1)
  }
}

function newest(dir) {
  return Math.max(
    ...readdirSync(join(root, dir), { recursive: true }).map(
      (f) => statSync(join(root, dir, String(f))).mtimeMs,
    ),
  )
}

mkdirSync(join(root, 'dist'), { recursive: true })
/** The kernels of lanes, and those for numbers: two modules over two memories. */
for (const [entry, name] of [
  ['assembly/index.ts', 'kernels.wasm'],
  ['assembly/numeric/index.ts', 'numeric.wasm'],
]) {
  const wasm = join(root, 'dist', name)
  if (existsSync(wasm) && statSync(wasm).mtimeMs >= newest('assembly')) continue
  run(bin('asc'), [
    entry,
    '--outFile',
    `dist/${name}`,
    '--target',
    'release',
    '--config',
    'assembly/asconfig.json',
  ])
}
for (const tree of ['src', 'test', 'bench', 'examples'])
  rmSync(join(root, 'dist', tree), { recursive: true, force: true })
run(bin('tsc'), ['-p', 'tsconfig.json'])
// AssemblyScript is no input of tsc: programs load it from beside themselves.
for (const name of readdirSync(join(root, 'examples')).filter((each) =>
  each.endsWith('.kernel.ts'),
))
  copyFileSync(join(root, 'examples', name), join(root, 'dist/examples', name))
await buildNativeIfPossible()
// Whoever links the command (npx, npm link) expects it to be one after every build.
chmodSync(join(root, 'dist/src/cli/main.js'), 0o755)
