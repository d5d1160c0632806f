// The public surface of 'euphorion/kernels': numeric kernels off the main thread.
export type { ColumnKernel, ColumnOptions } from './kernel/column/column_kernel.ts'
export type { Extremes } from './kernel/column/fold.ts'
export {
  type HistogramOptions,
  type LogBuckets,
  type LogHistogram,
  logHistogram,
  quantiles,
} from './kernel/column/histogram.ts'
export { allocateColumn, releaseColumn } from './kernel/column/memory.ts'
export type { FloatColumn } from './kernel/column/piece_kernels.ts'
export {
  type EwmaOptions,
  ewma,
  movingAverage,
  type SeriesKernel,
  type SeriesOf,
  type SeriesOptions,
  type ZFlagOptions,
  type ZScoreOptions,
  zScoreFlags,
  zScores,
} from './kernel/column/series.ts'
export {
  type ColumnStats,
  dot,
  type LinearRegression,
  linearRegression,
  mean,
  minMax,
  type StatsOptions,
  stats,
  stddev,
  sum,
  variance,
} from './kernel/column/summaries.ts'
export {
  type CompiledFunction,
  type CompiledSource,
  type CompileOptions,
  compileFunction,
  compileSource,
} from './kernel/compile/compile_function.ts'
export type { CallOptions } from './kernel/compile/pool_runner.ts'
export type { ProgramParameter } from './kernel/compile/program.ts'
export { type MandelbrotOptions, mandelbrot } from './kernel/mandelbrot/mandelbrot.ts'
export type { MandelbrotRegion, MandelbrotShape } from './kernel/mandelbrot/shape.ts'
export type { KernelBackend } from './kernel/offload/backend.ts'
export { kernelChoices } from './kernel/offload/calibration.ts'
export { configureKernels, type KernelOptions } from './kernel/offload/options.ts'
export {
  type JobOptions,
  KernelPool,
  kernelPool,
  type PoolOptions,
  type PoolStatistics,
} from './kernel/offload/pool.ts'
export type {
  ColumnArray,
  ColumnArrays,
  ColumnType,
  ColumnTypes,
  ColumnValue,
  ColumnValues,
} from './kernel/user/column_types.ts'
export {
  type CheckedKernelDefinition,
  defineKernel,
  type KernelDefinition,
} from './kernel/user/define.ts'
export type { KernelResult, ResultOf, ResultType, ResultTypes } from './kernel/user/definition.ts'
export type { Kernel, NoParams, RunOptions } from './kernel/user/kernel.ts'
export { loadKernel } from './kernel/user/load.ts'
export type { LoadedResult, LoadOptions, OutType, OutTypes } from './kernel/user/load_options.ts'
