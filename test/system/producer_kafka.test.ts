// Records sent through an app's topics to a real Kafka: many at once, one by one, with answers that
// get lost on the way; read back by kafkajs.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import { App, type EuphorionError, float64, record, string, timestamp } from '../../src/index.ts'
import { readByKafkajs } from '../support/both_readers.ts'
import { crashSeed } from '../support/crash_lives.ts'
import { canStartKafka, type KafkaCluster, startKafka } from '../support/kafka.ts'
import { createTopic } from '../support/kafka_admin.ts'
import { unique } from '../support/log.ts'
import { FaultProxy } from '../support/proxy.ts'

const View = record('View', { url: string(), ms: float64(), ts: timestamp() })
const PARTITIONS = 3
const produceKey = 0

if (await canStartKafka()) {
  let kafka: KafkaCluster
  let proxy: FaultProxy
  before(async () => {
    proxy = await FaultProxy.open(1)
    kafka = await startKafka({ listeners: { PROXIED: { advertisedPorts: proxy.ports } } })
    proxy.lead(kafka.ports('PROXIED'))
  })
  after(async () => {
    await proxy?.close()
    await kafka?.stop()
  })
  describe('sending to Kafka', () => tests())

  /** An app on a new topic, and what kafkajs reads there in the end. */
  async function withTopic(
    config: Readonly<Record<string, string>>,
    use: (views: ReturnType<typeof viewsOf>) => Promise<void>,
    broker = `kafka://${kafka.brokers}`,
  ) {
    const name = unique('sent')
    const all = { 'retention.ms': '-1', ...config }
    await createTopic(kafka.brokers, name, { partitions: PARTITIONS, replicas: 1, config: all })
    const app = new App('sender', { broker, logLevel: 'silent', sendBatchBytes: '4KiB' })
    const views = viewsOf(app, name)
    try {
      await use(views)
      const ends = Array.from({ length: PARTITIONS }, (_, partition) =>
        views.sendBytes(Buffer.from('the last record of this partition'), null, { partition }),
      )
      await Promise.all(ends)
    } finally {
      await app.stop()
    }
    const read = await readByKafkajs(kafka.brokers, name, PARTITIONS)
    return read.map((records) => records.slice(0, -1))
  }

  const viewsOf = (app: App, name: string) => app.topic(name, { value: View, keyedBy: 'url' })
  const valuesOf = (records: readonly (readonly unknown[])[]) =>
    records.map(([, , , value]) => Buffer.from(String(value), 'hex').toString())

  function tests(): void {
    const limit = { timeout: 120_000 }

    test('sendMany and send keep the order of the calls in each partition', limit, async () => {
      const rows = Array.from({ length: 5000 }, (_, n) => ({ url: `/${n % 50}`, ms: n / 8, ts: n }))
      const told = new Map<string, number>()
      const read = await withTopic({}, async (views) => {
        const columns = (from: number, to: number) => {
          const part = rows.slice(from, to)
          const ts = Float64Array.from(part, (row) => row.ts)
          const ms = part.map((row) => row.ms)
          return { value: { url: part.map(({ url }) => url), ms, ts }, timestamp: ts }
        }
        const one = (index: number) => views.send({ value: rows[index], timestamp: index })
        const calls = [
          views.sendMany(columns(0, 2000)),
          ...rows.slice(2000, 2100).map((_, index) => one(2000 + index)),
          views.sendMany(rows.slice(2100, 4000).map((value) => ({ value, timestamp: value.ts }))),
          views.sendMany(columns(4000, 4999)),
          one(4999),
        ]
        const results = await Promise.all(calls)
        const records = results.map((result) => ('records' in result ? result.records : 1))
        assert.equal(
          records.reduce((sum, each) => sum + each, 0),
          5000,
        )
        for (const [index, result] of results.entries())
          if ('offset' in result && index <= 100)
            told.set(JSON.stringify(rows[1999 + index]), result.offset)
      })
      const all = read.flat()
      assert.equal(all.length, 5000)
      for (const records of read) {
        const times = records.map(([, time]) => time)
        assert.deepEqual(
          times,
          [...times].sort((a, b) => a - b),
        )
      }
      assert.deepEqual(
        new Set(read.flatMap(valuesOf)),
        new Set(rows.map((row) => JSON.stringify(row))),
      )
      assert.equal(told.size, 100)
      for (const records of read)
        for (const [index, value] of valuesOf(records).entries())
          if (told.has(value)) assert.equal(told.get(value), index)
    })

    test('answers that are lost: nothing is lost or doubled', limit, async (t) => {
      const seed = crashSeed()
      t.diagnostic(`EUPHORION_TEST_SEED=${seed}`)
      const random = seededRandom(seed)
      let cuts = 0
      proxy.rules = {
        response: ({ apiKey, bytes }) => {
          if (apiKey !== produceKey || cuts >= 15 || random() > 0.2) return undefined
          cuts++
          return { cutAfter: Math.floor(random() * bytes) }
        },
      }
      const rows = Array.from({ length: 20_000 }, (_, n) => ({ url: `/${n % 50}`, ms: 1, ts: n }))
      const read = await withTopic(
        {},
        async (views) => {
          for (let from = 0; from < rows.length; from += 1000) {
            const part = rows.slice(from, from + 1000)
            const stored = await views.sendMany(
              part.map((value) => ({ value, timestamp: value.ts })),
            )
            assert.equal(stored.records, 1000)
          }
        },
        `kafka://${kafka.addresses('PROXIED')}`,
      )
      proxy.rules = {}
      assert.ok(cuts > 5, `${cuts} answers were cut`)
      for (const records of read) {
        const times = records.map(([, time]) => time)
        assert.deepEqual(
          times,
          [...new Set(times)].sort((a, b) => a - b),
        )
      }
      assert.equal(read.flat().length, rows.length)
    })

    test('the time of the log is told where the topic has it', limit, async () => {
      const startMs = Date.now()
      const [read] = await withTopic(
        { 'message.timestamp.type': 'LogAppendTime' },
        async (views) => {
          const value = { url: '/', ms: 1, ts: 1 }
          const { timestamp: time } = await views.send({ value, timestamp: 5, partition: 0 })
          assert.ok(time >= startMs, String(time))
        },
      )
      assert.ok(read[0][1] >= startMs)
    })

    test(
      'records too large for the topic are refused, those beside them are not',
      limit,
      async () => {
        const [read] = await withTopic({ 'max.message.bytes': '2000' }, async (views) => {
          const view = (n: number, length = 1) => ({
            value: { url: 'x'.repeat(length), ms: n, ts: n },
            partition: 0,
          })
          const some = Array.from({ length: 100 }, (_, n) => view(n))
          await assert.rejects(
            views.sendMany([...some, view(100, 2500), view(101)]),
            (error: EuphorionError) =>
              error.code === 'RECORD_TOO_LARGE' && /^101 of 102/.test(error.message),
          )
          await assert.rejects(views.send(view(7, 2500)), { code: 'RECORD_TOO_LARGE' })
          assert.equal((await views.send(view(102))).offset, 101)
        })
        const numbers = valuesOf(read).map((value) => JSON.parse(value).ms)
        assert.deepEqual(numbers, [...Array.from({ length: 100 }, (_, n) => n), 101, 102])
      },
    )
  }
}
