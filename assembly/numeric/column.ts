// The column kernels by their exported names: over float64 and over float32. Called by the kernels'
// host (src/kernel/column/wasm_kernels.ts).
import {
  comomentBlocks, dotBlocks, finiteRangeBlocks, minMaxBlocks, momentBlocks, sumBlocks,
} from './column_blocks'
import {
  ewmaSeries, logCountSeries, movingAverageSeries, zFlagSeries, zScoreSeries,
} from './column_series'

export function sum64(x: usize, length: usize, records: usize): void {
  sumBlocks<f64>(x, length, records)
}
export function sum32(x: usize, length: usize, records: usize): void {
  sumBlocks<f32>(x, length, records)
}

export function dot64(x: usize, y: usize, length: usize, records: usize): void {
  dotBlocks<f64>(x, y, length, records)
}
export function dot32(x: usize, y: usize, length: usize, records: usize): void {
  dotBlocks<f32>(x, y, length, records)
}

export function minMax64(x: usize, length: usize, records: usize): void {
  minMaxBlocks<f64>(x, length, records)
}
export function minMax32(x: usize, length: usize, records: usize): void {
  minMaxBlocks<f32>(x, length, records)
}

export function finiteRange64(x: usize, length: usize, records: usize): void {
  finiteRangeBlocks<f64>(x, length, records)
}
export function finiteRange32(x: usize, length: usize, records: usize): void {
  finiteRangeBlocks<f32>(x, length, records)
}

export function moments64(x: usize, length: usize, records: usize): void {
  momentBlocks<f64>(x, length, records)
}
export function moments32(x: usize, length: usize, records: usize): void {
  momentBlocks<f32>(x, length, records)
}

export function comoments64(x: usize, y: usize, length: usize, records: usize): void {
  comomentBlocks<f64>(x, y, length, records)
}
export function comoments32(x: usize, y: usize, length: usize, records: usize): void {
  comomentBlocks<f32>(x, y, length, records)
}

export function ewma64(x: usize, length: usize, out: usize, alpha: f64, last: f64): f64 {
  return ewmaSeries<f64>(x, length, out, alpha, last)
}
export function ewma32(x: usize, length: usize, out: usize, alpha: f64, last: f64): f64 {
  return ewmaSeries<f32>(x, length, out, alpha, last)
}

export function zScores64(x: usize, length: usize, out: usize, mean: f64, scale: f64): void {
  zScoreSeries<f64>(x, length, out, mean, scale)
}
export function zScores32(x: usize, length: usize, out: usize, mean: f64, scale: f64): void {
  zScoreSeries<f32>(x, length, out, mean, scale)
}

export function zFlags64(x: usize, length: usize, out: usize, mean: f64, limit: f64): void {
  zFlagSeries<f64>(x, length, out, mean, limit)
}
export function zFlags32(x: usize, length: usize, out: usize, mean: f64, limit: f64): void {
  zFlagSeries<f32>(x, length, out, mean, limit)
}

export function movingAverage64(
  x: usize, length: usize, out: usize, window: usize, history: usize, scratch: usize,
): void {
  movingAverageSeries<f64>(x, length, out, window, history, scratch)
}
export function movingAverage32(
  x: usize, length: usize, out: usize, window: usize, history: usize, scratch: usize,
): void {
  movingAverageSeries<f32>(x, length, out, window, history, scratch)
}

export function logCounts64(
  x: usize, length: usize, counters: usize, buckets: i32,
  multiplier: f64, lowestPositive: f64, lowestNegative: f64,
): void {
  logCountSeries<f64>(x, length, counters, buckets, multiplier, lowestPositive, lowestNegative)
}
export function logCounts32(
  x: usize, length: usize, counters: usize, buckets: i32,
  multiplier: f64, lowestPositive: f64, lowestNegative: f64,
): void {
  logCountSeries<f32>(x, length, counters, buckets, multiplier, lowestPositive, lowestNegative)
}
