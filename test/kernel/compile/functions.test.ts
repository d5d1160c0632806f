// Functions as people write them, compiled unchanged: what they return and what they do to their
// arrays is what JavaScript does, bit for bit, on random inputs.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileFunction } from '../../../src/kernels.ts'
import { repositoryRoot } from '../../support/repository.ts'
import { assertSame } from '../../support/same_values.ts'
import * as algebra from './functions/algebra.ts'
import * as bytes from './functions/bytes.ts'
import * as closures from './functions/closures.ts'
import * as dynamics from './functions/dynamics.ts'
import * as fractals from './functions/fractals.ts'
import * as grids from './functions/grids.ts'
import * as integers from './functions/integers.ts'
import * as sorting from './functions/sorting.ts'
import * as statistics from './functions/statistics.ts'

type AnyFunction = (...args: never[]) => unknown
interface Case {
  readonly file: string
  readonly fn: AnyFunction
  readonly args: fc.Arbitrary<unknown[]>
  readonly runs?: number
}

const unit = fc.double({ min: -2, max: 2, noNaN: true })
const small = (min: number, max: number) => fc.integer({ min, max })
const doubles = (maxLength = 40) =>
  fc.array(fc.oneof(unit, fc.double(), fc.constantFrom(0, -0, NaN, 1e300)), { maxLength })
const f64 = (maxLength?: number) => doubles(maxLength).map((values) => Float64Array.from(values))
const finite = (minLength: number, maxLength: number) =>
  fc.array(unit, { minLength, maxLength }).map((values) => Float64Array.from(values))
const i32 = fc.array(fc.integer(), { maxLength: 60 }).map((values) => Int32Array.from(values))
const u8 = fc.uint8Array({ maxLength: 60 })
const digits = fc
  .stringMatching(/^-?[0-9]{0,12}(\.[0-9]{0,9})?x?$/)
  .map((text) => new TextEncoder().encode(text))
const square = (n: number) => finite(n * n, n * n)
const letters = fc.array(small(97, 100), { maxLength: 20 }).map((each) => Uint8Array.from(each))

const cases: readonly Case[] = [
  { file: 'fractals', fn: fractals.mandelbrotPoint, args: fc.tuple(unit, unit, small(0, 300)) },
  {
    file: 'fractals',
    fn: fractals.mandelbrot,
    args: fc.tuple(small(1, 30), small(1, 30), small(0, 99)),
    runs: 20,
  },
  {
    file: 'fractals',
    fn: fractals.julia,
    args: fc.tuple(
      fc.constant(0).map(() => new Uint8Array(400)),
      small(0, 21),
      small(0, 21),
      unit,
      unit,
    ),
    runs: 20,
  },
  {
    file: 'fractals',
    fn: fractals.newton,
    args: fc.tuple(
      fc.constant(0).map(() => new Uint8Array(200)),
      fc.constant(0).map(() => new Uint8Array(225)),
      small(1, 15),
    ),
    runs: 20,
  },
  {
    file: 'dynamics',
    fn: dynamics.logisticMap,
    args: fc.tuple(fc.double({ min: 0, max: 4.1, noNaN: true }), f64()),
  },
  { file: 'dynamics', fn: dynamics.pendulum, args: fc.tuple(unit, unit, unit, f64()) },
  {
    file: 'dynamics',
    fn: dynamics.gravityStep,
    args: fc.tuple(finite(12, 12), finite(12, 12), finite(4, 4), unit),
  },
  { file: 'algebra', fn: algebra.horner, args: fc.tuple(f64(), fc.double()) },
  {
    file: 'algebra',
    fn: algebra.matrixProduct,
    args: fc.tuple(square(7), square(7), square(7), small(0, 8)),
  },
  {
    file: 'algebra',
    fn: algebra.decompose,
    args: fc.tuple(
      square(6),
      fc.constant(0).map(() => new Int32Array(6)),
      small(0, 6),
    ),
  },
  { file: 'algebra', fn: algebra.fft, args: fc.tuple(finite(16, 16), finite(16, 16)) },
  {
    file: 'algebra',
    fn: algebra.convolve,
    args: fc.tuple(f64().map((values) => Float32Array.from(values))),
  },
  { file: 'sorting', fn: sorting.quicksort, args: fc.tuple(finite(0, 200)) },
  { file: 'sorting', fn: sorting.heapsort, args: fc.tuple(i32) },
  {
    file: 'sorting',
    fn: sorting.binarySearch,
    args: fc.tuple(
      finite(0, 50).map((each) => each.sort()),
      unit,
    ),
  },
  { file: 'sorting', fn: sorting.median, args: fc.tuple(f64(99)) },
  { file: 'sorting', fn: sorting.countInversions, args: fc.tuple(i32) },
  { file: 'sorting', fn: sorting.nearest, args: fc.tuple(f64(), unit, unit) },
  { file: 'sorting', fn: sorting.sortDown, args: fc.tuple(f64(99)) },
  { file: 'statistics', fn: statistics.normalise, args: fc.tuple(f64()) },
  { file: 'integers', fn: integers.countPrimes, args: fc.tuple(small(0, 2000)), runs: 20 },
  { file: 'integers', fn: integers.gcd, args: fc.tuple(fc.integer(), fc.integer()) },
  { file: 'integers', fn: integers.xorshift, args: fc.tuple(fc.integer(), f64()) },
  {
    file: 'integers',
    fn: integers.congruential,
    args: fc.tuple(fc.oneof(fc.nat(), fc.double()), small(0, 99)),
  },
  { file: 'integers', fn: integers.crc32, args: fc.tuple(u8) },
  { file: 'integers', fn: integers.hashBytes, args: fc.tuple(u8) },
  { file: 'integers', fn: integers.queens, args: fc.tuple(small(0, 7)), runs: 10 },
  { file: 'integers', fn: integers.longestCollatz, args: fc.tuple(small(0, 500)), runs: 10 },
  { file: 'integers', fn: integers.fibonacci, args: fc.tuple(small(-3, 16)), runs: 20 },
  { file: 'integers', fn: integers.factorial, args: fc.tuple(small(-1, 200)) },
  { file: 'bytes', fn: bytes.parseNumber, args: fc.tuple(digits) },
  { file: 'bytes', fn: bytes.editDistance, args: fc.tuple(letters, letters) },
  {
    file: 'bytes',
    fn: bytes.runLengths,
    args: fc.tuple(letters, fc.uint8Array({ maxLength: 40 })),
  },
  { file: 'bytes', fn: bytes.countKinds, args: fc.tuple(u8, finite(4, 4)) },
  {
    file: 'grids',
    fn: grids.lifeStep,
    args: fc.tuple(
      fc.uint8Array({ max: 1, minLength: 48, maxLength: 48 }),
      fc.constant(0).map(() => new Uint8Array(48)),
      fc.constant(8),
      small(1, 7),
    ),
  },
  {
    file: 'grids',
    fn: grids.resize,
    args: fc.tuple(
      fc
        .uint8Array({ minLength: 30, maxLength: 30 })
        .map((values) => Uint8ClampedArray.from(values)),
      fc.constant(6),
      fc.constant(5),
      small(0, 14),
      small(0, 14),
    ),
  },
  {
    file: 'grids',
    fn: grids.sobel,
    args: fc.tuple(
      finite(30, 30).map((each) => Float32Array.from(each)),
      fc.constantFrom(5, 6, 7),
      fc.constant(0).map(() => new Float32Array(30)),
    ),
  },
  {
    file: 'grids',
    fn: grids.floodDistances,
    args: fc.tuple(
      fc.uint8Array({ max: 1, minLength: 30, maxLength: 30 }),
      fc.constant(6),
      small(0, 29),
    ),
  },
  { file: 'statistics', fn: statistics.prefixSums, args: fc.tuple(f64()) },
  { file: 'statistics', fn: statistics.summary, args: fc.tuple(f64()) },
  {
    file: 'statistics',
    fn: statistics.kMeansStep,
    args: fc.tuple(
      finite(30, 33),
      finite(6, 6),
      fc.constant(0).map(() => new Uint16Array(16)),
      fc.constantFrom(1, 2, 3),
    ),
  },
  {
    file: 'statistics',
    fn: statistics.optionPrice,
    args: fc.tuple(fc.boolean(), fc.double(), fc.double(), unit, unit, unit),
  },
  {
    file: 'statistics',
    fn: statistics.optionPrices,
    args: fc.tuple(finite(9, 9), finite(9, 9), finite(8, 9)),
  },
  {
    file: 'statistics',
    fn: statistics.histogram,
    args: fc.tuple(
      f64(),
      unit,
      unit,
      fc.constant(0).map(() => new Int32Array(8)),
    ),
  },
  { file: 'statistics', fn: statistics.ewma, args: fc.tuple(f64(), unit) },
  { file: 'closures', fn: closures.queensPlaced, args: fc.tuple(small(0, 6)), runs: 10 },
  { file: 'closures', fn: closures.cheapestOrder, args: fc.tuple(f64(5)) },
  {
    file: 'closures',
    fn: closures.patchSize,
    args: fc.tuple(
      fc.uint8Array({ max: 1, minLength: 24, maxLength: 24 }),
      fc.constant(6),
      small(0, 23),
    ),
  },
  { file: 'closures', fn: closures.ackermann, args: fc.tuple(small(0, 2), small(0, 4)), runs: 15 },
]

const folder = join(repositoryRoot, 'test/kernel/compile/functions')

for (const { file, fn, args, runs = 60 } of cases) {
  test(`${fn.name} gives what JavaScript gives`, () => {
    const compiled = compileFunction(fn, join(folder, `${file}.ts`))
    assert.equal(compiled.backend, 'wasm')
    const property = fc.property(args, (given) => {
      const wanted = structuredClone(given)
      const got = structuredClone(given)
      const value = fn(...(wanted as never[]))
      assertSame(compiled.callSync(...(got as never[])), value, 'the result')
      assertSame(got, wanted, 'the arguments')
    })
    fc.assert(property, { numRuns: runs })
  })
}

test('at least twenty-five functions are compiled', () => {
  assert.ok(new Set(cases.map(({ fn }) => fn.name)).size >= 25)
})
