import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
import type { Event } from '../../src/stream/events.ts'
import { agentOf, batchOf } from '../support/agents.ts'
import { settle } from '../support/manual_clock.ts'

/** A promise that a test keeps in its hand. */
function gate() {
  let open = (): void => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

test('events come in order, over batches, from the start offset on', async () => {
  const got: unknown[] = []
  const { partition } = agentOf(
    async (stream) => {
      for await (const value of stream) got.push(value)
    },
    { startOffset: 2 },
  )
  await partition.push(batchOf([0, 1, 2, 3]))
  await partition.push(batchOf([4, 5], 4))
  await partition.push(new Uint8Array([...batchOf([6], 6), ...batchOf([9], 9)]))
  assert.deepEqual(got, [2, 3, 4, 5, 6, 9])
  assert.equal(partition.acknowledged(), 10)
  await partition.close()
})

test('events() gives key, headers, offset, partition, timestamp and topic', async () => {
  const got: Event<string, unknown>[] = []
  const { partition } = agentOf(async (stream) => {
    for await (const event of stream.events()) got.push(event)
  })
  await partition.push(batchOf([{ a: 1 }], 7))
  assert.deepEqual(got, [
    {
      key: 'k7',
      value: { a: 1 },
      topic: 't',
      partition: 2,
      offset: 7,
      timestamp: 1000,
      headers: [{ key: 'h', value: new Uint8Array([120]) }],
    },
  ])
  await partition.close()
})

test('an event is acknowledged when the loop asks for the next one', async () => {
  const gates = [gate(), gate(), gate()]
  const { partition } = agentOf<number>(async (stream) => {
    for await (const value of stream) await gates[value].passed
  })
  const pushed = partition.push(batchOf([0, 1, 2]))
  await settle()
  assert.equal(partition.acknowledged(), 0)
  gates[0].open()
  await settle()
  assert.equal(partition.acknowledged(), 1)
  gates[1].open()
  gates[2].open()
  await pushed
  assert.equal(partition.acknowledged(), 3)
  await partition.close()
})

test('a handler that throws keeps its offset and stops the partition, nothing else', async () => {
  const got: unknown[] = []
  const { partition, stopped } = agentOf(async (stream) => {
    for await (const value of stream) {
      if (value === 2) throw new Error('two!')
      got.push(value)
    }
  })
  await partition.push(batchOf([0, 1, 2, 3]))
  assert.deepEqual(got, [0, 1])
  assert.equal(partition.stopped, true)
  assert.equal(partition.acknowledged(), 2)
  assert.equal(stopped.length, 1)
  assert.equal(stopped[0].code, 'HANDLER_FAILED')
  assert.deepEqual(stopped[0].place, { topic: 't', partition: 2, offset: 2 })
  assert.equal((stopped[0].cause as Error).message, 'two!')
  await partition.push(batchOf([4], 4))
  assert.deepEqual(got, [0, 1])
  await partition.close()
  assert.equal(partition.acknowledged(), 2)
})

test('a function that throws before its loop stops at the first offset', async () => {
  const { partition, stopped } = agentOf(
    () => {
      throw new Error('no')
    },
    { startOffset: 5 },
  )
  await settle()
  assert.equal(partition.stopped, true)
  assert.equal(partition.acknowledged(), 5)
  assert.equal(stopped[0].code, 'HANDLER_FAILED')
})

test('a function that returns acknowledges what it had and stops the partition', async () => {
  const { partition, stopped } = agentOf(async (stream) => {
    for await (const value of stream) if (value === 1) break
  })
  await partition.push(batchOf([0, 1, 2, 3]))
  await settle()
  assert.equal(partition.stopped, true)
  assert.equal(partition.acknowledged(), 2)
  assert.match(stopped[0].message, /returned/)
})

test('close lets the handler finish its event and gives it no other', async () => {
  const held = gate()
  const got: unknown[] = []
  let left = false
  const { partition, stopped } = agentOf(async (stream) => {
    for await (const value of stream) {
      await held.passed
      got.push(value)
    }
    left = true
  })
  const pushed = partition.push(batchOf([0, 1, 2]))
  await settle()
  const closed = partition.close()
  held.open()
  await closed
  await pushed
  assert.deepEqual(got, [0])
  assert.equal(left, true)
  assert.equal(partition.acknowledged(), 1)
  assert.equal(stopped.length, 0)
})

test('several functions share a partition; the oldest event in hand holds the offset', async () => {
  const gates = [gate(), gate(), gate(), gate()]
  const started: number[] = []
  const { partition } = agentOf<number>(
    async (stream) => {
      for await (const value of stream) {
        started.push(value)
        await gates[value].passed
      }
    },
    { concurrency: 2 },
  )
  const pushed = partition.push(batchOf([0, 1, 2, 3]))
  await settle()
  assert.deepEqual(started, [0, 1])
  gates[1].open()
  gates[2].open()
  await settle()
  assert.deepEqual(started, [0, 1, 2, 3])
  assert.equal(partition.acknowledged(), 0)
  gates[0].open()
  await settle()
  assert.equal(partition.acknowledged(), 3)
  gates[3].open()
  await pushed
  assert.equal(partition.acknowledged(), 4)
  await partition.close()
})

test('a loop that never waits still lets the event loop turn', async () => {
  let turns = 0
  let running = true
  const turn = (): void => {
    turns++
    if (running) setImmediate(turn)
  }
  const { partition } = agentOf(async (stream) => {
    for await (const _ of stream) {
      const end = process.hrtime.bigint() + 100_000n
      while (process.hrtime.bigint() < end);
    }
  })
  setImmediate(turn)
  await partition.push(batchOf(new Array(1000).fill(0)))
  running = false
  assert.ok(turns > 5, `${turns} turns`)
  await partition.close()
})

test('bad records go to the dead letters with their bytes, reason and place', async () => {
  const got: unknown[] = []
  const { partition, bad, producer } = agentOf(async (stream) => {
    for await (const value of stream) got.push(value)
  })
  const held = gate()
  producer.gate = held.passed
  await partition.push(batchOf([0, '{"a":', 2, null], 10))
  assert.deepEqual(got, [0, 2])
  assert.deepEqual(
    bad.map((each) => [each.offset, each.reason]),
    [
      [11, 'invalid-json'],
      [13, 'null-value'],
    ],
  )
  held.open()
  await settle()
  const [first, second] = producer.stored
  assert.equal(first.topic, 'dead')
  assert.equal(first.partition, 2)
  assert.equal(first.timestamp, 1001)
  assert.equal(Buffer.from(first.key ?? []).toString(), 'k11')
  assert.equal(Buffer.from(first.value ?? []).toString(), '{"a":')
  assert.deepEqual(
    first.headers?.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()]),
    [
      ['h', 'x'],
      ['euphorion.reason', 'invalid-json'],
      ['euphorion.topic', 't'],
      ['euphorion.partition', '2'],
      ['euphorion.offset', '11'],
      ['euphorion.timestamp', '1001'],
    ],
  )
  assert.equal(second.value, null)
  await partition.close()
})

test('policy skip counts bad records and goes on; policy stop stops before the record', async () => {
  const got: unknown[] = []
  const skipping = agentOf(
    async (stream) => {
      for await (const value of stream) got.push(value)
    },
    { onBadRecord: 'skip' },
  )
  await skipping.partition.push(batchOf([0, '?', 2]))
  assert.deepEqual(got, [0, 2])
  assert.equal(skipping.bad.length, 1)
  assert.equal(skipping.partition.acknowledged(), 3)
  assert.deepEqual(skipping.producer.stored, [])

  const stopping = agentOf(
    async (stream) => {
      for await (const _ of stream);
    },
    { onBadRecord: 'stop' },
  )
  await stopping.partition.push(batchOf([0, '?', 2]))
  assert.equal(stopping.partition.stopped, true)
  assert.equal(stopping.partition.acknowledged(), 1)
  assert.equal(stopping.stopped[0].code, 'RECORD_BAD')
  assert.deepEqual(stopping.stopped[0].place, { topic: 't', partition: 2, offset: 1 })
})

test('a damaged batch is asked for again, and stops the partition the second time', async () => {
  const got: unknown[] = []
  const { partition, stopped } = agentOf(async (stream) => {
    for await (const value of stream) got.push(value)
  })
  const good = batchOf([0, 1, 2])
  const damaged = batchOf([3, 4], 3)
  damaged[damaged.length - 1] ^= 1
  assert.equal(await partition.push(new Uint8Array([...good, ...damaged])), false)
  assert.equal(stopped.length, 0)
  assert.equal(partition.acknowledged(), 3)
  assert.equal(await partition.push(batchOf([3, 4], 3)), true)
  damaged.set(batchOf([5, 6], 5))
  damaged[damaged.length - 1] ^= 1
  for (const _ of [1, 2]) await partition.push(new Uint8Array([...good, ...damaged]))
  assert.deepEqual(got, [0, 1, 2, 3, 4])
  assert.equal(stopped[0].code, 'BATCH_CORRUPT')
  assert.deepEqual(stopped[0].place, { topic: 't', partition: 2, offset: 5 })
  assert.equal(partition.acknowledged(), 5)
})

test('yielded values reach functions, one awaited after the other', async () => {
  const got: unknown[] = []
  const { partition } = agentOf<number>(
    async function* (stream) {
      for await (const value of stream) {
        yield value * 10
        yield value * 10 + 1
      }
    },
    { sinks: [async (value) => void got.push(await value)] },
  )
  await partition.push(batchOf([1, 2]))
  assert.deepEqual(got, [10, 11, 20, 21])
  assert.equal(partition.acknowledged(), 2)
  await partition.close()
})

test('an event counts as acknowledged only once what it yielded is stored', async () => {
  const gates = [gate(), gate()]
  const sink = { send: ({ value }: { value: unknown }) => gates[value as number].passed }
  const { partition } = agentOf<number>(
    async function* (stream) {
      for await (const value of stream) yield value
    },
    { sinks: [sink] },
  )
  await partition.push(batchOf([0, 1]))
  assert.equal(partition.acknowledged(), 0)
  gates[0].open()
  await settle()
  assert.equal(partition.acknowledged(), 1)
  gates[1].open()
  await partition.close()
  assert.equal(partition.acknowledged(), 2)
})

test('an output that cannot be stored stops the partition before its event', async () => {
  const sink = {
    send: ({ value }: { value: unknown }) =>
      value === 1 ? Promise.reject(new Error('refused')) : Promise.resolve(),
  }
  const { partition, stopped } = agentOf<number>(
    async function* (stream) {
      for await (const value of stream) yield value
    },
    { sinks: [sink] },
  )
  await partition.push(batchOf([0, 1, 2, 3]))
  await partition.close()
  assert.equal(partition.acknowledged(), 1)
  assert.equal((stopped[0].cause as Error).message, 'refused')
  assert.equal(stopped[0].place.offset, 1)
})

test('next() before the last one has answered is refused, and loses no event', async () => {
  const got: unknown[] = []
  const { partition } = agentOf(async (stream) => {
    const values = stream[Symbol.asyncIterator]()
    const first = values.next()
    await assert.rejects(values.next(), { code: 'APP_INVALID' })
    got.push((await first).value)
    for await (const value of stream) got.push(value)
  })
  await settle()
  await partition.push(batchOf([1, 2]))
  assert.deepEqual(got, [1, 2])
  await partition.close()
})

test('an agent whose tables have gone with its partition ends quietly, at its event', async () => {
  const moving = new EuphorionError('TABLE_MOVING', 'gone')
  for (const error of [moving, new Error('wrapped', { cause: moving })]) {
    const table = gate()
    const { partition, stopped } = agentOf<number>(async (stream) => {
      for await (const value of stream) {
        if (value === 0) continue
        await table.passed
        throw error
      }
    })
    void partition.push(batchOf([0, 1]))
    await settle()
    const closed = partition.close()
    table.open()
    await closed
    assert.deepEqual(stopped, [])
    assert.equal(partition.acknowledged(), 1)
  }
})
