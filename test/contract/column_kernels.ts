// What every backend of the column kernels must do: bit for bit what the oracle does, wherever the
// columns lie and on whatever thread it runs. Run by test/kernel/column/backends.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { KernelBackend } from '../../src/kernels.ts'
import {
  allocateColumn,
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
  releaseColumn,
  stats,
  stddev,
  sum,
  variance,
  zScoreFlags,
  zScores,
} from '../../src/kernels.ts'
import * as oracle from '../support/column_oracle.ts'
import { makeColumn, shapes } from '../support/column_oracle.ts'

type Call = (x: FloatColumn, y: FloatColumn, options: ColumnOptions) => unknown

/** Each kernel on the calling thread, and the same with a promise. */
const kernels: Readonly<Record<string, { sync: Call; async: Call }>> = {
  sum: { sync: (x, _, o) => sum.sync(x, o), async: (x, _, o) => sum(x, o) },
  dot: { sync: (x, y, o) => dot.sync(x, y, o), async: (x, y, o) => dot(x, y, o) },
  minMax: { sync: (x, _, o) => minMax.sync(x, o), async: (x, _, o) => minMax(x, o) },
  stats: { sync: (x, _, o) => stats.sync(x, o), async: (x, _, o) => stats(x, o) },
  mean: { sync: (x, _, o) => mean.sync(x, o), async: (x, _, o) => mean(x, o) },
  variance: {
    sync: (x, _, o) => variance.sync(x, { ...o, sample: true }),
    async: (x, _, o) => variance(x, { ...o, sample: true }),
  },
  stddev: { sync: (x, _, o) => stddev.sync(x, o), async: (x, _, o) => stddev(x, o) },
  linearRegression: {
    sync: (x, y, o) => linearRegression.sync(x, y, o),
    async: (x, y, o) => linearRegression(x, y, o),
  },
  ewma: { sync: (x, _, o) => ewma.sync(x, 0.1, o), async: (x, _, o) => ewma(x, 0.1, o) },
  zScores: { sync: (x, _, o) => zScores.sync(x, o), async: (x, _, o) => zScores(x, o) },
  zScoreFlags: {
    sync: (x, _, o) => zScoreFlags.sync(x, 1.5, o),
    async: (x, _, o) => zScoreFlags(x, 1.5, o),
  },
  movingAverage: {
    sync: (x, _, o) => movingAverage.sync(x, 7, o),
    async: (x, _, o) => movingAverage(x, 7, o),
  },
  'movingAverage, wide': {
    sync: (x, _, o) => movingAverage.sync(x, 600, o),
    async: (x, _, o) => movingAverage(x, 600, o),
  },
  logHistogram: {
    sync: (x, _, o) => logHistogram.sync(x, o),
    async: (x, _, o) => logHistogram(x, o),
  },
  'logHistogram, few buckets': {
    sync: (x, _, o) => logHistogram.sync(x, { ...o, accuracy: 0.1, buckets: 5 }),
    async: (x, _, o) => logHistogram(x, { ...o, accuracy: 0.1, buckets: 5 }),
  },
  quantiles: {
    sync: (x, _, o) => quantiles.sync(x, [0, 0.25, 0.5, 0.99, 1], o),
    async: (x, _, o) => quantiles(x, [0, 0.25, 0.5, 0.99, 1], o),
  },
}

const types = { f64: Float64Array, f32: Float32Array } as const

/** Compares bits; one NaN is as good as another, which deepStrictEqual of typed arrays denies. */
function same(actual: unknown, expected: unknown, what: string): void {
  assert.deepStrictEqual(withoutNan(actual), withoutNan(expected), what)
}

function withoutNan(value: unknown): unknown {
  if (value instanceof Float64Array || value instanceof Float32Array) {
    const nans: number[] = []
    const numbers = value.map((each, i) => {
      if (!Number.isNaN(each)) return each
      nans.push(i)
      return 0
    })
    return [numbers, nans]
  }
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value
  return Object.entries(value).map(([name, each]) => [name, withoutNan(each)])
}

export function columnKernelContract(backend: Exclude<KernelBackend, 'auto'>): void {
  const contract = (title: string, run: () => void | Promise<void>) =>
    test(`${backend}: ${title}`, run)
  inOneOrder(contract, backend)
  seriesByDefinition(contract, backend)
  if (backend !== 'js') likeJavaScript(contract, backend)
  whereverColumnsLie(contract, backend)
  inThePool(contract, backend)
}

type Contract = (title: string, run: () => void | Promise<void>) => void

const lengths = [...Array(71).keys(), 1023, 1024, 1025, 1040, 2047, 2048, 2100, 5000]

const fewLengths = [0, 1, 2, 3, 14, 15, 16, 17, 33, 70, 1023, 1024, 1025, 2100]

function inOneOrder(contract: Contract, backend: KernelBackend): void {
  contract('sums are added up in the documented order', () => {
    for (const type of Object.values(types)) {
      for (const length of lengths) {
        const x = makeColumn('wide', length, length, type)
        const y = makeColumn('uniform', length, length + 1, type)
        const values = Array.from(x)
        const products = values.map((value, i) => value * y[i])
        if (length <= 1024) {
          const [ofSum = 0] = oracle.blockSums(values)
          same(sum.sync(x, { backend }), ofSum, `sum of ${length}`)
          const [ofDot = 0] = oracle.blockSums(products)
          same(dot.sync(x, y, { backend }), ofDot, `dot of ${length}`)
        } else {
          // blocks of whole numbers are joined without rounding
          const whole = x.map((value) => Math.round(value % 1000))
          const blocks = oracle.blockSums(Array.from(whole))
          const joined = blocks.reduce((total, block) => total + block, 0)
          same(sum.sync(whole, { backend }), joined, `sum of ${length}`)
        }
      }
    }
  })

  contract('minMax is what Math.min and Math.max say', () => {
    for (const type of Object.values(types)) {
      for (const shape of Object.keys(shapes)) {
        for (const length of lengths.filter((each) => each > 0)) {
          const x = makeColumn(shape, length, length, type)
          const expected = { min: Math.min(...x), max: Math.max(...x) }
          same(minMax.sync(x, { backend }), expected, `${shape}, ${length}`)
          const { min, max } = stats.sync(x, { backend })
          same({ min, max }, expected, `stats of ${shape}, ${length}`)
        }
      }
    }
  })
}

function seriesByDefinition(contract: Contract, backend: KernelBackend): void {
  contract('series are what their definitions say', () => {
    for (const type of Object.values(types)) {
      for (const shape of Object.keys(shapes)) {
        for (const length of [0, 1, 2, 3, 15, 16, 17, 33, 70, 1030]) {
          const what = `${shape}, ${length}`
          const x = makeColumn(shape, length, length, type)
          const values = Array.from(x)
          same(ewma.sync(x, 0.3, { backend }), new type(oracle.ewma(values, 0.3)), what)
          for (const window of [1, 2, 3, 5, 16, 70, 2000]) {
            const expected = new type(oracle.movingAverage(values, window))
            same(movingAverage.sync(x, window, { backend }), expected, `${what}, ${window}`)
          }
          const { mean, stddev } = stats.sync(x, { backend })
          const scores = values.map((value) => (value - mean) * (1 / stddev))
          same(zScores.sync(x, { backend }), new type(scores), what)
          const flags = values.map((value) => (Math.abs(value - mean) > 1.2 * stddev ? 1 : 0))
          same(zScoreFlags.sync(x, 1.2, { backend }), new Uint8Array(flags), what)
        }
      }
    }
  })
}

function likeJavaScript(contract: Contract, backend: KernelBackend): void {
  contract('all kernels give the bits of the reference', () => {
    for (const [name, { sync }] of Object.entries(kernels)) {
      for (const type of Object.values(types)) {
        for (const shape of Object.keys(shapes)) {
          for (const length of fewLengths) {
            const x = makeColumn(shape, length, length, type)
            const y = makeColumn('uniform', length, length + 1, type)
            const expected = sync(x, y, { backend: 'js' })
            same(sync(x, y, { backend }), expected, `${name} of ${shape}, ${length}`)
          }
        }
      }
    }
  })

  contract('all kernels give the bits of the reference on any floats', () => {
    const floats = fc.array(fc.double(), { maxLength: 100 })
    const property = fc.property(floats, fc.boolean(), (values, isNarrow) => {
      const x = isNarrow ? new Float32Array(values) : new Float64Array(values)
      const y = x.slice().reverse()
      for (const [name, { sync }] of Object.entries(kernels))
        same(sync(x, y, { backend }), sync(x, y, { backend: 'js' }), name)
    })
    fc.assert(property)
  })
}

function whereverColumnsLie(contract: Contract, backend: KernelBackend): void {
  contract('columns in shared memory and parts of columns give the same', async () => {
    const random = {
      f64: makeColumn('wide', 3000, 1),
      f32: makeColumn('wide', 3000, 1, Float32Array),
    }
    for (const type of ['f64', 'f32'] as const) {
      const column = allocateColumn(type, 3000)
      column.set(random[type])
      for (const [name, { sync, async: call }] of Object.entries(kernels)) {
        for (const [from, to] of [
          [0, 3000],
          [1, 2],
          [3, 1030],
          [5, 5],
          [2975, 3000],
        ]) {
          const [x, y] = [random[type].slice(from, to), random[type].slice(from, to).reverse()]
          const expected = sync(x, y, { backend: 'js' })
          const what = `${name} from ${from} to ${to}`
          const inside = column.subarray(from, to)
          same(sync(inside, y, { backend }), expected, what)
          same(sync(random[type].subarray(from, to), y, { backend }), expected, what)
          same(await call(inside, y, { backend, offload: false }), expected, what)
          same(await call(inside, y, { backend, offload: true }), expected, what)
        }
      }
      releaseColumn(column)
    }
  })

  contract('a series goes where it is wanted', async () => {
    const x = makeColumn('uniform', 2500, 1)
    for (const offload of [true, false]) {
      for (const into of [new Float64Array(2500), allocateColumn('f64', 2500)]) {
        const options = { backend, offload, into }
        assert.equal(await ewma(x, 0.5, options), into)
        same(Array.from(into), oracle.ewma(Array.from(x), 0.5), 'ewma')
        assert.equal(await zScores(x, options), into)
        assert.equal(await movingAverage(x, 9, options), into)
        same(Array.from(into), oracle.movingAverage(Array.from(x), 9), 'movingAverage')
      }
      const flags = new Uint8Array(2500)
      assert.equal(await zScoreFlags(x, 1, { backend, offload, into: flags }), flags)
      same(flags, zScoreFlags.sync(x, 1, { backend: 'js' }), 'flags')
    }
  })

  contract('ewma goes on where another ended', () => {
    const x = makeColumn('uniform', 1000, 3)
    const whole = ewma.sync(x, 0.05, { backend })
    const first = ewma.sync(x.subarray(0, 400), 0.05, { backend })
    const rest = ewma.sync(x.subarray(400), 0.05, { backend, previous: first[399] })
    same(rest, whole.slice(400), 'rest')
  })
}

function inThePool(contract: Contract, backend: KernelBackend): void {
  contract('large columns in many pieces give the same on all threads', async () => {
    const length = 1_300_003
    const column = allocateColumn('f64', length)
    column.set(makeColumn('uniform', length, 5))
    const copied = column.slice(0, 600_001)
    for (const [name, { sync, async: call }] of Object.entries(kernels)) {
      if (['mean', 'variance', 'stddev'].includes(name)) continue
      const reference = sync(column, column, { backend: 'js' })
      same(await call(column, column, { backend, offload: true }), reference, name)
      same(sync(column, column, { backend }), reference, name)
      const part = sync(copied, copied, { backend: 'js' })
      same(await call(copied, copied, { backend, offload: true }), part, `${name}, copied`)
    }
    releaseColumn(column)
  })
}
