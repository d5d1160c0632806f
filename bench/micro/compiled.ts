// Plain functions over numbers and arrays: compiled to WebAssembly, and as they are, as JavaScript;
// both on the calling thread.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { compileFunction } from '../../src/kernels.ts'
import { medianOf } from '../../src/tune/comparison.ts'
import * as algebra from '../../test/kernel/compile/functions/algebra.ts'
import * as bytes from '../../test/kernel/compile/functions/bytes.ts'
import * as dynamics from '../../test/kernel/compile/functions/dynamics.ts'
import * as fractals from '../../test/kernel/compile/functions/fractals.ts'
import * as grids from '../../test/kernel/compile/functions/grids.ts'
import * as integers from '../../test/kernel/compile/functions/integers.ts'
import * as sorting from '../../test/kernel/compile/functions/sorting.ts'
import * as statistics from '../../test/kernel/compile/functions/statistics.ts'
import type { BenchContext } from '../report/bench.ts'
import { root } from '../report/checkout.ts'
import { type MicroCase, type MicroPart, samplesOf } from './part.ts'

const SAMPLE_MS = 30
/** Smoke has inputs that are so much smaller. */
const SMALLER = 50
const NS_PER_US = 1000

interface Workload {
  readonly file: string
  readonly fn: (...args: never[]) => unknown
  /** New for each run where the function changes them. */
  readonly args: () => unknown[]
}

/** Arrays are made once, and given as copies. */
function copied<A extends { slice(): A }>(make: (length: number) => A): (length: number) => A {
  const made = new Map<number, A>()
  return (length) => {
    const array = made.get(length) ?? make(length)
    made.set(length, array)
    return array.slice()
  }
}

const wave = copied((length) =>
  Float64Array.from({ length }, (_, i) => Math.sin(i * 0.7) * 100 + (i % 17)),
)
const noise = copied((length) =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i, 2654435761) >>> 24) & 0xff),
)
const text = new TextEncoder()

type Scale = (size: number) => number

/** Of numbers. */
function numeric(smoke: boolean, scale: Scale): readonly Workload[] {
  const n = scale(200)
  return [
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
    { file: 'algebra', fn: algebra.convolve, args: () => [new Float32Array(wave(scale(100_000)))] },
    { file: 'sorting', fn: sorting.quicksort, args: () => [wave(scale(50_000))] },
    { file: 'sorting', fn: sorting.heapsort, args: () => [new Int32Array(wave(scale(50_000)))] },
    { file: 'sorting', fn: sorting.median, args: () => [wave(scale(50_000))] },
    { file: 'integers', fn: integers.countPrimes, args: () => [scale(300_000)] },
    { file: 'integers', fn: integers.xorshift, args: () => [7, new Float64Array(scale(100_000))] },
    { file: 'integers', fn: integers.congruential, args: () => [7, scale(100_000)] },
    { file: 'integers', fn: integers.crc32, args: () => [noise(scale(200_000))] },
    { file: 'integers', fn: integers.queens, args: () => [smoke ? 5 : 9] },
    { file: 'integers', fn: integers.fibonacci, args: () => [smoke ? 10 : 24] },
    { file: 'integers', fn: integers.longestCollatz, args: () => [scale(10_000)] },
  ]
}

/** Of bytes, grids and samples. */
function ofArrays(scale: Scale): readonly Workload[] {
  const n = scale(200)
  const life = { cells: noise(n * n).map((each) => each & 1), next: new Uint8Array(n * n) }
  return [
    { file: 'bytes', fn: bytes.editDistance, args: () => [noise(scale(600)), noise(scale(500))] },
    { file: 'bytes', fn: bytes.parseNumber, args: () => [text.encode('-12345678.87654321')] },
    {
      file: 'bytes',
      fn: bytes.countKinds,
      args: () => [noise(scale(100_000)), new Float64Array(4)],
    },
    { file: 'grids', fn: grids.lifeStep, args: () => [life.cells, life.next, n, n] },
    {
      file: 'grids',
      fn: grids.resize,
      args: () => [new Uint8ClampedArray(noise(n * n)), n, n, 2 * n, 2 * n],
    },
    {
      file: 'grids',
      fn: grids.sobel,
      args: () => [new Float32Array(wave(n * n)), n, new Float32Array(n * n)],
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
}

export const compiled: MicroPart = {
  name: 'compiled',
  async run(context) {
    const { isSmoke } = context
    const scale: Scale = (size) => (isSmoke ? Math.ceil(size / SMALLER) : size)
    for (const workload of [...numeric(isSmoke, scale), ...ofArrays(scale)])
      await addWorkload(context, workload)
  },
}

async function addWorkload(context: BenchContext, { file, fn, args }: Workload): Promise<void> {
  const path = join(root, 'test/kernel/compile/functions', `${file}.ts`)
  const { callSync } = compileFunction(fn, path)
  // what it gives, and what it has made of its arguments
  const expected = args() as never[]
  const result = fn(...expected)
  const kinds = [
    ['JavaScript', fn],
    ['compiled', callSync],
  ] as const
  const cases = kinds.map(([name, run]): MicroCase => {
    let given: never[] = []
    return {
      name: `${fn.name}, ${name}`,
      prepare: () => {
        given = args() as never[]
      },
      work: () => run(...given),
      check: (answer) => assert.deepEqual([answer, given], [result, expected]),
    }
  })
  const spec = { group: fn.name, per: 'call', cases, sampleMs: SAMPLE_MS }
  const [js, wasm] = await samplesOf(context, spec)
  context.add({
    group: 'functions compiled to WebAssembly, as times their JavaScript',
    case: fn.name,
    unit: '×',
    better: 'more',
    samples: js.map((ns, round) => ns / wasm[round]),
    facts: {
      'JavaScript, µs': medianOf(js) / NS_PER_US,
      'compiled, µs': medianOf(wasm) / NS_PER_US,
    },
  })
}
