// The fetcher with fetch sessions, followers, partitions that go and come back, and calls that are
// aborted: each partition's batches come once and in order, and a target is left alone when its
// call is over.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { settle } from '../support/manual_clock.ts'
import { ModelReader } from '../support/model_reader.ts'

/** More than a session needs, on each of two brokers; a third one follows. */
const partitions = 36
const follower = 2

const ofPartition = <K extends string>(kind: K) =>
  fc.record({ kind: fc.constant(kind), partition: fc.nat(partitions - 1) })

const action = fc.oneof(
  fc.record({
    kind: fc.constant('append' as const),
    partition: fc.nat(partitions - 1),
    records: fc.integer({ min: 1, max: 40 }),
    bytes: fc.constantFrom(10, 10, 3000, 9000),
  }),
  fc.record({
    kind: fc.constant('run' as const),
    pieceBytes: fc.integer({ min: 1, max: 5000 }),
    rounds: fc.integer({ min: 1, max: 20 }),
  }),
  ofPartition('move'),
  ofPartition('follow'),
  ofPartition('want'),
  ofPartition('come-back'),
  fc.record({ kind: fc.constant('cut' as const), connection: fc.nat(5) }),
  fc.record({ kind: fc.constant('forget' as const) }),
  fc.record({ kind: fc.constant('wait' as const) }),
  fc.record({ kind: fc.constant('abort' as const) }),
)

type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

async function apply(reader: ModelReader, each: Action): Promise<void> {
  const { brokers, fetcher, positions, unwanted } = reader
  const key = 'partition' in each ? `t ${each.partition}` : ''
  const partition = brokers.partitions.get(key)!
  switch (each.kind) {
    case 'append':
      brokers.append('t', each.partition, each.records, Math.ceil(each.bytes / each.records))
      return
    case 'run':
      return reader.run(each.pieceBytes, each.rounds)
    case 'move':
      partition.leader = 1 - partition.leader
      partition.epoch++
      return
    case 'follow':
      if (partition.follower === undefined) partition.follower = follower
      else delete partition.follower
      return
    case 'want':
      if (!unwanted.delete(each.partition)) unwanted.add(each.partition)
      fetcher.wake()
      return
    case 'come-back':
      // what is given already is taken first
      await settle()
      fetcher.remove((place) => place.partition === each.partition)
      reader.read(each.partition, Math.floor(positions.get(key)! / 2))
      return
    case 'cut':
      brokers.connections[brokers.connections.length - 1 - each.connection]?.close()
      return
    case 'forget':
      brokers.sessions.clear()
      return
    case 'wait':
      return reader.clock.advance(300_000)
    case 'abort':
      for (const abort of [...reader.aborts].slice(0, 1)) abort.abort()
  }
}

test('nothing is lost or doubled, and no target touched that was taken back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 5, maxLength: 60 }),
      fc.array(fc.constantFrom(500, 4096, 20_000), { minLength: 1, maxLength: 4 }),
      async (actions, targets) => {
        const reader = new ModelReader('earliest', { rackId: 'here' })
        const { brokers, fetcher } = reader
        for (let i = 0; i < partitions; i++) brokers.addPartition('t', i, i % 2)
        const taking = targets.map((bytes) => reader.take(bytes))
        for (let i = 0; i < partitions; i++) reader.read(i)
        for (const each of actions) await apply(reader, each)
        reader.unwanted.clear()
        fetcher.wake()
        const behind = () =>
          [...brokers.partitions].filter(
            ([key, { batches }]) => reader.positions.get(key) !== (batches.at(-1)?.next ?? 0),
          )
        for (let i = 0; i < 50 && behind().length > 0; i++) await reader.run(5000, 20)
        assert.deepEqual([reader.faults, reader.errors], [[], []])
        assert.deepEqual(
          behind().map(([key]) => key),
          [],
        )
        // also where nothing else happens
        for (let i = 0; i < partitions; i++) brokers.append('t', i, 1)
        for (let i = 0; i < 50 && behind().length > 0; i++) await reader.run(5000, 20)
        assert.equal(behind().length, 0)
        fetcher.close()
        await Promise.all(taking)
        assert.equal(reader.isTouched(), false)
      },
    ),
    { numRuns: 60 },
  )
})
