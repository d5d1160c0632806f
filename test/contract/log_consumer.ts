// The contract of LogConsumer alone in its group: where it starts, what fetch gives, back-pressure,
// seeking, commits, closing and topics that disappear. Run by logContract.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EuphorionError } from '../../src/errors.ts'
import {
  appendTo,
  deferred,
  everything,
  numbered,
  openConsumer,
  Reader,
  rejectsWith,
  text,
  unique,
  values,
} from '../support/log.ts'
import type { ContractContext } from './log.ts'

export function consumerContract(context: ContractContext): void {
  startContract(context)
  fetchContract(context)
  targetContract(context)
  pressureContract(context)
  positionContract(context)
  endContract(context)
}

function startContract(context: ContractContext): void {
  test('reads from the earliest record, in order, partition by partition', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    for (const turn of [0, 1, 2])
      for (const partition of [0, 1])
        await appendTo(log, topic, partition, numbered(50, `${partition}-`, turn * 50))
    const consumer = await openConsumer(log, [topic])
    const records = await new Reader(consumer).take(300)
    for (const partition of [0, 1]) {
      const own = records.filter((record) => record.partition === partition)
      assert.deepEqual(values(own), values(asStored(numbered(150, `${partition}-`))))
      assert.deepEqual(
        own.map((record) => [record.offset, record.timestamp, String(record.key)]),
        own.map((_, index) => [index, 1_700_000_000_000 + index, `k${index}`]),
      )
    }
    await consumer.close()
  })

  test('startFrom latest reads only what comes after the assignment', async () => {
    const { log } = context
    const topic = await context.newTopic()
    await appendTo(log, topic, 0, numbered(10, 'old'))
    const assigned = deferred()
    const consumer = await openConsumer(log, [topic], {
      startFrom: 'latest',
      onAssigned: async () => {
        setImmediate(assigned.resolve)
        return []
      },
    })
    const reader = new Reader(consumer)
    // The first fetch may be what makes the driver settle where the end is.
    const first = reader.take(1)
    await assigned.promise
    let taken = false
    void first.then(() => {
      taken = true
    })
    for (let index = 0; !taken; index++) await appendTo(log, topic, 0, numbered(1, 'new', index))
    const records = await first
    assert.ok(records[0].offset >= 10)
    assert.match(String(records[0].value), /^new/)
    await consumer.close()
  })

  test('a consumer of an unknown topic is refused', async () => {
    await assert.rejects(openConsumer(context.log, [unique('never')]), rejectsWith('TOPIC_UNKNOWN'))
  })

  test('an empty topic gives its first record when there is one', async () => {
    const topic = await context.newTopic()
    const consumer = await openConsumer(context.log, [topic])
    const taken = new Reader(consumer).take(1)
    await appendTo(context.log, topic, 0, numbered(1))
    assert.deepEqual(values(await taken), ['v0'])
    await consumer.close()
  })
}

function fetchContract(context: ContractContext): void {
  test('null keys, null values and headers survive the way through a batch', async () => {
    const topic = await context.newTopic()
    await appendTo(context.log, topic, 0, [
      { key: null, value: text('a'), timestamp: 9 },
      { key: text('b'), value: null, timestamp: 3 },
      { key: text(''), value: text(''), timestamp: 1_700_000_000_000 },
      {
        key: null,
        value: text('d'),
        timestamp: 0,
        headers: [
          { key: 'one', value: text('1') },
          { key: 'empty', value: text('') },
        ],
      },
    ])
    const consumer = await openConsumer(context.log, [topic])
    const records = await new Reader(consumer).take(4)
    assert.deepEqual(
      records.map((record) => [record.key && String(record.key), record.timestamp]),
      [
        [null, 9],
        ['b', 3],
        ['', 1_700_000_000_000],
        [null, 0],
      ],
    )
    assert.deepEqual(values(records), ['a', null, '', 'd'])
    assert.deepEqual(
      records[3].headers?.map((header) => [header.key, String(header.value)]),
      [
        ['one', '1'],
        ['empty', ''],
      ],
    )
    await consumer.close()
  })

  for (const compression of context.options.compressions)
    test(`fetches batches written with ${compression}`, async () => {
      const topic = await context.newTopic()
      const producer = await context.log.producer({ compression })
      for (const turn of [0, 1]) await producer.append(topic, 0, numbered(200, 'v', turn * 200))
      await producer.close()
      const consumer = await openConsumer(context.log, [topic])
      const records = await new Reader(consumer, 64 * 1024, context.options.inflate).take(400)
      assert.deepEqual(values(records), values(asStored(numbered(400))))
      await consumer.close()
    })
}

function targetContract(context: ContractContext): void {
  test('a batch larger than the target is announced, then given whole', async () => {
    const { log } = context
    const topic = await context.newTopic(2, 8 * 1024 * 1024)
    const value = Buffer.alloc(3 * 1024 * 1024, 'x')
    await appendTo(log, topic, 0, [{ key: null, value, timestamp: 1 }])
    await appendTo(log, topic, 0, numbered(1))
    const consumer = await openConsumer(log, [topic], { maxBytes: 1024 * 1024 })
    const small = new Uint8Array(1024)
    const first = await consumer.fetch(small, everything)
    assert.ok(first.kind === 'too-small')
    assert.deepEqual([first.topic, first.partition], [topic, 0])
    assert.ok(first.neededBytes >= value.length)
    // Asked with too little again, it says so again; the other partition is not held up.
    await appendTo(log, topic, 1, numbered(1, 'other'))
    const reader = new Reader(consumer, 1024)
    const other = await reader.take(1, (_, partition) => partition === 1)
    assert.deepEqual(values(other), ['other0'])
    assert.equal((await consumer.fetch(small, everything)).kind, 'too-small')
    reader.target = new Uint8Array(first.neededBytes)
    const records = await reader.take(2, (_, partition) => partition === 0)
    assert.ok(value.equals(records[0].value!))
    assert.deepEqual(values(records.slice(1)), ['v0'])
    await consumer.close()
  })

  test('a small target gets the log in pieces, nothing lost or twice', async () => {
    const topic = await context.newTopic()
    for (const turn of [0, 1, 2, 3])
      await appendTo(context.log, topic, 0, numbered(100, 'v', turn * 100))
    const consumer = await openConsumer(context.log, [topic])
    const records = await new Reader(consumer, 700).take(400)
    assert.deepEqual(values(records), values(asStored(numbered(400))))
    await consumer.close()
  })
}

function pressureContract(context: ContractContext): void {
  test('a partition that is not wanted holds up no other', async () => {
    const { log } = context
    const topic = await context.newTopic(3)
    for (const partition of [0, 1, 2])
      await appendTo(log, topic, partition, numbered(20, `${partition}-`))
    const consumer = await openConsumer(log, [topic])
    const reader = new Reader(consumer)
    const others = await reader.take(40, (_, partition) => partition !== 1)
    assert.ok(others.every((record) => record.partition !== 1))
    // Also what is written later gets past the partition that waits.
    await appendTo(log, topic, 2, numbered(5, 'late'))
    assert.equal((await reader.take(5, (_, partition) => partition !== 1)).length, 5)
    const waiting = await reader.take(20)
    assert.deepEqual(values(waiting), values(asStored(numbered(20, '1-'))))
    await consumer.close()
  })

  test('wake looks again at what is wanted', async () => {
    const topic = await context.newTopic()
    await appendTo(context.log, topic, 0, numbered(3))
    const consumer = await openConsumer(context.log, [topic])
    let wanted = false
    let asked = deferred()
    const taken = new Reader(consumer).take(3, () => {
      asked.resolve()
      return wanted
    })
    await asked.promise
    asked = deferred()
    consumer.wake()
    await asked.promise
    wanted = true
    consumer.wake()
    assert.deepEqual(values(await taken), ['v0', 'v1', 'v2'])
    await consumer.close()
  })

  test('partitions take turns', async () => {
    const topic = await context.newTopic(2)
    for (const partition of [0, 1])
      for (let index = 0; index < 20; index++)
        await appendTo(context.log, topic, partition, numbered(10, 'v', index * 10))
    const consumer = await openConsumer(context.log, [topic])
    const reader = new Reader(consumer, 700)
    const records = await reader.take(400)
    const firstOfEach = [0, 1].map((partition) =>
      records.findIndex((record) => record.partition === partition),
    )
    assert.ok(Math.max(...firstOfEach) < 200, `one partition waited for the other: ${firstOfEach}`)
    await consumer.close()
  })
}

function positionContract(context: ContractContext): void {
  test('seek moves the position back and forth', async () => {
    const topic = await context.newTopic()
    for (let index = 0; index < 10; index++)
      await appendTo(context.log, topic, 0, numbered(10, 'v', index * 10))
    const consumer = await openConsumer(context.log, [topic])
    const reader = new Reader(consumer, 700)
    await reader.take(30)
    for (const offset of [95, 0, 42]) {
      reader.seek(topic, 0, offset)
      assert.equal((await reader.take(1))[0].offset, offset)
    }
    await consumer.close()
  })

  test('wants is asked, and may seek, also where there is nothing more to read', async () => {
    const topic = await context.newTopic()
    await appendTo(context.log, topic, 0, numbered(5))
    const consumer = await openConsumer(context.log, [topic])
    const reader = new Reader(consumer)
    await reader.take(5)
    let back = false
    const again = reader.take(5, () => {
      if (back) reader.seek(topic, 0, 0)
      back = false
      return true
    })
    back = true
    consumer.wake()
    assert.equal((await again)[0].offset, 0)
    await consumer.close()
  })

  test('positions from onAssigned come before committed ones', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    for (const partition of [0, 1]) await appendTo(log, topic, partition, numbered(20))
    const groupId = unique('group')
    const first = await openConsumer(log, [topic], { groupId })
    await new Reader(first).take(40)
    await first.commit([
      { topic, partition: 0, offset: 5 },
      { topic, partition: 1, offset: 7 },
    ])
    await first.close()
    assert.deepEqual([...(await log.committed(groupId, topic))].sort(), [
      [0, 5],
      [1, 7],
    ])
    const seen: (number | undefined)[] = []
    const second = await openConsumer(log, [topic], {
      groupId,
      onAssigned: async (partitions) => {
        for (const { partition, committed } of partitions) seen[partition] = committed
        return [{ topic, partition: 1, offset: 15 }]
      },
    })
    const reader = new Reader(second)
    reader.positions.set(`${topic}/0`, 5).set(`${topic}/1`, 15)
    const records = await reader.take(20)
    assert.deepEqual(seen, [5, 7])
    assert.deepEqual(
      [0, 1].map((partition) => records.find((one) => one.partition === partition)?.offset),
      [5, 15],
    )
    assert.equal(records.length, 20)
    await second.close()
  })

  test('nothing committed: committed is undefined, and empty', async () => {
    const topic = await context.newTopic()
    const groupId = unique('group')
    const seen: (number | undefined)[] = []
    await appendTo(context.log, topic, 0, numbered(1))
    const consumer = await openConsumer(context.log, [topic], {
      groupId,
      onAssigned: async (partitions) => {
        seen.push(...partitions.map((one) => one.committed))
        return []
      },
    })
    await new Reader(consumer).take(1)
    assert.deepEqual(seen, [undefined])
    assert.equal((await context.log.committed(groupId, topic)).size, 0)
    await consumer.close()
  })

  test('a position outside the log goes where the options say', async () => {
    const topic = await context.newTopic()
    await appendTo(context.log, topic, 0, numbered(5))
    const start = async () => [{ topic, partition: 0, offset: 1000 }]
    const lenient = await openConsumer(context.log, [topic], { onAssigned: start })
    assert.equal((await new Reader(lenient).take(5))[0].offset, 0)
    await lenient.close()
    const strict = await openConsumer(context.log, [topic], {
      onAssigned: start,
      offsetOutOfRange: 'error',
    })
    await assert.rejects(new Reader(strict).take(1), rejectsWith('OFFSET_OUT_OF_RANGE'))
    await strict.close()
  })
}

function endContract(context: ContractContext): void {
  test('a fetch that waits ends when aborted, and the next one goes on', async () => {
    const topic = await context.newTopic()
    const consumer = await openConsumer(context.log, [topic])
    const target = new Uint8Array(4096)
    const abort = new AbortController()
    const waiting = consumer.fetch(target, everything, abort.signal)
    abort.abort()
    assert.deepEqual(await waiting, { kind: 'closed' })
    assert.deepEqual(await consumer.fetch(target, everything, abort.signal), { kind: 'closed' })
    await appendTo(context.log, topic, 0, numbered(1))
    assert.deepEqual(values(await new Reader(consumer).take(1)), ['v0'])
    await consumer.close()
  })

  test('close revokes, ends a fetch that waits, and may be called twice', async () => {
    const topic = await context.newTopic(2)
    await appendTo(context.log, topic, 0, numbered(1))
    const revoked: number[] = []
    const consumer = await openConsumer(context.log, [topic], {
      onRevoked: async (partitions) => {
        revoked.push(...partitions.map((one) => one.partition))
      },
    })
    await new Reader(consumer).take(1)
    const waiting = consumer.fetch(new Uint8Array(4096), everything)
    await Promise.all([consumer.close(), consumer.close()])
    assert.deepEqual(await waiting, { kind: 'closed' })
    assert.deepEqual(revoked.sort(), [0, 1])
    assert.deepEqual(await consumer.fetch(new Uint8Array(4096), everything), { kind: 'closed' })
  })

  test('a topic deleted while it is read is an error once; the others go on', async () => {
    const { log } = context
    const [doomed, other] = [await context.newTopic(), await context.newTopic()]
    await appendTo(log, doomed, 0, numbered(1, 'doomed'))
    await appendTo(log, other, 0, numbered(1, 'other'))
    const consumer = await openConsumer(log, [doomed, other])
    const reader = new Reader(consumer)
    await reader.take(2)
    await log.deleteTopic(doomed)
    await assert.rejects(reader.take(1), (error: EuphorionError) => {
      assert.equal(error.code, 'TOPIC_DELETED', error.stack)
      assert.equal(error.place.topic, doomed)
      return true
    })
    await appendTo(log, other, 0, numbered(1, 'later'))
    assert.deepEqual(values(await reader.take(1)), ['later0'])
    await consumer.close()
  })
}

const asStored = (records: ReturnType<typeof numbered>) =>
  records.map((record, offset) => ({ ...record, offset }))
