// The loop with several fetches at once over the Kafka driver's fetcher and brokers in memory:
// large batches, brokers that go away meanwhile, partitions that are given up.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedMemory } from '../../src/batch/memory.ts'
import type { SharedBatch } from '../../src/batch/region.ts'
import { FetchLoop } from '../../src/ingest/fetch_loop.ts'
import { FetchSizes } from '../../src/ingest/fetch_sizes.ts'
import { Intake } from '../../src/ingest/intake.ts'
import type { LaneFeed } from '../../src/ingest/lane_feed.ts'
import { Fetcher } from '../../src/log/kafka/fetcher.ts'
import type { LogConsumer } from '../../src/log/log.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'
import { ModelBrokers } from '../support/model_brokers.ts'

const batchBytes = 4096

/** A lane that takes whatever comes, and is done with it at once. */
class Taking {
  hasRoom = true
  stopped = false
  readonly nextOffsets: number[] = []

  offer(batch: SharedBatch, release: () => void): void {
    this.nextOffsets.push(batch.nextOffset)
    release()
  }
}

class Loop {
  readonly brokers = new ModelBrokers()
  readonly clock = new ManualClock()
  readonly lanes: Taking[] = []
  readonly intakes: (Intake | undefined)[] = []
  readonly lost: unknown[] = []
  readonly #fetcher: Fetcher
  readonly #loop: FetchLoop

  constructor(regions = 3) {
    const limits = { maxWaitMs: 10, partitionMaxBytes: batchBytes, isolationLevel: 0, rackId: '' }
    this.#fetcher = new Fetcher({
      cluster: this.brokers.cluster(),
      clock: this.clock,
      limits,
      offsetOutOfRange: 'earliest',
      offsets: async () => [],
      topicLost: (topic) => this.lost.push(topic),
    })
    this.#loop = new FetchLoop({
      memory: new SharedMemory(8),
      clock: this.clock,
      sizes: FetchSizes.fixed(batchBytes, regions),
      intakes: () => [],
      largestBatchBytes: 1024 * 1024,
      intakeOf: (_topic, partition) => this.intakes[partition],
      lost: (_topic, _partition, error) => this.lost.push(error),
      seen: undefined,
    })
    const consumer: Partial<LogConsumer> = {
      fetch: (target, wants, signal) => this.#fetcher.fetch(target, wants, signal),
      wake: () => this.#fetcher.wake(),
      seek: (...where) => void this.#fetcher.seek(...where),
    }
    this.#loop.start(consumer as LogConsumer, true, (error) => this.lost.push(error))
  }

  add(partition: number, leader: number): void {
    this.brokers.addPartition('t', partition, leader)
    const lane = new Taking()
    const intake = new Intake('t', partition)
    intake.lanes.push(lane as unknown as LaneFeed)
    this.lanes[partition] = lane
    this.intakes[partition] = intake
    this.#fetcher.add({ topic: 't', partition }, 0)
  }

  revoke(partition: number): void {
    this.#fetcher.remove((place) => place.partition === partition)
    this.intakes[partition]!.closing = true
    this.intakes[partition] = undefined
    this.#loop.wake()
  }

  rewind(partition: number, offset: number): void {
    this.intakes[partition]!.rewind(offset)
    this.#loop.rewound(this.intakes[partition]!)
  }

  async run(rounds = 60): Promise<void> {
    for (let i = 0; i < rounds; i++) {
      await settle()
      for (const connection of this.brokers.connections)
        if (!connection.closed) connection.step(1500)
      await this.clock.advance(20)
    }
  }

  async end(): Promise<void> {
    await this.#loop.stop()
    this.#fetcher.close()
    this.#loop.close()
    assert.deepEqual(this.lost, [])
  }
}

/** The large batch of partition 0 is known to be large, and its broker goes away. */
async function withLargeAway(): Promise<Loop> {
  const loop = new Loop()
  const { brokers, clock } = loop
  loop.add(0, 0)
  loop.add(1, 1)
  await loop.run(10)
  brokers.append('t', 0, 1, 20_000)
  const { connections } = brokers
  const leader = connections.find(({ nodeId }) => nodeId === 0)!
  // as much of it as fits the target
  for (let i = 0; i < 20; i++) {
    await settle()
    leader.step(1500)
    await clock.advance(1)
  }
  brokers.down.add(0)
  leader.close()
  return loop
}

test('a large batch whose broker is away holds up no other partition', async () => {
  const loop = await withLargeAway()
  const { brokers, lanes } = loop
  brokers.append('t', 1, 5)
  await loop.run()
  assert.deepEqual([lanes[0].nextOffsets, lanes[1].nextOffsets], [[], [5]])
  brokers.down.delete(0)
  await loop.run(200)
  brokers.append('t', 0, 2)
  await loop.run()
  assert.equal(lanes[0].nextOffsets.at(-1), 3)
  await loop.end()
})

test('of two large batches the second is not fetched again and again until its turn', async () => {
  const loop = await withLargeAway()
  const { brokers, lanes } = loop
  loop.add(2, 1)
  brokers.append('t', 2, 1, 20_000)
  await loop.run(20)
  const { bytes } = brokers
  await loop.run(50)
  assert.ok(brokers.bytes - bytes < 20_000, `${brokers.bytes - bytes} bytes`)
  brokers.append('t', 1, 5)
  await loop.run(20)
  assert.deepEqual(lanes[1].nextOffsets, [5])
  brokers.down.delete(0)
  await loop.run(200)
  assert.equal(lanes[2].nextOffsets.at(-1), 1)
  await loop.end()
})

test('fetches that waited for large batches which are given up serve the others again', async () => {
  const loop = await withLargeAway()
  const { brokers, lanes } = loop
  for (let round = 0; round < 6; round++) {
    loop.revoke(0)
    loop.add(0, 0)
    brokers.append('t', 0, 1, 20_000)
    brokers.down.delete(0)
    await loop.run(round + 3)
    brokers.down.add(0)
    for (const connection of brokers.connections) if (connection.nodeId === 0) connection.close()
  }
  loop.revoke(0)
  for (let i = 1; i <= 5; i++) {
    brokers.append('t', 1, 1)
    await loop.run(20)
    assert.equal(lanes[1].nextOffsets.at(-1), i)
  }
  await loop.end()
})

test('several partitions with large batches, and rewinds between them, lose nothing', async () => {
  const loop = new Loop()
  for (const i of [0, 1, 2]) loop.add(i, i % 2)
  for (let i = 0; i < 6; i++)
    for (const partition of [0, 1, 2])
      loop.brokers.append('t', partition, 2, (i + partition) % 2 === 0 ? 10 : 9000)
  for (let i = 0; i < 20; i++) {
    await loop.run(7)
    const { position } = loop.intakes[i % 3]!
    loop.rewind(i % 3, Math.max(0, position - 3))
  }
  await loop.run(400)
  assert.deepEqual(
    loop.lanes.map(({ nextOffsets }) => nextOffsets.at(-1)),
    [12, 12, 12],
  )
  await loop.end()
})

test('many fetches that wait are not taken for a leak', async (t) => {
  const warnings: Error[] = []
  const note = (warning: Error): void => void warnings.push(warning)
  process.on('warning', note)
  t.after(() => process.off('warning', note))
  const loop = new Loop(20)
  loop.add(0, 0)
  await loop.run(5)
  await loop.end()
  assert.deepEqual(warnings, [])
})
