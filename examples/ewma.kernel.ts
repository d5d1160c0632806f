// The kernel of ewma.ts, in AssemblyScript: an exponentially weighted moving average.
export function ewma(values: Float64Array, alpha: f64): Float64Array {
  const smooth = new Float64Array(values.length)
  let average = values.length > 0 ? values[0] : 0.0
  for (let i = 0; i < values.length; i++) {
    average += alpha * (values[i] - average)
    smooth[i] = average
  }
  return smooth
}
