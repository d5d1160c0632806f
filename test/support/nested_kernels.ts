// A kernel in JavaScript that loads one in AssemblyScript where it runs: in a thread of the pool.
// Used by test/kernel/user/load_nested.test.ts.
import { defineKernel, loadKernel } from '../../src/kernels.ts'

export const nested = defineKernel('nested', {
  columns: { path: 'u16', x: 'f64' },
  lengths: 'any',
  module: import.meta.url,
  async run({ path, x }) {
    const inner = await loadKernel(String.fromCharCode(...path), {
      columns: { x: 'f64' },
      result: 'f64',
    })
    const runs = Array.from({ length: 10 }, () => inner.run({ x }))
    return Float64Array.from(await Promise.all(runs))
  },
})
