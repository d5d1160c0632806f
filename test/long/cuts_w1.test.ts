// W1 while each Fetch that brings records is cut one byte later than the one before, through every
// byte of an answer: it ends by itself, and every cell is exact.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { apiKey } from '../support/cut_sweep.ts'
import { runFed } from '../support/fed_run.ts'
import { canStartKafka, startKafka } from '../support/kafka.ts'
import { FaultProxy } from '../support/proxy.ts'

/** Answers without records are shorter. */
const emptyBytesMax = 150
const batches = 900

if (await canStartKafka()) {
  const proxy = await FaultProxy.open(1)
  const listeners = { FAULTY: { advertisedPorts: proxy.ports } }
  const kafka = await startKafka({ listeners })
  proxy.lead(kafka.ports('FAULTY'))
  after(async () => {
    await proxy.close()
    await kafka.stop()
  })

  describe('W1 while', () => {
    test('answers with records are cut behind every byte', { timeout: 600_000 }, async (t) => {
      const views = { events: batches * 3, batchRecords: 3, partitions: 1, seed: 5 }
      const broker = `kafka://${kafka.addresses('FAULTY')}`
      const settings = { reconnectBackoffMs: 10, reconnectBackoffMaxMs: 20 }
      await runFed({ direct: kafka.brokers, broker, views, settings }, async (run) => {
        let position = 0
        let longest = 0
        let cuts = 0
        for (let fed = 0; fed < batches && position <= Math.max(longest, 1); fed++) {
          let isCut = false
          proxy.rules = {
            response: ({ apiKey: key, bytes }) => {
              if (isCut || key !== apiKey.fetch || bytes < emptyBytesMax) return undefined
              isCut = true
              longest = Math.max(longest, bytes)
              return { cutAfter: Math.min(position, bytes) }
            },
          }
          await run.feed(batches)
          await run.consumed()
          if (isCut) cuts++
          position++
        }
        proxy.rules = {}
        t.diagnostic(`${cuts} cuts, answers of up to ${longest} bytes`)
        assert.ok(longest > emptyBytesMax && position > longest, 'every byte was reached')
      })
    })
  })
}
