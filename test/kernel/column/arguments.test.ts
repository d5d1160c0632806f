// What column kernels refuse, and what they make of nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ColumnOptions,
  dot,
  ewma,
  type FloatColumn,
  linearRegression,
  logHistogram,
  mean,
  minMax,
  movingAverage,
  quantiles,
  stats,
  sum,
  zScoreFlags,
  zScores,
} from '../../../src/kernels.ts'
import { isError } from '../../support/coded_errors.ts'

const none = new Float64Array(0)
const some = Float64Array.of(1, 2, 3)
const NONE = Number.NaN

test('without values sum is 0, counts are 0 and the rest is NaN', async () => {
  assert.equal(await sum(none), 0)
  assert.equal(await dot(none, none), 0)
  assert.deepEqual(await minMax(none), { min: NONE, max: NONE })
  const nothing = { mean: NONE, variance: NONE, stddev: NONE, min: NONE, max: NONE }
  assert.deepEqual(await stats(none), { count: 0, sum: 0, ...nothing })
  assert.deepEqual(await mean(none), NONE)
  assert.deepEqual(await linearRegression(none, none), { slope: NONE, intercept: NONE, r2: NONE })
  assert.deepEqual(await quantiles(none, [0, 0.5]), [NONE, NONE])
  const { count, min, positive, negative } = await logHistogram(none)
  assert.deepEqual([count, min, positive.counts.length, negative.edges.length], [0, NONE, 0, 0])
  for (const series of [ewma(none, 1), zScores(none), movingAverage(none, 3), zScoreFlags(none, 1)])
    assert.equal((await series).length, 0)
})

test('a sample of one has no variance; all there is has one of 0', () => {
  const one = Float64Array.of(5)
  assert.equal(stats.sync(one).variance, 0)
  assert.deepEqual(stats.sync(one, { sample: true }).variance, NONE)
  assert.equal(stats.sync(some, { sample: true }).variance, 1)
})

test('a histogram counts what is in no bucket by itself', () => {
  const values = Float64Array.of(0, -0, 1e-310, Number.NaN, 1 / 0, -1 / 0, -1 / 0, 5, -7)
  const histogram = logHistogram.sync(values)
  const { count, zeros, nans, infinities, min, max } = histogram
  assert.deepEqual(
    { count, zeros, nans, infinities, min, max },
    { count: 9, zeros: 3, nans: 1, infinities: { positive: 1, negative: 2 }, min: -7, max: 5 },
  )
  assert.deepEqual(quantiles.sync(values, [0.5]), [NONE])
  const infinite = Float64Array.of(-1 / 0, 1, 2, 3, 1 / 0)
  assert.deepEqual(quantiles.sync(infinite, [0, 0.25, 0.75, 1]), [-1 / 0, 1, 3, 1 / 0])
})

test('what is no column is refused', async () => {
  const wrong = isError('KERNEL_INVALID', /^sum: values must be a Float64Array .* not /)
  for (const values of [
    [1, 2],
    new Int32Array(2),
    null,
    undefined,
    'text',
    new DataView(new ArrayBuffer(8)),
  ])
    await assert.rejects(sum(values as unknown as FloatColumn), wrong)
  assert.throws(() => sum.sync([1] as unknown as FloatColumn), wrong)
})

test('columns of different lengths are refused, those of different types are not', async () => {
  const differ = isError('KERNEL_INVALID', /x has 3 elements and y 2/)
  await assert.rejects(dot(some, some.subarray(1)), differ)
  assert.throws(() => linearRegression.sync(some, some.subarray(1)), differ)
  const narrow = Float32Array.of(0.1, 0.2, 0.3)
  const widened = Float64Array.from(narrow)
  assert.equal(dot.sync(some, narrow), dot.sync(some, widened))
  assert.equal(dot.sync(narrow, some), dot.sync(some, widened))
})

test('numbers out of their bounds are refused', async () => {
  const refused = (call: () => unknown, says: RegExp) =>
    assert.throws(call, isError('KERNEL_INVALID', says))
  for (const alpha of [0, -1, 1.1, Number.NaN, '1' as unknown as number])
    refused(() => ewma.sync(some, alpha), /alpha must be a number above 0 up to 1/)
  for (const window of [0, 1.5, -1, 2 ** 20 + 1, Number.NaN])
    refused(() => movingAverage.sync(some, window), /window must be a whole number from 1/)
  for (const threshold of [-1, Number.NaN, 1 / 0])
    refused(() => zScoreFlags.sync(some, threshold), /threshold must be a number from 0/)
  for (const part of [-0.1, 1.1, Number.NaN])
    refused(() => quantiles.sync(some, [0.5, part]), /a part must be a number from 0 up to 1/)
  for (const accuracy of [0, 1, Number.NaN])
    refused(() => logHistogram.sync(some, { accuracy }), /accuracy must be a number from 0.0001/)
  for (const buckets of [1, 2.5, 100_000])
    refused(() => logHistogram.sync(some, { buckets }), /buckets must be a whole number from 2/)
})

test('a place that does not fit is refused', () => {
  const refused = (call: () => unknown, says: RegExp) =>
    assert.throws(call, isError('KERNEL_INVALID', says))
  refused(() => ewma.sync(some, 1, { into: new Float32Array(3) }), /must be a Float64Array, not/)
  refused(() => ewma.sync(some, 1, { into: new Float64Array(2) }), /2 elements, 3 are needed/)
  refused(() => ewma.sync(some, 1, { into: some }), /overlap/)
  refused(() => zScoreFlags.sync(some, 1, { into: [] as unknown as Uint8Array }), /Uint8Array, not/)
  const both = new Float64Array(6)
  assert.equal(ewma.sync(both.subarray(0, 3), 1, { into: both.subarray(3) }).length, 3)
})

test('a call that was cancelled before does nothing', async () => {
  const options: ColumnOptions = { signal: AbortSignal.abort() }
  await assert.rejects(sum(some, options), isError('KERNEL_CANCELLED', /^sum was cancelled/))
  await assert.rejects(
    sum(some, { ...options, offload: true }),
    isError('KERNEL_CANCELLED', /^sum was cancelled/),
  )
})

test('a backend that is not there is an error with its reason', async () => {
  const options = { backend: 'none' } as unknown as ColumnOptions
  await assert.rejects(sum(some, options), isError('KERNEL_INVALID', /none/))
})
