// What `bench kernels` measures: each kernel in plain JavaScript and in its backends, over the same
// values. Called by bench_kernels.ts.
import { seededRandom } from '../clock.ts'
import type { ColumnOptions } from '../kernel/column/column_kernel.ts'
import { logHistogram, quantiles } from '../kernel/column/histogram.ts'
import { allocateColumn, releaseColumn } from '../kernel/column/memory.ts'
import type { FloatColumn } from '../kernel/column/piece_kernels.ts'
import { ewma, movingAverage, zScoreFlags, zScores } from '../kernel/column/series.ts'
import { dot, linearRegression, minMax, stats, sum } from '../kernel/column/summaries.ts'
import { mandelbrot } from '../kernel/mandelbrot/mandelbrot.ts'
import { countPoints } from '../kernel/mandelbrot/reference.ts'
import { checkShape } from '../kernel/mandelbrot/shape.ts'
import type { ChosenBackend } from '../kernel/offload/backend.ts'
import type { ColumnArray, ColumnType } from '../kernel/user/column_types.ts'
import {
  plainDot,
  plainEwma,
  plainLinearRegression,
  plainLogHistogram,
  plainMinMax,
  plainMovingAverage,
  plainQuantiles,
  plainStats,
  plainSum,
  plainZScoreFlags,
  plainZScores,
} from './bench_kernels_plain.ts'

/** Where the columns of kernels lie; those of plain JavaScript are always ordinary. */
export type ColumnPlace = 'shared' | 'ordinary'

/** What one case is made of. */
export interface CaseSpec {
  readonly type: 'f64' | 'f32'
  /** Values of a column, or points of an image. */
  readonly size: number
  readonly place: ColumnPlace
}

/** One kernel at one size. A call over the same data gives the same result. */
export interface KernelCase {
  plain(): unknown
  run(backend: ChosenBackend): unknown
  /** Gives back what it holds. */
  close(): void
}

const SEED = 20_251_121
const ALPHA = 0.1
const THRESHOLD = 2
const WINDOW = 100
const ACCURACY = 0.01
const PARTS = [0.5, 0.9, 0.99, 0.999] as const
const ITERATIONS = 255

/** The columns of a case: values for both sides, and places for what comes out. */
class Columns {
  readonly plainX: FloatColumn
  readonly plainY: FloatColumn
  readonly x: FloatColumn
  readonly y: FloatColumn
  readonly #spec: CaseSpec
  readonly #shared: ColumnArray[] = []

  constructor(spec: CaseSpec) {
    this.#spec = spec
    this.plainX = ordinary(spec.type, spec.size)
    this.plainY = ordinary(spec.type, spec.size)
    const random = seededRandom(SEED)
    for (let i = 0; i < spec.size; i++) {
      // around 100, as measured things are; above zero for logarithms
      this.plainX[i] = 60 + 20 * (random() + random() + random() + random())
      this.plainY[i] = 2 * this.plainX[i] + 10 * random()
    }
    this.x = this.out(spec.type)
    this.x.set(this.plainX)
    this.y = this.out(spec.type)
    this.y.set(this.plainY)
  }

  out(): FloatColumn
  out<T extends ColumnType>(type: T): ColumnArray<T>
  out(type: ColumnType = this.#spec.type): ColumnArray {
    const { place, size } = this.#spec
    if (place === 'ordinary') return ordinary(type, size)
    const column = allocateColumn(type, size)
    this.#shared.push(column)
    return column
  }

  close(): void {
    for (const column of this.#shared) releaseColumn(column)
  }
}

function ordinary<T extends ColumnType>(type: T, size: number): ColumnArray<T> {
  const arrays = { f64: Float64Array, f32: Float32Array, u8: Uint8Array } as const
  return new arrays[type as 'f64'](size) as ColumnArray<T>
}

type Make = (columns: Columns) => {
  readonly plain: () => unknown
  readonly kernel: (options: ColumnOptions) => unknown
}

const columnCases = {
  sum: ({ plainX, x }) => ({ plain: () => plainSum(plainX), kernel: (how) => sum.sync(x, how) }),
  dot: ({ plainX, plainY, x, y }) => ({
    plain: () => plainDot(plainX, plainY),
    kernel: (how) => dot.sync(x, y, how),
  }),
  minMax: ({ plainX, x }) => ({
    plain: () => plainMinMax(plainX),
    kernel: (how) => minMax.sync(x, how),
  }),
  stats: ({ plainX, x }) => ({
    plain: () => plainStats(plainX),
    kernel: (how) => stats.sync(x, how),
  }),
  linearRegression: ({ plainX, plainY, x, y }) => ({
    plain: () => plainLinearRegression(plainX, plainY),
    kernel: (how) => linearRegression.sync(x, y, how),
  }),
  zScores: (columns) => {
    const [plainOut, into] = [columns.plainX.slice(), columns.out()]
    return {
      plain: () => plainZScores(columns.plainX, plainOut),
      kernel: (how) => zScores.sync(columns.x, { ...how, into }),
    }
  },
  zScoreFlags: (columns) => {
    const [plainOut, into] = [new Uint8Array(columns.x.length), columns.out('u8')]
    return {
      plain: () => plainZScoreFlags(columns.plainX, THRESHOLD, plainOut),
      kernel: (how) => zScoreFlags.sync(columns.x, THRESHOLD, { ...how, into }),
    }
  },
  ewma: (columns) => {
    const [plainOut, into] = [columns.plainX.slice(), columns.out()]
    return {
      plain: () => plainEwma(columns.plainX, ALPHA, plainOut),
      kernel: (how) => ewma.sync(columns.x, ALPHA, { ...how, into }),
    }
  },
  movingAverage: (columns) => {
    const [plainOut, into] = [columns.plainX.slice(), columns.out()]
    return {
      plain: () => plainMovingAverage(columns.plainX, WINDOW, plainOut),
      kernel: (how) => movingAverage.sync(columns.x, WINDOW, { ...how, into }),
    }
  },
  logHistogram: ({ plainX, x }) => ({
    plain: () => plainLogHistogram(plainX, ACCURACY),
    kernel: (how) => logHistogram.sync(x, { ...how, accuracy: ACCURACY }),
  }),
  quantiles: ({ plainX, x }) => ({
    plain: () => plainQuantiles(plainX, PARTS),
    kernel: (how) => quantiles.sync(x, PARTS, { ...how, accuracy: ACCURACY }),
  }),
} as const satisfies Readonly<Record<string, Make>>

export type BenchKernelName = keyof typeof columnCases | 'mandelbrot'

export const benchKernelNames: readonly BenchKernelName[] = [
  ...(Object.keys(columnCases) as (keyof typeof columnCases)[]),
  'mandelbrot',
]

/** Throws MEMORY_EXHAUSTED. */
export function makeCase(name: BenchKernelName, spec: CaseSpec): KernelCase {
  if (name === 'mandelbrot') return mandelbrotCase(spec.size)
  const columns = new Columns(spec)
  const make: Make = columnCases[name]
  const { plain, kernel } = make(columns)
  return { plain, run: (backend) => kernel({ backend }), close: () => columns.close() }
}

/** Every step is counted, on one thread. */
function mandelbrotCase(size: number): KernelCase {
  const nx = Math.max(1, Math.round(Math.sqrt((size * 4) / 3)))
  const ny = Math.max(1, Math.round(size / nx))
  const grid = checkShape({ nx, ny, iterations: ITERATIONS })
  return {
    plain: () => {
      const counts = new Int32Array(nx * ny)
      countPoints(counts, grid, 0)
      return counts
    },
    run: (backend) =>
      mandelbrot({ nx, ny, iterations: ITERATIONS }, { backend, threads: 1, shortcuts: false }),
    close: () => undefined,
  }
}
