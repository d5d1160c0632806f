// The fetcher against brokers in memory: whatever happens, each partition's batches come once, in
// order and without a gap.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attribute, batchHeaderBytes, headerAt } from '../../src/wire/batch_header.ts'
import { batchOf, withAttributes } from '../support/batches.ts'
import { rejectsWith } from '../support/log.ts'
import { settle } from '../support/manual_clock.ts'
import { ModelReader } from '../support/model_reader.ts'
import { keyed } from '../support/plans.ts'

const action = fc.oneof(
  fc.record({
    kind: fc.constant('append' as const),
    partition: fc.nat(3),
    records: fc.integer({ min: 1, max: 40 }),
    bytes: fc.constantFrom(10, 10, 10, 3000, 9000),
  }),
  fc.record({
    kind: fc.constant('run' as const),
    pieceBytes: fc.integer({ min: 1, max: 5000 }),
    rounds: fc.integer({ min: 1, max: 20 }),
  }),
  fc.record({ kind: fc.constant('move' as const), partition: fc.nat(3), leader: fc.nat(2) }),
  fc.record({ kind: fc.constant('cut' as const), connection: fc.nat(5) }),
  fc.record({
    kind: fc.constant('seek' as const),
    partition: fc.nat(3),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ kind: fc.constant('want' as const), partition: fc.nat(3) }),
  fc.record({ kind: fc.constant('reconnect' as const), partition: fc.nat(3) }),
)

test('batches come once, in order and without gaps, through moves, cuts and seeks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 5, maxLength: 40 }),
      fc.array(fc.constantFrom(500, 2000, 4096, 20_000), { minLength: 1, maxLength: 4 }),
      async (actions, targets) => {
        const reading = new ModelReader()
        const { brokers, fetcher } = reading
        for (let i = 0; i < 4; i++) brokers.addPartition('t', i, i % 3)
        const taking = targets.map((bytes) => reading.take(bytes))
        for (let i = 0; i < 4; i++) reading.read(i)
        for (const each of actions) {
          const key = 'partition' in each ? `t ${each.partition}` : ''
          const partition = brokers.partitions.get(key)!
          if (each.kind === 'append')
            brokers.append('t', each.partition, each.records, Math.ceil(each.bytes / each.records))
          else if (each.kind === 'run') await reading.run(each.pieceBytes, each.rounds)
          else if (each.kind === 'move') {
            partition.leader = each.leader
            partition.epoch++
          } else if (each.kind === 'cut') brokers.connections[each.connection]?.close()
          else if (each.kind === 'reconnect') fetcher.reconnect('t', each.partition)
          else if (each.kind === 'want') {
            if (!reading.unwanted.delete(each.partition)) reading.unwanted.add(each.partition)
            fetcher.wake()
          } else {
            // what is given already is taken first
            await settle()
            const offset = Math.floor((reading.positions.get(key) ?? 0) * each.share)
            fetcher.seek('t', each.partition, offset)
            reading.positions.set(key, offset)
          }
        }
        reading.unwanted.clear()
        fetcher.wake()
        const isThrough = () =>
          [...brokers.partitions].every(
            ([key, { batches }]) => reading.positions.get(key) === (batches.at(-1)?.next ?? 0),
          )
        for (let i = 0; i < 50 && !isThrough(); i++) await reading.run(5000, 20)
        assert.deepEqual(reading.faults, [])
        assert.deepEqual(reading.errors, [])
        assert.ok(isThrough(), JSON.stringify([...reading.positions]))
        fetcher.close()
        await Promise.all(taking)
      },
    ),
    { numRuns: 150 },
  )
})

test('a position outside the log is an error where that is asked for, and others go on', async () => {
  const reading = new ModelReader('error')
  const { brokers, fetcher } = reading
  for (const partition of [0, 1]) {
    brokers.addPartition('t', partition, 0)
    brokers.append('t', partition, 5)
  }
  const taking = reading.take(4096)
  reading.read(0, 1000)
  reading.read(1)
  await reading.run()
  assert.equal(reading.errors.length, 1)
  rejectsWith('OFFSET_OUT_OF_RANGE')(reading.errors[0])
  assert.equal(reading.positions.get('t 1'), 5)
  fetcher.close()
  await taking
})

test('a topic that is gone from the metadata is reported once; a gap in it is not', async () => {
  const reading = new ModelReader()
  const { brokers, fetcher } = reading
  const partition = brokers.addPartition('t', 0, 0)
  const taking = reading.take(4096)
  reading.read(0)
  await reading.run()
  brokers.deleted.add('t')
  partition.leader = 1
  await reading.run(1000, 3)
  brokers.deleted.delete('t')
  await reading.run()
  assert.deepEqual(reading.lostTopics, [])
  brokers.append('t', 0, 3)
  await reading.run()
  assert.equal(reading.positions.get('t 0'), 3)
  brokers.deleted.add('t')
  partition.leader = 2
  await reading.run(1000, 300)
  assert.deepEqual(reading.lostTopics, ['t'])
  fetcher.close()
  await taking
})

test('without targets the broker waits, and nothing that it sent is lost', async () => {
  const reading = new ModelReader()
  const { brokers, fetcher } = reading
  for (let i = 0; i < 4; i++) {
    brokers.addPartition('t', i, 0)
    brokers.append('t', i, 20, 100)
    reading.read(i)
  }
  const first = fetcher.fetch(new Uint8Array(4096), () => true, undefined)
  await reading.run(300, 100)
  assert.equal((await first).kind, 'batches')
  const { fetches } = brokers
  await reading.run(300, 20)
  assert.equal(brokers.fetches, fetches)
  for (const key of reading.positions.keys()) reading.positions.set(key, 0)
  const rest = [1, 2, 3].map(() => fetcher.fetch(new Uint8Array(4096), () => true, undefined))
  await reading.run(300, 100)
  const partitions = [await first, ...(await Promise.all(rest))].map((result) => {
    assert.ok(result.kind === 'batches')
    return result.partition
  })
  assert.deepEqual(partitions.sort(), [0, 1, 2, 3])
  fetcher.close()
})

test('an aborted call ends at once, also while its target is being filled', async () => {
  const reading = new ModelReader()
  const { brokers, fetcher } = reading
  brokers.addPartition('t', 0, 0)
  brokers.append('t', 0, 20, 100)
  reading.read(0)
  const abort = new AbortController()
  const call = fetcher.fetch(new Uint8Array(4096), () => true, abort.signal)
  await reading.run(100, 12)
  abort.abort()
  assert.deepEqual(await call, { kind: 'closed' })
  const next = fetcher.fetch(new Uint8Array(4096), () => true, undefined)
  await reading.run(1000, 100)
  assert.equal((await next).kind, 'batches')
  fetcher.close()
})

test('a follower is read from where the leader says so, and the leader is asked again later', async () => {
  const reading = new ModelReader('earliest', { rackId: 'here' })
  const { brokers, fetcher, clock } = reading
  const partition = brokers.addPartition('t', 0, 0)
  partition.follower = 1
  brokers.append('t', 0, 3)
  const taking = reading.take(4096)
  reading.read(0)
  await reading.run()
  assert.equal(reading.positions.get('t 0'), 3)
  assert.deepEqual(
    brokers.connections.map(({ nodeId }) => nodeId),
    [0, 1],
  )
  partition.follower = undefined
  await clock.advance(300_000)
  await reading.run()
  brokers.append('t', 0, 3)
  await reading.run()
  assert.equal(reading.positions.get('t 0'), 6)
  fetcher.close()
  await taking
})

test('a partition whose leader moved is read while the rest of the old answer still comes', async () => {
  const reading = new ModelReader()
  const { brokers, fetcher } = reading
  for (const i of [0, 1]) {
    brokers.addPartition('t', i, 0)
    reading.read(i)
  }
  const taking = [reading.take(4096), reading.take(4096)]
  await reading.run()
  // the old leader's answer names the move first, and then goes on for long
  const moved = brokers.partitions.get('t 0')!
  moved.leader = 1
  moved.epoch++
  await reading.run(1, 200)
  brokers.append('t', 0, 3)
  await reading.run(1000, 5)
  assert.equal(reading.positions.get('t 0'), 3)
  fetcher.close()
  await Promise.all(taking)
})

test('a follower of the own rack is read from, and its leader where the follower is gone', async () => {
  const reading = new ModelReader('earliest', { rackId: 'here' })
  const { brokers, fetcher } = reading
  brokers.addPartition('t', 0, 0).follower = 2
  brokers.append('t', 0, 5)
  const taking = reading.take(4096)
  reading.read(0)
  await reading.run()
  assert.equal(reading.positions.get('t 0'), 5)
  assert.ok(brokers.connections.some(({ nodeId }) => nodeId === 2))
  brokers.down.add(2)
  for (const connection of brokers.connections) if (connection.nodeId === 2) connection.close()
  brokers.append('t', 0, 5)
  // far less than a leader may go on to advise the dead one
  await reading.run(1000, 100)
  assert.equal(reading.positions.get('t 0'), 10)
  assert.deepEqual([reading.errors, reading.faults], [[], []])
  fetcher.close()
  await taking
})

test('a reconnect ends the connection, and reads on by another, without a gap', async () => {
  const reading = new ModelReader()
  const { brokers, fetcher } = reading
  brokers.addPartition('t', 0, 0)
  brokers.append('t', 0, 5)
  const taking = reading.take(4096)
  reading.read(0)
  await reading.run()
  const before = brokers.connections.length
  assert.equal(fetcher.position('t', 0), 5)
  fetcher.reconnect('t', 0)
  assert.ok(brokers.connections.slice(0, before).every(({ closed }) => closed))
  brokers.append('t', 0, 5)
  await reading.run()
  assert.ok(brokers.connections.length > before)
  assert.equal(reading.positions.get('t 0'), 10)
  assert.deepEqual(reading.faults, [])
  fetcher.reconnect('t', 7)
  fetcher.close()
  await taking
})

test('brokers that have nothing for anybody are not connected to', async () => {
  const reading = new ModelReader()
  const { brokers, fetcher } = reading
  brokers.addPartition('t', 0, 0)
  brokers.append('t', 0, 3)
  reading.read(0)
  await reading.run()
  assert.equal(brokers.connections.length, 0)
  reading.unwanted.add(0)
  const taking = reading.take(4096)
  await reading.run()
  assert.equal(brokers.connections.length, 0)
  reading.unwanted.clear()
  fetcher.wake()
  await reading.run()
  const [connection] = brokers.connections
  await settle()
  // the last piece of an answer is in, and what follows it is still to run
  connection.step(1000)
  fetcher.close()
  connection.close()
  await reading.run()
  assert.equal(brokers.connections.length, 1)
  await taking
})

test('a torn mark of an aborted transaction is an error for the caller', async () => {
  const reading = new ModelReader('earliest', { isolationLevel: 1 })
  const { brokers, fetcher } = reading
  const partition = brokers.addPartition('t', 0, 0)
  const mark = withAttributes(batchOf([keyed(0, 1, 'k')]), attribute.control)
  const torn = mark.slice(0, batchHeaderBytes)
  new DataView(torn.buffer).setInt32(headerAt.length, batchHeaderBytes - 12)
  partition.batches.push({ base: 0, next: 1, bytes: torn })
  partition.aborted = [{ producerId: -1, firstOffset: 0 }]
  reading.read(0)
  const call = fetcher.fetch(new Uint8Array(4096), () => true, undefined)
  const refused = assert.rejects(call, rejectsWith('BATCH_CORRUPT'))
  await reading.run()
  await refused
  fetcher.close()
})

test('a topic made anew is not read from where the old one was left', async () => {
  const reading = new ModelReader()
  const { brokers, fetcher } = reading
  const partition = brokers.addPartition('t', 0, 0)
  brokers.append('t', 0, 10)
  brokers.ids.set('t', 'first')
  const taking = reading.take(4096)
  reading.read(0)
  await reading.run()
  assert.equal(reading.positions.get('t 0'), 10)
  brokers.ids.set('t', 'second')
  partition.batches.length = 0
  brokers.append('t', 0, 4)
  await reading.run()
  assert.deepEqual(reading.lostTopics, ['t'])
  assert.equal(reading.positions.get('t 0'), 10)
  fetcher.close()
  await taking
})

test('one topic that is gone does not have all the others looked up one by one', async () => {
  const reading = new ModelReader()
  const { brokers, fetcher } = reading
  for (let i = 0; i < 50; i++) {
    brokers.addPartition(`t${i}`, 0, 0)
    fetcher.add({ topic: `t${i}`, partition: 0 }, 0)
  }
  brokers.deleted.add('t7')
  await reading.run()
  assert.deepEqual(reading.lostTopics, ['t7'])
  assert.ok(brokers.asked.length < 10, `${brokers.asked}`)
  fetcher.close()
})

test('a partition that comes is read at once, though others have no leader for long', async () => {
  const reading = new ModelReader()
  const { brokers, fetcher } = reading
  brokers.addPartition('t', 0, -1)
  brokers.addPartition('t', 1, 0)
  const taking = reading.take(4096)
  reading.read(0)
  await reading.run(1000, 190)
  brokers.append('t', 1, 3)
  reading.read(1)
  await reading.run(1000, 5)
  assert.equal(reading.positions.get('t 1'), 3)
  fetcher.close()
  await taking
})

test('partitions that cannot be read for long are said once, and that they are read again', async () => {
  const reading = new ModelReader()
  const { brokers, fetcher, lines } = reading
  brokers.addPartition('t', 0, 0)
  const taking = reading.take(4096)
  brokers.down.add(0)
  reading.read(0)
  await reading.run(1000, 500)
  assert.deepEqual(lines, ['partitions cannot be read for now; trying on'])
  brokers.down.delete(0)
  brokers.append('t', 0, 3)
  await reading.run(1000, 200)
  assert.equal(reading.positions.get('t 0'), 3)
  assert.deepEqual(lines.slice(1), ['partitions are read again'])
  fetcher.close()
  await taking
})
