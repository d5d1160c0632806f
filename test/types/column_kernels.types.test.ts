// What the compiler infers from column kernels, and what it refuses. The assertions are made when
// this file is compiled; the wrong calls are never run.
import { test } from 'node:test'
import {
  allocateColumn,
  type ColumnStats,
  ewma,
  type FloatColumn,
  movingAverage,
  quantiles,
  stats,
  sum,
  zScoreFlags,
  zScores,
} from '../../src/kernels.ts'
import { check, type Equal } from './equal.ts'

const wide = new Float64Array(3)
const narrow = new Float32Array(3)
const either: FloatColumn = wide

test('a series has the type of its column', async () => {
  const ofWide = await ewma(wide, 0.5)
  const ofNarrow = zScores.sync(narrow, { backend: 'js', sample: true })
  const ofShared = movingAverage.sync(allocateColumn('f64', 3), 2)
  const ofEither = ewma.sync(either as FloatColumn, 0.5, { previous: 1 })
  check<Equal<typeof ofWide, Float64Array>>()
  check<Equal<typeof ofNarrow, Float32Array>>()
  check<Equal<typeof ofShared, Float64Array>>()
  check<Equal<typeof ofEither, Float64Array | Float32Array>>()
})

test('a summary is the same as a promise and at once', async () => {
  const [later, now] = [await stats(wide), stats.sync(wide)]
  check<Equal<typeof later, ColumnStats>>()
  check<Equal<typeof now, ColumnStats>>()
  const [total, parts] = [sum.sync(narrow), await quantiles(wide, [0.5])]
  check<Equal<typeof total, number>>()
  check<Equal<typeof parts, number[]>>()
})

test('wrong calls are refused', () => {
  const never = () => {
    // @ts-expect-error no floats
    void sum(new Int32Array(3))
    // @ts-expect-error no typed array
    void sum([1, 2, 3])
    // @ts-expect-error alpha is missing
    void ewma(wide)
    // @ts-expect-error no backend
    void sum(wide, { backend: 'gpu' })
    // @ts-expect-error flags are bytes
    zScoreFlags.sync(wide, 2, { into: new Float64Array(3) })
    // @ts-expect-error the type of the column
    const other: Float32Array = movingAverage.sync(wide, 3)
    return other
  }
  void never
})
