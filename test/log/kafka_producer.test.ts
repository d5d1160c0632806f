// The idempotent producer against leaders in memory: every rule of what is sent again, under which
// number, and what the caller hears; at last any faults at all.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../src/clock.ts'
import { EuphorionError } from '../../src/errors.ts'
import { KafkaProducer } from '../../src/log/kafka/producer.ts'
import { brokerCode } from '../../src/wire/broker_code.ts'
import { encodeBatch } from '../../src/wire/record_batch.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'
import { ModelLeaders, type ProduceFault } from '../support/model_leaders.ts'

const DELIVERY_MS = 10_000

function start(partitions = 1) {
  const leaders = new ModelLeaders(partitions)
  const clock = new ManualClock()
  const random = seededRandom(1)
  const producer = new KafkaProducer(leaders, { clock, random, deliveryTimeoutMs: DELIVERY_MS })
  const records = (...values: string[]) =>
    values.map((value) => ({ key: null, value: Buffer.from(value), timestamp: 0 }))
  const send = (partition: number, ...values: string[]) =>
    producer.append('t', partition, records(...values))
  const batch = (partition: number, ...values: string[]) =>
    producer.appendBatch('t', partition, encodeBatch(records(...values)))
  /** Lets time pass until it is settled. */
  async function finish<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const done = () => {
      isSettled = true
    }
    promise.then(done, done)
    for (let turn = 0; turn < 2000 && !isSettled; turn++) {
      await settle()
      if (!isSettled) await clock.advance(50)
    }
    return promise
  }
  return { leaders, clock, producer, send, batch, finish }
}

const numbers = ({ sent }: ModelLeaders) =>
  sent.map(({ epoch, sequence }) => `${epoch}:${sequence}`)

/** These faults one after the other, then none. */
const script =
  (...faults: (ProduceFault | undefined)[]) =>
  () =>
    faults.shift()

const rejectsWith = (code: string) => (error: unknown) =>
  error instanceof EuphorionError && error.code === code

describe('how batches are sent', () => {
  test('numbers follow each other, one batch of a partition at a time', async () => {
    const { leaders, send, finish } = start()
    const calls = [send(0, 'a', 'b'), send(0, 'c'), send(0, 'd', 'e', 'f'), send(0, 'g')]
    assert.deepEqual(await finish(Promise.all(calls)), [0, 2, 3, 6])
    assert.deepEqual(numbers(leaders), ['0:0', '0:2', '0:3', '0:6'])
    assert.equal(leaders.inFlightMax, 1)
    assert.deepEqual(leaders.partitions[0].values, [...'abcdefg'])
  })

  test('partitions of a broker share requests, of which five are on their way', async () => {
    const { leaders, send, finish } = start(40)
    await finish(send(0, 'first'))
    let open = (): void => undefined
    leaders.gate = new Promise((resolve) => {
      open = resolve
    })
    const calls: Promise<number>[] = []
    for (let turn = 0; turn < 10; turn++) {
      for (let each = 0; each < 4; each++) calls.push(send(turn * 4 + each, 'x'))
      await settle()
    }
    assert.equal(leaders.inFlight, 5)
    open()
    await finish(Promise.all(calls))
    assert.deepEqual(
      leaders.requests.slice(1).map((each) => each.length),
      [4, 4, 4, 4, 4, 20],
    )
  })

  test('the log’s own time is told where it has one', async () => {
    const { leaders, batch, finish } = start()
    leaders.appendTimeMs = 77
    assert.deepEqual(await finish(batch(0, 'a')), { offset: 0, appendTimeMs: 77 })
    leaders.appendTimeMs = -1
    assert.deepEqual(await finish(batch(0, 'a')), { offset: 1, appendTimeMs: undefined })
  })

  test('close waits for what is on its way, and then nothing is taken', async () => {
    const { leaders, producer, send, finish } = start()
    leaders.fault = script({ lost: true })
    const sent = send(0, 'a')
    await finish(producer.close())
    assert.equal(await sent, 0)
    await assert.rejects(send(0, 'b'), rejectsWith('LOG_FAILED'))
  })
})

describe('what is sent again', () => {
  const again: readonly (readonly [string, ProduceFault])[] = [
    ['a lost answer', { lost: true }],
    ['a lost request', { lost: true, arrives: false }],
    ...(
      [
        'NOT_ENOUGH_REPLICAS',
        'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
        'REQUEST_TIMED_OUT',
        'NOT_LEADER_OR_FOLLOWER',
        'LEADER_NOT_AVAILABLE',
        'UNKNOWN_TOPIC_OR_PARTITION',
        'KAFKA_STORAGE_ERROR',
        'CORRUPT_MESSAGE',
        'NETWORK_EXCEPTION',
      ] as const
    ).flatMap((name) =>
      [true, false].map(
        (arrives) =>
          [
            `${name}, ${arrives ? '' : 'not '}stored`,
            { errorCode: brokerCode[name], arrives },
          ] as const,
      ),
    ),
  ]
  for (const [name, fault] of again)
    test(`${name}: the same number, stored once`, async () => {
      const { leaders, send, finish } = start()
      await finish(send(0, 'before'))
      leaders.fault = script(fault, fault)
      assert.deepEqual(await finish(Promise.all([send(0, 'a', 'b'), send(0, 'c')])), [1, 3])
      assert.deepEqual(numbers(leaders), ['0:0', '0:1', '0:1', '0:1', '0:3'])
      assert.deepEqual(leaders.partitions[0].values, ['before', 'a', 'b', 'c'])
    })

  test('a leader that moves is looked up, or taken from the answer', async () => {
    const { leaders, send, finish } = start()
    await finish(send(0, 'a'))
    leaders.partitions[0].leader = 1
    assert.equal(await finish(send(0, 'b')), 1)
    assert.equal(leaders.refreshes, 1)
    leaders.partitions[0].leader = 2
    const errorCode = brokerCode.NOT_LEADER_OR_FOLLOWER
    leaders.fault = script({ errorCode, arrives: false, currentLeader: 2 })
    assert.equal(await finish(send(0, 'c')), 2)
    assert.equal(leaders.refreshes, 1)
    leaders.partitions[0].hasLeader = false
    const waiting = send(0, 'd')
    await finish(Promise.race([waiting, settle()]))
    leaders.partitions[0].hasLeader = true
    assert.equal(await finish(waiting), 3)
  })

  test('a broker that cannot be reached is tried again', async () => {
    const { leaders, send, finish, clock } = start()
    leaders.unreachable.add(0)
    const sent = send(0, 'a')
    await clock.advance(3000)
    assert.equal(leaders.sent.length, 0)
    leaders.unreachable.clear()
    assert.equal(await finish(sent), 0)
  })
})

describe('what is numbered anew', () => {
  test('after a gap the batch goes on under a raised epoch, from 0', async () => {
    const { leaders, send, finish } = start(2)
    await finish(Promise.all([send(0, 'a'), send(1, 'x')]))
    leaders.fault = script({ errorCode: brokerCode.OUT_OF_ORDER_SEQUENCE_NUMBER, arrives: false })
    assert.equal(await finish(send(0, 'b', 'c')), 1)
    assert.equal(await finish(send(0, 'd')), 3)
    assert.equal(await finish(send(1, 'y')), 1)
    assert.deepEqual(numbers(leaders).slice(2), ['0:1', '1:0', '1:2', '1:0'])
    assert.deepEqual(leaders.partitions[1].values, ['x', 'y'])
  })

  test('a producer that retention has made unknown, once the log says where it begins', async () => {
    const { leaders, send, finish } = start()
    await finish(send(0, 'a'))
    const errorCode = brokerCode.UNKNOWN_PRODUCER_ID
    leaders.fault = script(
      { errorCode, arrives: false },
      { errorCode, arrives: false, logStartOffset: 5 },
    )
    await finish(send(0, 'b'))
    assert.deepEqual(numbers(leaders), ['0:0', '0:1', '0:1', '1:0'])
  })

  test('a number that the broker has forgotten counts as stored', async () => {
    const { leaders, batch, finish } = start()
    leaders.fault = script({ errorCode: brokerCode.DUPLICATE_SEQUENCE_NUMBER })
    assert.equal((await finish(batch(0, 'a'))).offset, -1)
    assert.equal((await finish(batch(0, 'b'))).offset, 1)
    assert.deepEqual(numbers(leaders), ['0:0', '0:1'])
  })

  test('when the epochs are used up, under a new id', async () => {
    const { leaders, send, finish } = start()
    leaders.firstEpoch = 32_767
    leaders.fault = script({ errorCode: brokerCode.OUT_OF_ORDER_SEQUENCE_NUMBER, arrives: false })
    await finish(send(0, 'a'))
    const ids = leaders.sent.map(({ producerId, sequence }) => `${producerId}:${sequence}`)
    assert.deepEqual(ids, ['100:0', '101:0'])
  })
})

describe('what is refused', () => {
  test('a batch that is too large, and no other', async () => {
    const { leaders, send, finish } = start(2)
    leaders.maxBytes = 200
    const large = assert.rejects(send(0, 'x'.repeat(300)), rejectsWith('RECORD_TOO_LARGE'))
    const others = Promise.all([send(1, 'a'), send(0, 'b')])
    assert.deepEqual(await finish(others), [0, 0])
    await large
  })

  test('a fenced batch; the next one goes under a raised epoch', async () => {
    const { leaders, send, finish } = start()
    await finish(send(0, 'a'))
    leaders.fault = script({ errorCode: brokerCode.INVALID_PRODUCER_EPOCH, arrives: false })
    await assert.rejects(finish(send(0, 'b')), rejectsWith('FENCED'))
    assert.equal(await finish(send(0, 'c')), 1)
    assert.deepEqual(numbers(leaders), ['0:0', '0:1', '1:0'])
  })

  test('what nobody confirms in time; its number is not given again', async () => {
    const { leaders, send, finish } = start()
    await finish(send(0, 'a'))
    leaders.fault = () => ({ lost: true })
    const late = [send(0, 'b'), send(0, 'c')]
    for (const each of late)
      await assert.rejects(finish(each), (error) => {
        assert.match(String(error), /nobody has confirmed a batch in 10000 ms/)
        return rejectsWith('LOG_FAILED')(error)
      })
    leaders.fault = () => undefined
    // Both were stored, and nobody knew. 'c' was tried once, behind 'b'.
    assert.equal(await finish(send(0, 'd')), 3)
    assert.deepEqual(leaders.partitions[0].values, ['a', 'b', 'c', 'd'])
    assert.deepEqual(numbers(leaders).slice(-2), ['1:0', '2:0'])
  })

  test('an unknown topic or partition, at once', async () => {
    const { producer, send, leaders } = start()
    const record = { key: null, value: null, timestamp: 0 }
    await assert.rejects(producer.append('other', 0, [record]), rejectsWith('TOPIC_UNKNOWN'))
    await assert.rejects(send(5, 'a'), rejectsWith('TOPIC_UNKNOWN'))
    assert.equal(leaders.sent.length, 0)
  })
})

test('whatever goes wrong, what is confirmed is stored once, in order, where it says', async () => {
  const code = fc.constantFrom(
    ...([
      'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
      'NOT_LEADER_OR_FOLLOWER',
      'REQUEST_TIMED_OUT',
    ] as const),
    ...(['MESSAGE_TOO_LARGE', 'UNKNOWN_SERVER_ERROR', 'INVALID_RECORD'] as const),
  )
  // What a broker says of a batch that it does not take must be true: those are not "stored".
  const fault = fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    fc.record({ lost: fc.constant(true), arrives: fc.boolean() }),
    code.map((name) => ({
      errorCode: brokerCode[name],
      arrives: name.endsWith('_APPEND') || name === 'REQUEST_TIMED_OUT',
    })),
    fc.constantFrom('move' as const, 'down' as const, 'up' as const),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { maxLength: 60 }), fc.integer(), async (faults, seed) => {
      const { leaders, send, finish } = start(3)
      const random = seededRandom(seed)
      leaders.fault = () => {
        const next = faults.shift()
        if (typeof next === 'object') return next
        for (const partition of leaders.partitions) {
          if (next === 'move') partition.leader = Math.floor(random() * 3)
          if (next === 'down') partition.hasLeader = false
          if (next === 'up' || faults.length === 0) partition.hasLeader = true
        }
        return undefined
      }
      const calls = Array.from({ length: 30 }, (_, index) => {
        const partition = Math.floor(random() * 3)
        const values = Array.from({ length: 1 + (index % 3) }, (_, each) => `${index}.${each}`)
        const stored = send(partition, ...values)
        return { partition, values, stored: stored.catch(() => undefined) }
      })
      await finish(Promise.all(calls.map(({ stored }) => stored)))
      for (const { partition, values, stored } of calls) {
        const offset = await stored
        const all = leaders.partitions[partition].values
        const first = all.indexOf(values[0])
        if (offset !== undefined) assert.equal(first, offset)
        if (first >= 0) assert.deepEqual(all.slice(first, first + values.length), values)
      }
      for (const { values } of leaders.partitions) {
        assert.equal(new Set(values).size, values.length, 'nothing twice')
        const order = values.map((value) => Number(value))
        assert.deepEqual(
          order,
          [...order].sort((a, b) => a - b),
        )
      }
    }),
    { numRuns: 150 },
  )
})
