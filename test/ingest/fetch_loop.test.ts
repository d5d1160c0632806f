// The loop and the intakes of its partitions, over a consumer that the test scripts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedMemory } from '../../src/batch/memory.ts'
import type { SharedBatch } from '../../src/batch/region.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { EuphorionError } from '../../src/errors.ts'
import { FetchLoop } from '../../src/ingest/fetch_loop.ts'
import { FetchSizes } from '../../src/ingest/fetch_sizes.ts'
import { Intake } from '../../src/ingest/intake.ts'
import type { LaneFeed } from '../../src/ingest/lane_feed.ts'
import type { FetchResult, LogConsumer } from '../../src/log/log.ts'
import { batchOf } from '../support/batches.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'
import { keyed } from '../support/plans.ts'

const MIB = 1 << 20

/** A lane that keeps its batches until the test lets them go. */
class HeldFeed {
  readonly releases: (() => void)[] = []
  hasRoom = true
  stopped = false

  offer(_batch: SharedBatch, release: () => void): void {
    this.releases.push(release)
  }
}

/** A batch of one record of about `bytes` bytes. */
const batch = (offset: number, bytes: number): Uint8Array =>
  batchOf([{ ...keyed(offset, 1, 'k'), value: new Uint8Array(bytes) }])

/** Batches of partitions in the order in which they are given, as far as they are wanted. */
class ScriptedConsumer implements LogConsumer {
  readonly waiting: { partition: number; bytes: Uint8Array }[] = []
  readonly sought: [partition: number, offset: number][] = []
  #wake = (): void => undefined

  async fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult> {
    for (;;) {
      if (signal?.aborted) return { kind: 'closed' }
      const wanted = [0, 1].filter((partition) => wants('t', partition))
      const at = this.waiting.findIndex(({ partition }) => wanted.includes(partition))
      if (at >= 0) {
        const { partition, bytes } = this.waiting[at]
        const neededBytes = bytes.length
        if (neededBytes > target.length)
          return { kind: 'too-small', topic: 't', partition, neededBytes }
        this.waiting.splice(at, 1)
        target.set(bytes)
        return { kind: 'batches', topic: 't', partition, bytes: neededBytes, highWatermark: 0 }
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        signal?.addEventListener('abort', () => resolve())
      })
    }
  }

  give(partition: number, bytes: Uint8Array): void {
    this.waiting.push({ partition, bytes })
    this.#wake()
  }

  wake(): void {
    this.#wake()
  }

  seek(_topic: string, partition: number, offset: number): void {
    this.sought.push([partition, offset])
  }

  async subscribe(): Promise<void> {}
  async commit(): Promise<void> {}
  async close(): Promise<void> {}
}

/** A loop over two partitions with one lane each. */
function loopOf(memoryMib = 8, clock: Clock = systemClock) {
  const consumer = new ScriptedConsumer()
  const feeds = [new HeldFeed(), new HeldFeed()]
  const lost: unknown[] = []
  const intakes = feeds.map((feed, partition) => {
    const intake = new Intake('t', partition)
    intake.lanes.push(feed as unknown as LaneFeed)
    return intake
  })
  const loop = new FetchLoop({
    memory: new SharedMemory(memoryMib),
    clock,
    sizes: FetchSizes.fixed(64 * 1024, 2),
    intakes: () => intakes,
    largestBatchBytes: 16 * MIB,
    intakeOf: (_topic, partition) => intakes[partition],
    lost: (_topic, _partition, error) => lost.push(error),
    seen: undefined,
  })
  loop.start(consumer, false, (error) => lost.push(error))
  return { loop, consumer, intakes, feeds, lost }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await settle()
}

test('a partition that stops before its large batch comes does not keep the others waiting', async () => {
  const { loop, consumer, feeds } = loopOf()
  feeds[1].hasRoom = true
  consumer.give(0, batch(0, 100_000))
  feeds[0].hasRoom = true
  // asked for, found too small, and asked for again while the lane has no room
  const { fetch } = consumer
  consumer.fetch = async (...args) => {
    const result = await fetch.apply(consumer, args)
    if (result.kind === 'too-small') feeds[0].hasRoom = false
    return result
  }
  await until(() => !feeds[0].hasRoom)
  feeds[0].stopped = true
  consumer.give(1, batch(0, 10))
  loop.wake()
  await until(() => feeds[1].releases.length === 1)
  await loop.stop()
})

test('large batches wait for each other where memory is short, and none is lost', async () => {
  const { loop, consumer, feeds, lost } = loopOf(8)
  for (const offset of [0, 1, 2]) consumer.give(0, batch(offset, 3 * MIB))
  await until(() => feeds[0].releases.length === 2)
  for (let i = 0; i < 5; i++) await settle()
  assert.equal(feeds[0].releases.length, 2)
  feeds[0].releases[0]()
  await until(() => feeds[0].releases.length === 3)
  assert.deepEqual(lost, [])
  await loop.stop()
})

test('a lane that goes back to an offset ahead of the others moves nobody forwards', () => {
  const intake = new Intake('t', 0)
  const offer = (nextOffset: number) => intake.offer({ nextOffset } as SharedBatch, () => undefined)
  const taken = () => {
    const { rewoundTo } = intake
    intake.rewoundTo = undefined
    return rewoundTo
  }
  offer(150)
  intake.rewind(1000)
  assert.equal(taken(), undefined)
  intake.rewind(100)
  intake.rewind(120)
  assert.equal(taken(), 100)
  intake.rewind(120)
  assert.equal(taken(), undefined)
  offer(200)
  intake.rewind(120)
  assert.equal(taken(), 120)
})

test('a fetch that fails while the loop is being stopped is not tried again', async () => {
  const { loop, consumer, lost } = loopOf(8, new ManualClock())
  let fail: (error: Error) => void = () => undefined
  consumer.fetch = () => new Promise((_, reject) => (fail = reject))
  await settle()
  const stopped = loop.stop()
  fail(new Error('the connection is gone'))
  await stopped
  assert.deepEqual(lost, [])
})

test('a lane that goes back on a topic that is being deleted does not end the others', async () => {
  const { loop, consumer, intakes, feeds, lost } = loopOf()
  consumer.give(0, batch(5, 10))
  await until(() => feeds[0].releases.length === 1)
  consumer.seek = () => {
    throw new EuphorionError('TOPIC_UNKNOWN', 'not assigned')
  }
  intakes[0].rewind(3)
  loop.rewound(intakes[0])
  consumer.give(1, batch(0, 10))
  await until(() => feeds[1].releases.length === 1 || lost.length > 0)
  assert.deepEqual(lost, [])
  await loop.stop()
})
