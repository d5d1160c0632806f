// Records that become readable at a rate: when they do, what a consumer is given of them, and how
// late their results are told to be.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FetchResult, LogConsumer } from '../../src/log/log.ts'
import { DelayMeter } from '../../src/tune/delay_meter.ts'
import { Pace } from '../../src/tune/pace.ts'
import { PacedConsumer } from '../../src/tune/paced_consumer.ts'
import { BatchWriter } from '../../src/wire/batch_writer.ts'
import { ManualClock } from '../support/manual_clock.ts'

const sample = [
  {
    topic: 'views',
    partitions: [
      { partition: 0, earliest: 100, latest: 400 },
      { partition: 1, earliest: 0, latest: 100 },
    ],
  },
]

function paced() {
  const clock = new ManualClock()
  const pace = new Pace(sample, 1000, clock)
  return { clock, pace }
}

describe('pace', () => {
  test('each partition has its part of the rate, up to the end of its sample', async () => {
    const { clock, pace } = paced()
    assert.equal(pace.end('views', 0)?.offset, 100)
    pace.begin()
    await clock.advance(200)
    assert.deepEqual(pace.end('views', 0), { offset: 250, isLast: false })
    assert.deepEqual(pace.end('views', 1), { offset: 50, isLast: false })
    await clock.advance(1000)
    assert.deepEqual(pace.end('views', 0), { offset: 400, isLast: true })
    assert.equal(pace.end('others', 0), undefined)
  })

  test('a batch is as old as its last record, and is counted once', async () => {
    const { clock, pace } = paced()
    pace.begin()
    pace.fetched('views', 1, 24, 25)
    pace.fetched('views', 1, 49, 25)
    // read again, from a cut
    pace.fetched('views', 1, 24, 25)
    await clock.advance(300)
    assert.deepEqual(pace.counted('views', 1, 25), [{ records: 25, ageMs: 200 }])
    assert.deepEqual(pace.counted('views', 1, 25), [])
    assert.deepEqual(pace.counted('views', 1, 100), [{ records: 25, ageMs: 100 }])
  })

  test('percentiles are of records, not of batches', () => {
    const meter = new DelayMeter()
    assert.equal(meter.read(), undefined)
    meter.add([{ records: 990, ageMs: 10 }])
    meter.add([{ records: 10, ageMs: 500 }])
    assert.deepEqual(meter.read(), { p50: 10, p99: 10, max: 500 })
  })
})

/** Batches of ten records, as large a piece of them as fits. */
class TenByTen implements LogConsumer {
  readonly asked: number[] = []
  #next = 100

  async fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
  ): Promise<FetchResult> {
    this.asked.push(target.length)
    const partition = wants('views', 0) ? 0 : 1
    const writer = new BatchWriter()
    const value = new Uint8Array(50)
    for (let record = 0; record < 10; record++)
      writer.append(null, value, 1, undefined, 0, value.length)
    const bytes = writer.finish()
    new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(0, BigInt(this.#next))
    this.#next += 10
    target.set(bytes)
    return { kind: 'batches', topic: 'views', partition, bytes: bytes.length, highWatermark: 400 }
  }
  wake(): void {}
  seek(): void {}
  async commit(): Promise<void> {}
  async subscribe(): Promise<void> {}
  async close(): Promise<void> {}
}

describe('paced consumer', () => {
  test('waits until as much is due as the batches of the partition have', async () => {
    const { clock, pace } = paced()
    const inner = new TenByTen()
    const consumer = new PacedConsumer(inner, sample, pace, clock)
    const target = new Uint8Array(1 << 20)
    const wants = (_topic: string, partition: number): boolean => partition === 0
    pace.begin()
    const fetches: FetchResult['kind'][] = []
    const fetch = () =>
      consumer.fetch(target, wants).then(({ kind }) => {
        fetches.push(kind)
      })
    const settle = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed++) {
        await clock.advance(1)
        await new Promise(setImmediate)
      }
    }
    // 10 records of the partition are due 14 ms after the begin, 20 after 27
    void fetch()
    await settle(10)
    assert.equal(fetches.length, 0)
    await settle(8)
    assert.equal(fetches.length, 1)
    void fetch()
    await settle(6)
    assert.equal(fetches.length, 1)
    assert.equal(inner.asked.length, 1)
    await settle(8)
    assert.equal(fetches.length, 2)
    assert.ok(inner.asked.every((bytes) => bytes < target.length))
    await consumer.close()
    assert.equal((await consumer.fetch(target, wants)).kind, 'closed')
  })
})
