// The backend 'wasm' of the column kernels. All arrays must lie in the memory of the instance: of
// them only the addresses are passed. The module has each kernel for float64 and for float32.
import { bucketSlots, type FloatColumn, type PieceKernels } from './piece_kernels.ts'

/** One kernel over both types. */
type Both<Name extends string, Arguments extends unknown[], Result = void> = {
  readonly [Key in `${Name}${64 | 32}`]: (...args: Arguments) => Result
}

type Summary = [x: number, length: number, records: number]
type PairSummary = [x: number, y: number, length: number, records: number]
type Series = [x: number, length: number, out: number, first: number, second: number]
type Average = [
  x: number,
  length: number,
  out: number,
  window: number,
  history: number,
  scratch: number,
]
type Counts = [
  x: number,
  length: number,
  counters: number,
  buckets: number,
  multiplier: number,
  lowestPositive: number,
  lowestNegative: number,
]

/** What assembly/numeric/column.ts exports; arrays are addresses. */
export type ColumnExports = Both<'sum' | 'minMax' | 'finiteRange' | 'moments', Summary> &
  Both<'dot' | 'comoments', PairSummary> &
  Both<'zScores' | 'zFlags', Series> &
  Both<'ewma', Series, number> &
  Both<'movingAverage', Average> &
  Both<'logCounts', Counts>

function bits(x: FloatColumn): 64 | 32 {
  return x.BYTES_PER_ELEMENT === 8 ? 64 : 32
}

export function wasmKernels(wasm: ColumnExports): PieceKernels {
  return {
    sum: (x, records) => wasm[`sum${bits(x)}`](x.byteOffset, x.length, records.byteOffset),
    dot: (x, y, records) =>
      wasm[`dot${bits(x)}`](x.byteOffset, y.byteOffset, x.length, records.byteOffset),
    minMax: (x, records) => wasm[`minMax${bits(x)}`](x.byteOffset, x.length, records.byteOffset),
    finiteRange: (x, records) =>
      wasm[`finiteRange${bits(x)}`](x.byteOffset, x.length, records.byteOffset),
    moments: (x, records) => wasm[`moments${bits(x)}`](x.byteOffset, x.length, records.byteOffset),
    comoments: (x, y, records) =>
      wasm[`comoments${bits(x)}`](x.byteOffset, y.byteOffset, x.length, records.byteOffset),
    logCounts: (x, counters, multiplier, lowestPositive, lowestNegative) =>
      wasm[`logCounts${bits(x)}`](
        x.byteOffset,
        x.length,
        counters.byteOffset,
        (counters.length - bucketSlots.buckets) / 2,
        multiplier,
        lowestPositive,
        lowestNegative,
      ),
    ewma: (x, out, alpha, last) =>
      wasm[`ewma${bits(x)}`](x.byteOffset, x.length, out.byteOffset, alpha, last),
    zScores: (x, out, mean, scale) =>
      wasm[`zScores${bits(x)}`](x.byteOffset, x.length, out.byteOffset, mean, scale),
    zFlags: (x, out, mean, limit) =>
      wasm[`zFlags${bits(x)}`](x.byteOffset, x.length, out.byteOffset, mean, limit),
    movingAverage: (x, out, window, history, scratch) =>
      wasm[`movingAverage${bits(x)}`](
        x.byteOffset,
        x.length,
        out.byteOffset,
        window,
        history,
        scratch.byteOffset,
      ),
  }
}
