// Compiled functions beside the same functions as JavaScript, in the calling thread. Run by hand:
// `npm run build && node dist/bench/compiled.js`; with --smoke, once and small. Every result is
// checked against JavaScript's.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Bench } from 'tinybench'
import { compileFunction } from '../src/kernels.ts'
import * as algebra from '../test/kernel/compile/functions/algebra.ts'
import * as bytes from '../test/kernel/compile/functions/bytes.ts'
import * as dynamics from '../test/kernel/compile/functions/dynamics.ts'
import * as fractals from '../test/kernel/compile/functions/fractals.ts'
import * as grids from '../test/kernel/compile/functions/grids.ts'
import * as integers from '../test/kernel/compile/functions/integers.ts'
import * as sorting from '../test/kernel/compile/functions/sorting.ts'
import * as statistics from '../test/kernel/compile/functions/statistics.ts'
import { repositoryRoot } from '../test/support/repository.ts'

const smoke = process.argv.includes('--smoke')
const only = process.argv.find((each) => each.startsWith('--only='))?.slice('--only='.length)
const timing = smoke
  ? { time: 1, warmup: false, iterations: 1 }
  : { time: 400, warmupTime: 200, iterations: 5 }
/** Sizes of the inputs. */
const scale = (size: number): number => (smoke ? Math.ceil(size / 50) : size)

interface Workload {
  readonly file: string
  readonly fn: (...args: never[]) => unknown
  /** New for each run where the function changes them. */
  readonly args: () => unknown[]
}

const wave = (length: number): Float64Array =>
  Float64Array.from({ length }, (_, i) => Math.sin(i * 0.7) * 100 + (i % 17))
const noise = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i, 2654435761) >>> 24) & 0xff)
const text = new TextEncoder()

const n = scale(200)
const life = { cells: noise(n * n).map((each) => each & 1), next: new Uint8Array(n * n) }
const workloads: readonly Workload[] = [
  { file: 'fractals', fn: fractals.mandelbrot, args: () => [scale(300), scale(200), 255] },
  {
    file: 'fractals',
    fn: fractals.newton,
    args: () => [new Uint8Array(n * n), new Uint8Array(n * n), n],
  },
  {
    file: 'dynamics',
    fn: dynamics.gravityStep,
    args: () => [wave(3 * n), wave(3 * n), wave(n), 0.01],
  },
  {
    file: 'algebra',
    fn: algebra.matrixProduct,
    args: () => [wave(n * n), wave(n * n), new Float64Array(n * n), n],
  },
  { file: 'algebra', fn: algebra.decompose, args: () => [wave(n * n), new Int32Array(n), n] },
  {
    file: 'algebra',
    fn: algebra.fft,
    args: () => [wave(smoke ? 64 : 8192), wave(smoke ? 64 : 8192)],
  },
  { file: 'algebra', fn: algebra.convolve, args: () => [Float32Array.from(wave(scale(100_000)))] },
  { file: 'sorting', fn: sorting.quicksort, args: () => [wave(scale(50_000))] },
  { file: 'sorting', fn: sorting.heapsort, args: () => [Int32Array.from(wave(scale(50_000)))] },
  { file: 'sorting', fn: sorting.median, args: () => [wave(scale(50_000))] },
  { file: 'integers', fn: integers.countPrimes, args: () => [scale(300_000)] },
  { file: 'integers', fn: integers.xorshift, args: () => [7, new Float64Array(scale(100_000))] },
  { file: 'integers', fn: integers.congruential, args: () => [7, scale(100_000)] },
  { file: 'integers', fn: integers.crc32, args: () => [noise(scale(200_000))] },
  { file: 'integers', fn: integers.queens, args: () => [smoke ? 5 : 9] },
  { file: 'integers', fn: integers.fibonacci, args: () => [smoke ? 10 : 24] },
  { file: 'integers', fn: integers.longestCollatz, args: () => [scale(10_000)] },
  { file: 'bytes', fn: bytes.editDistance, args: () => [noise(scale(600)), noise(scale(500))] },
  { file: 'bytes', fn: bytes.parseNumber, args: () => [text.encode('-12345678.87654321')] },
  { file: 'bytes', fn: bytes.countKinds, args: () => [noise(scale(100_000)), new Float64Array(4)] },
  { file: 'grids', fn: grids.lifeStep, args: () => [life.cells, life.next, n, n] },
  {
    file: 'grids',
    fn: grids.resize,
    args: () => [Uint8ClampedArray.from(noise(n * n)), n, n, 2 * n, 2 * n],
  },
  {
    file: 'grids',
    fn: grids.sobel,
    args: () => [Float32Array.from(wave(n * n)), n, new Float32Array(n * n)],
  },
  {
    file: 'statistics',
    fn: statistics.kMeansStep,
    args: () => [wave(scale(20_000)), wave(16), new Uint16Array(scale(10_000)), 2],
  },
  {
    file: 'statistics',
    fn: statistics.optionPrices,
    args: () => [
      wave(scale(20_000)).map(Math.abs),
      wave(scale(20_000)).map(Math.abs),
      new Float64Array(scale(20_000)),
    ],
  },
  { file: 'statistics', fn: statistics.prefixSums, args: () => [wave(scale(100_000))] },
]

for (const { file, fn, args } of workloads) {
  if (only !== undefined && fn.name !== only) continue
  const path = join(repositoryRoot, 'test/kernel/compile/functions', `${file}.ts`)
  const compiled = compileFunction(fn, path)
  const check = [args(), args()] as never[][]
  assert.deepEqual(compiled.callSync(...check[0]), fn(...check[1]))
  assert.deepEqual(check[0], check[1])
  const bench = new Bench({ ...timing, throws: true })
  for (const [name, run] of [
    ['JavaScript', fn],
    ['compiled', compiled.callSync],
  ] as const) {
    let given = args() as never[]
    bench.add(name, () => void run(...given), {
      beforeEach: () => {
        given = args() as never[]
      },
    })
  }
  await bench.run()
  const [js, wasm] = bench.tasks.map(({ result }) =>
    'latency' in result ? result.latency.p50 : NaN,
  )
  console.log(
    `${fn.name.padEnd(16)} JavaScript ${(js * 1000).toFixed(1).padStart(9)} µs   ` +
      `compiled ${(wasm * 1000).toFixed(1).padStart(9)} µs   ${(js / wasm).toFixed(2)} x`,
  )
}
