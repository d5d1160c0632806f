// A kernel in AssemblyScript where it is used: called by an agent, run on batches, and from the main
// thread at the same time; and the lanes go on beside it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, integer, record, string, text } from '../../src/index.ts'
import { configureKernels, loadKernel } from '../../src/kernels.ts'
import { newApp, until } from '../support/apps.ts'
import { kernelFiles } from '../support/kernel_files.ts'

const EVENTS = 5000
const Sale = record('Sale', { shop: string(), amount: integer() })
const source = `
export function squares(amount: Float64Array): f64 {
  let sum = 0.0
  for (let i = 0; i < amount.length; i++) sum += amount[i] * amount[i]
  return sum
}
`

test('agents, batches and the main thread share a kernel', { timeout: 240_000 }, async (t) => {
  const files = await kernelFiles()
  configureKernels({ cacheDir: `${files.directory}/cache` })
  const squares = await loadKernel(files.kernel('squares', source), {
    columns: { amount: 'f64' },
    result: 'f64',
  })
  const app = newApp(t, files.directory, { threads: 2 })
  const sales = app.topic('sales', { key: text(), value: Sale, keyedBy: 'shop', partitions: 2 })
  const perShop = app
    .stream(sales)
    .keyBy('shop')
    .aggregate('per-shop', () => ({ n: count() }))
  const seen = { called: 0, mapped: 0 }
  app.agent(
    sales,
    async (stream) => {
      for await (const batch of stream.batches()) {
        const sum = await squares.run({ amount: batch.column('amount') })
        seen.called += sum
      }
    },
    { name: 'calls' },
  )
  app.agent(
    sales,
    async (stream) => {
      for await (const { result } of stream.mapBatch(squares, { concurrency: 2 })) {
        seen.mapped += result
      }
    },
    { name: 'maps' },
  )
  await app.start()
  const amounts = Float64Array.from({ length: EVENTS }, (_, i) => (i * 7) % 1000)
  const expected = amounts.reduce((sum, each) => sum + each * each, 0)
  const shops = Array.from({ length: EVENTS }, (_, i) => `shop ${i % 10}`)
  await sales.sendMany({ value: { shop: shops, amount: amounts } })
  const here = Array.from({ length: 100 }, () => squares.run({ amount: amounts }))
  assert.deepEqual(new Set(await Promise.all(here)), new Set([expected]))
  await until(() => seen.called === expected && seen.mapped === expected)
  await until(async () => (await perShop.get('shop 3'))?.n === EVENTS / 10)
})
