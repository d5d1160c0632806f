// The error bounds that the column kernels document, against sums without rounding.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../../src/clock.ts'
import {
  dot,
  ewma,
  type FloatColumn,
  linearRegression,
  logHistogram,
  movingAverage,
  quantiles,
  stats,
  sum,
} from '../../../src/kernels.ts'
import { makeColumn } from '../../support/column_oracle.ts'
import { fixed, isWithin, magnitude, total } from '../../support/fixed_point.ts'

const js = { backend: 'js' } as const

/** Columns that are hard to sum: long, of many magnitudes, of values that cancel, far from zero. */
function hardColumns(): Map<string, FloatColumn> {
  const random = seededRandom(11)
  const make = (length: number, value: (i: number) => number) =>
    Float64Array.from({ length }, (_, i) => value(i))
  const mixed = make(5000, () => (random() - 0.5) * 10 ** (random() * 30))
  return new Map<string, FloatColumn>([
    ['uniform', makeColumn('uniform', 7001, 1)],
    ['wide', makeColumn('wide', 5003, 2)],
    ['far from zero', makeColumn('large', 6000, 3)],
    ['very far from zero', make(4100, () => 1e15 + Math.floor(random() * 4))],
    ['rising', make(5000, (i) => 1e6 + i + random())],
    ['one block, then another level', make(3000, (i) => (i < 1024 ? 1e8 : 0) + random())],
    ['cancels', Float64Array.of(...mixed, ...mixed.map((x) => -x).reverse(), 1e-3)],
    ['float32', makeColumn('wide', 5003, 4, Float32Array)],
    ['one value', Float64Array.of(0.1)],
    ['two values', Float64Array.of(1e16, 1e16 + 2)],
  ])
}

const floats = fc.array(fc.double({ noNaN: true, min: -1e150, max: 1e150 }), { maxLength: 200 })

function checkSum(x: FloatColumn, name: string): void {
  const values = Array.from(x, fixed)
  const scale = total(values.map(magnitude))
  assert.ok(isWithin(fixed(sum.sync(x, js)), total(values), 69, scale), name)
}

test('sum is within 69·u·Σ|x|', () => {
  for (const [name, x] of hardColumns()) checkSum(x, name)
  fc.assert(fc.property(floats, (values) => checkSum(Float64Array.from(values), 'any')))
})

test('dot is within 70·u·Σ|x·y|', () => {
  for (const [name, x] of hardColumns()) {
    const y = x.slice().reverse()
    const products = Array.from(x, (value, i) => fixed(value) * fixed(y[i]))
    const scale = total(products.map(magnitude))
    const actual = fixed(dot.sync(x, y, js)) << 1074n
    assert.ok(isWithin(actual, total(products), 70, scale), name)
  }
})

function checkMoments(x: FloatColumn, name: string): void {
  const { mean, variance, stddev } = stats.sync(x, js)
  const values = Array.from(x, fixed)
  const n = BigInt(x.length)
  const sumOfAll = total(values)
  const scale = (magnitude(sumOfAll) + n * fixed(stddev)) * 1n
  assert.ok(isWithin(fixed(mean) * n, sumOfAll, 80, scale), `mean, ${name}`)
  const squares = n * total(values.map((value) => value * value)) - sumOfAll * sumOfAll
  const actual = (fixed(variance) << 1074n) * n * n
  assert.ok(isWithin(actual, squares, 200, squares), `variance, ${name}`)
}

test('mean and variance are within their bounds, however far from zero', () => {
  for (const [name, x] of hardColumns()) checkMoments(x, name)
  // squares that underflow have no relative error
  const notTiny = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), { minLength: 1 })
  const property = fc.property(notTiny, fc.integer({ min: -100, max: 100 }), (values, shift) =>
    checkMoments(
      Float64Array.from(values, (value) => value * 2 ** shift),
      'any',
    ),
  )
  fc.assert(property)
})

test('values that are all the same have their mean, and no variance', () => {
  for (const length of [1, 3, 1000, 1024, 1025, 9999]) {
    for (const value of [0.1, 1 / 3, -1e100, 12345.678]) {
      const { mean, variance } = stats.sync(new Float64Array(length).fill(value), js)
      assert.deepEqual({ mean, variance }, { mean: value, variance: 0 })
    }
  }
})

test('ewma is within 3·u·max|x| / alpha', () => {
  const bits = 200n
  for (const [name, x] of hardColumns()) {
    for (const alpha of [0.01, 0.5, 1]) {
      const series = ewma.sync(Float64Array.from(x), alpha, js)
      const [a, one] = [fixed(alpha), 1n << 1074n]
      let exact = fixed(x[0]) << bits
      const scale =
        BigInt(Math.ceil(1 / alpha)) * fixed(Math.max(...Array.from(x, (v) => Math.abs(v))))
      for (let i = 1; i < x.length; i++) {
        exact = ((a * fixed(x[i])) << bits) / one + ((one - a) * exact) / one
        const isGood = isWithin(fixed(series[i]) << bits, exact, 3, scale << bits)
        assert.ok(isGood, `${name}, ${alpha}, ${i}`)
      }
    }
  }
})

test('movingAverage is within (window + 1)·u·mean|x| of each window', () => {
  for (const [name, x] of hardColumns()) {
    const values = Array.from(x, fixed)
    for (const window of [1, 2, 7, 100, 1500]) {
      const series = movingAverage.sync(Float64Array.from(x), window, js)
      let [sumOfAll, scale] = [0n, 0n]
      for (let i = 0; i < x.length; i++) {
        sumOfAll += values[i] - (values[i - window] ?? 0n)
        scale += magnitude(values[i]) - magnitude(values[i - window] ?? 0n)
        const actual = fixed(series[i]) * BigInt(Math.min(window, i + 1))
        assert.ok(isWithin(actual, sumOfAll, window + 1, scale), `${name}, ${window}, ${i}`)
      }
    }
  }
})

test('a regression finds the line through points that lie on one', () => {
  const x = Float64Array.from({ length: 3000 }, (_, i) => 1e6 + i / 8)
  const { slope, intercept, r2 } = linearRegression.sync(
    x,
    x.map((value) => 3 * value - 7),
    js,
  )
  assert.ok(Math.abs(slope - 3) < 1e-13 && Math.abs(intercept + 7) < 1e-6 && r2 > 1 - 1e-12)
  const flat = linearRegression.sync(
    x,
    x.map(() => 5),
    js,
  )
  assert.ok(Math.abs(flat.slope) < 1e-20 && flat.intercept === 5 && Number.isNaN(flat.r2))
  const steep = linearRegression.sync(
    x.map(() => 0.1),
    x,
    js,
  )
  assert.ok(Number.isNaN(steep.slope) && Number.isNaN(steep.intercept))
})

function checkQuantiles(x: FloatColumn, accuracy: number, name: string): void {
  const parts = [0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1]
  const sorted = x.slice().sort()
  const found = quantiles.sync(x, parts, { accuracy, buckets: 65_536, ...js })
  for (const [i, part] of parts.entries()) {
    const exact = sorted[Math.floor(part * (x.length - 1))]
    const isGood = Math.abs(found[i] - exact) <= accuracy * Math.abs(exact)
    assert.ok(isGood || found[i] === exact, `${name}: ${found[i]} is not ${exact} at ${part}`)
  }
  assert.deepEqual([found[0], found[8]], [sorted[0] + 0, sorted[x.length - 1] + 0])
}

test('quantiles are within their accuracy of the sorted values', () => {
  for (const [name, x] of hardColumns())
    for (const accuracy of [0.001, 0.01, 0.2, 0.5]) checkQuantiles(x, accuracy, name)
  const magnitudes = fc.double({ min: 1e-250, max: 1e250, noNaN: true })
  const signed = fc.tuple(magnitudes, fc.constantFrom(-1, 1, 0))
  const property = fc.property(fc.array(signed, { minLength: 1 }), (values) =>
    checkQuantiles(
      Float64Array.from(values, ([size, sign]) => size * sign),
      0.01,
      'any',
    ),
  )
  fc.assert(property)
})

test('each value is in the bucket whose edges are around it', () => {
  for (const [name, x] of hardColumns()) {
    for (const buckets of [7, 2048]) {
      const { positive, negative } = logHistogram.sync(x, { buckets, accuracy: 0.02, ...js })
      for (const [sign, { counts, edges }] of [
        [1, positive],
        [-1, negative],
      ] as const) {
        const sizes = Array.from(x, (value) => value * sign).filter((value) => value > 0)
        assert.ok(counts.length <= buckets)
        assert.equal(counts.length === 0 ? 0 : counts.length + 1, edges.length)
        for (const [i, count] of counts.entries()) {
          const wide = 1 + 1e-12
          const about = (value: number, slack: number) =>
            value >= edges[i] / slack && value < edges[i + 1] * slack
          assert.ok(sizes.filter((value) => about(value, wide)).length >= count, name)
          assert.ok(sizes.filter((value) => about(value, 1 / wide)).length <= count, name)
        }
      }
    }
  }
})
