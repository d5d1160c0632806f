// A kernel of your own: AssemblyScript that is compiled when it is loaded and runs off the main
// thread. Prints how far noisy readings are from what they measure, before and after it.
//   npx tsx ewma.ts
// In a clone of Euphorion: node dist/examples/ewma.js
import { loadKernel } from 'euphorion/kernels'

const ewma = await loadKernel(new URL('./ewma.kernel.ts', import.meta.url), {
  columns: { values: 'f64' },
  params: { alpha: 'f64' },
  result: { column: 'f64' },
})

const measured = Float64Array.from({ length: 100_000 }, (_, i) => Math.sin(i / 10_000))
const readings = measured.map((value) => value + Math.random() - 0.5)
const smooth = await ewma.run({ values: readings }, { params: { alpha: 0.02 } })

function meanError(values: Float64Array): number {
  return values.reduce((sum, value, i) => sum + Math.abs(value - measured[i]), 0) / values.length
}
console.log(`readings: ${meanError(readings).toFixed(3)} off on average`)
console.log(`smoothed: ${meanError(smooth).toFixed(3)} off on average`)
