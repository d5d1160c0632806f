// Three brokers in three racks behind a proxy: who is in a rack reads from the replica there; a
// connection that has fallen silent is given up.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { openKafkaLog } from '../../src/log/kafka/kafka_log.ts'
import type { Log } from '../../src/log/log.ts'
import { apiKey } from '../support/cut_sweep.ts'
import { canStartKafka, startKafka } from '../support/kafka.ts'
import { createTopic, leaderOf } from '../support/kafka_admin.ts'
import { numbered, openConsumer, Reader, unique, values } from '../support/log.ts'
import { FaultProxy } from '../support/proxy.ts'

if (await canStartKafka()) {
  const proxy = await FaultProxy.open(3)
  const listeners = { FAULTY: { advertisedPorts: proxy.ports } }
  const racks = ['north', 'south', 'west']
  const kafka = await startKafka({ brokers: 3, racks, listeners })
  proxy.lead(kafka.ports('FAULTY'))
  after(async () => {
    await proxy.close()
    await kafka.stop()
  })
  const limit = { timeout: 240_000 }
  const brokers = kafka.addresses('FAULTY').split(',')

  async function withLog(rack: string | undefined, use: (log: Log) => Promise<void>) {
    const consumers = { ...(rack !== undefined && { rack }) }
    const log = await openKafkaLog({ brokers, requestTimeoutMs: 3000, consumers })
    try {
      await use(log)
    } finally {
      proxy.rules = {}
      await log.close()
    }
  }

  /** Which brokers answered with records, by number. */
  function watchFetches(): Set<number> {
    const from = new Set<number>()
    proxy.rules = {
      response: ({ gate, apiKey: key, bytes }) => {
        if (key === apiKey.fetch && bytes > 1000) from.add(gate + 1)
        return undefined
      },
    }
    return from
  }

  async function newTopic(): Promise<string> {
    const topic = unique('racks')
    await createTopic(kafka.brokers, topic, { config: { 'retention.ms': '-1' } })
    return topic
  }

  describe('readers', () => {
    for (const [index, rack] of racks.entries())
      test(`in the rack ${rack} read from its broker`, limit, async () => {
        const topic = await newTopic()
        await withLog(rack, async (log) => {
          const producer = await log.producer()
          const reader = new Reader(await openConsumer(log, [topic]))
          await producer.append(topic, 0, numbered(1))
          await reader.take(1)
          const from = watchFetches()
          for (let turn = 0; turn < 5; turn++) {
            await producer.append(topic, 0, numbered(100, 'v', 1 + turn * 100))
            const expected = values(numbered(100, 'v', 1 + turn * 100) as never)
            assert.deepEqual(values(await reader.take(100)), expected)
          }
          assert.deepEqual([...from], [index + 1])
        })
      })

    test('without a rack read from the leader', limit, async () => {
      const topic = await newTopic()
      const leader = await leaderOf(kafka.brokers, topic, 0)
      await withLog(undefined, async (log) => {
        const producer = await log.producer()
        const from = watchFetches()
        const reader = new Reader(await openConsumer(log, [topic]))
        for (let turn = 0; turn < 5; turn++) await producer.append(topic, 0, numbered(100))
        await reader.take(500)
        assert.deepEqual([...from], [leader])
      })
    })

    test('give up connections that have fallen silent, and so do writers', limit, async () => {
      const topic = await newTopic()
      await withLog(undefined, async (log) => {
        const producer = await log.producer()
        const reader = new Reader(await openConsumer(log, [topic]))
        await producer.append(topic, 0, numbered(100))
        await reader.take(100)
        proxy.silence()
        await producer.append(topic, 0, numbered(100, 'v', 100))
        assert.deepEqual(values(await reader.take(100)), values(numbered(100, 'v', 100) as never))
      })
    })
  })
}
