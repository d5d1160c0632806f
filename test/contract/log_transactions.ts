// The contract of transactions: what counts, when it is read, and what an abort leaves. Run by
// logContract on drivers that have them; who is fenced, offsets of groups and readers without one
// are in log_fencing.ts, log_transaction_offsets.ts and log_reader.ts.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { TransactionalProducer } from '../../src/log/log.ts'
import { batchHeaderBytes } from '../../src/wire/batch_header.ts'
import { encodeBatch } from '../../src/wire/record_batch.ts'
import {
  appendTo,
  numbered,
  openConsumer,
  Reader,
  rejectsWith,
  text,
  values,
} from '../support/log.ts'
import { committedValues, Followed, openTransactional, put } from '../support/transactions.ts'
import type { ContractContext } from './log.ts'
import { fencingContract } from './log_fencing.ts'
import { readerContract } from './log_reader.ts'
import { transactionOffsetsContract } from './log_transaction_offsets.ts'

export function transactionsContract(context: ContractContext): void {
  describe('commit and abort', () => {
    endContract(context)
    abortContract(context)
    failureContract(context)
    waitingContract(context)
  })
  describe('order', () => {
    orderContract(context)
    randomContract(context)
    compactionContract(context)
  })
  describe('fencing', () => fencingContract(context))
  describe('offsets in transactions', () => transactionOffsetsContract(context))
  describe('readers', () => readerContract(context))
}

function endContract(context: ContractContext): void {
  test('nothing is read before the commit, and everything after it, in all partitions', async () => {
    const { log } = context
    const topics = [await context.newTopic(2), await context.newTopic(1)]
    const producer = await openTransactional(log)
    assert.equal(producer.isOpen, false)
    await producer.append(topics[0], 0, numbered(3, 'a'))
    assert.equal(producer.isOpen, true)
    await Promise.all([
      producer.append(topics[0], 1, numbered(2, 'b')),
      producer.append(topics[1], 0, numbered(1, 'c')),
      producer.append(topics[1], 0, numbered(1, 'd')),
    ])
    for (const [topic, partition] of [[topics[0], 0] as const, [topics[0], 1] as const])
      assert.deepEqual(await log.read(topic, partition, 0), [])
    assert.equal((await log.offsets(topics[0]))[0].latest, 3)
    await producer.commit()
    assert.equal(producer.isOpen, false)
    assert.deepEqual(await committedValues(log, topics[0], 0), ['a0', 'a1', 'a2'])
    assert.deepEqual(await committedValues(log, topics[0], 1), ['b0', 'b1'])
    assert.deepEqual(await committedValues(log, topics[1], 0), ['c0', 'd0'])
    await producer.close()
  })

  test('members of a group read what is committed, and pass what is aborted', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const consumer = await openConsumer(log, [topic])
    const taken = new Reader(consumer).take(5)
    const producer = await openTransactional(log)
    await producer.append(topic, 0, numbered(3, 'kept'))
    await producer.commit()
    await producer.append(topic, 0, numbered(3, 'dropped'))
    await producer.abort()
    await appendTo(log, topic, 0, numbered(2, 'plain'))
    assert.deepEqual(values(await taken), ['kept0', 'kept1', 'kept2', 'plain0', 'plain1'])
    await Promise.all([consumer.close(), producer.close()])
  })
}

function abortContract(context: ContractContext): void {
  test('an aborted transaction is not read, and the one after it is', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const producer = await openTransactional(log)
    for (const turn of [0, 1, 2]) {
      await put(producer, topic, 0, `dropped${turn}`)
      await put(producer, topic, 0, `dropped again${turn}`)
      await producer.abort()
      assert.equal(producer.isOpen, false)
      await put(producer, topic, 0, `kept${turn}`)
      await producer.commit()
    }
    assert.deepEqual(await committedValues(log, topic), ['kept0', 'kept1', 'kept2'])
    await producer.close()
  })

  test('an end without anything to end does nothing', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const producer = await openTransactional(log)
    await producer.abort()
    await producer.commit()
    assert.equal((await log.offsets(topic))[0].latest, 0)
    await put(producer, topic, 0, 'a')
    await producer.commit()
    await producer.commit()
    await producer.abort()
    assert.deepEqual(await committedValues(log, topic), ['a'])
    await producer.close()
  })

  test('finished batches are stored as they are, several of a partition in their order', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    const producer = await openTransactional(log)
    const stored = await Promise.all(
      [0, 1, 2, 3].map((turn) => {
        const batch = encodeBatch(numbered(2, `${turn}-`))
        // whoever makes batches for a transaction may have said so already
        if (turn % 2 === 1) batch[22] |= 0x10
        return producer.appendBatch(topic, turn >> 1, batch)
      }),
    )
    assert.deepEqual(
      stored.map(({ offset }) => offset),
      [0, 2, 0, 2],
    )
    await producer.commit()
    assert.deepEqual(await committedValues(log, topic, 0), ['0-0', '0-1', '1-0', '1-1'])
    assert.deepEqual(await committedValues(log, topic, 1), ['2-0', '2-1', '3-0', '3-1'])
    await producer.close()
  })
}

function failureContract(context: ContractContext): void {
  test('a record that is too large takes the transaction with it, and no other', async () => {
    const { log } = context
    const topic = await context.newTopic(2, 2000)
    const producer = await openTransactional(log)
    const large = [{ ...numbered(1)[0], value: Buffer.alloc(5000 + batchHeaderBytes, 'x') }]
    await put(producer, topic, 0, 'dropped')
    await assert.rejects(producer.append(topic, 1, large), rejectsWith('RECORD_TOO_LARGE'))
    await assert.rejects(producer.commit(), rejectsWith('TRANSACTION_ABORTED'))
    assert.equal(producer.isOpen, false)
    await put(producer, topic, 0, 'kept')
    await put(producer, topic, 1, 'kept too')
    await producer.commit()
    await assert.rejects(producer.append(topic, 1, large), rejectsWith('RECORD_TOO_LARGE'))
    await producer.abort()
    await put(producer, topic, 1, 'last')
    await producer.commit()
    assert.deepEqual(await committedValues(log, topic, 0), ['kept'])
    assert.deepEqual(await committedValues(log, topic, 1), ['kept too', 'last'])
    await producer.close()
  })

  test('an append to a topic that is not there takes the transaction with it', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const producer = await openTransactional(log)
    await put(producer, topic, 0, 'dropped')
    await assert.rejects(put(producer, topic, 7, 'nowhere'), rejectsWith('TOPIC_UNKNOWN'))
    await assert.rejects(producer.commit(), rejectsWith('TRANSACTION_ABORTED'))
    await put(producer, topic, 0, 'kept')
    await producer.commit()
    assert.deepEqual(await committedValues(log, topic, 0), ['kept'])
    await producer.close()
  })
}

function waitingContract(context: ContractContext): void {
  test('a commit before all appends are acknowledged is a mistake of the caller', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const producer = await openTransactional(log)
    const appended = put(producer, topic, 0, 'a')
    await assert.rejects(producer.commit(), { code: 'ERR_ASSERTION' })
    await appended
    await producer.commit()
    assert.deepEqual(await committedValues(log, topic), ['a'])
    await producer.close()
  })

  test('an abort waits for appends that are on their way', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const producer = await openTransactional(log)
    const appended = Promise.allSettled([0, 1, 2].map((turn) => put(producer, topic, 0, `${turn}`)))
    await producer.abort()
    await appended
    await put(producer, topic, 0, 'kept')
    await producer.commit()
    assert.deepEqual(await committedValues(log, topic), ['kept'])
    await producer.close()
  })

  test('closing a producer aborts what it has open', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const producer = await openTransactional(log)
    await put(producer, topic, 0, 'dropped')
    await producer.close()
    await assert.rejects(put(producer, topic, 0, 'late'), rejectsWith('LOG_FAILED'))
    await appendTo(log, topic, 0, [{ ...numbered(1)[0], value: text('plain') }])
    assert.deepEqual(await committedValues(log, topic), ['plain'])
  })
}

function orderContract(context: ContractContext): void {
  test('what is behind an open transaction waits for its end', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    const followed = await Followed.open(log, topic, [0, 1])
    const [slow, quick] = [await openTransactional(log), await openTransactional(log)]
    await put(slow, topic, 0, 'first')
    await put(quick, topic, 0, 'second')
    await put(quick, topic, 1, 'other partition')
    await quick.commit()
    await appendTo(log, topic, 0, [{ ...numbered(1)[0], value: text('third') }])
    await followed.toEnd([1])
    assert.deepEqual(followed.values(1), ['other partition'])
    assert.deepEqual(followed.values(0), [])
    assert.deepEqual(await log.read(topic, 0, 0), [])
    const reached = followed.toEnd([0])
    await slow.commit()
    await reached
    assert.deepEqual(followed.values(0), ['first', 'second', 'third'])
    await Promise.all([slow.close(), quick.close(), followed.close()])
  })

  test('transactions of two ids on one partition do not touch each other', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const [left, right] = [await openTransactional(log), await openTransactional(log)]
    await put(left, topic, 0, 'l0')
    await put(right, topic, 0, 'r0')
    await put(left, topic, 0, 'l1')
    await right.abort()
    await put(right, topic, 0, 'r1')
    await put(left, topic, 0, 'l2')
    await left.commit()
    await put(left, topic, 0, 'l3')
    await right.commit()
    await left.abort()
    assert.deepEqual(await committedValues(log, topic), ['l0', 'l1', 'r1', 'l2'])
    await Promise.all([left.close(), right.close()])
  })

  test('a reader that begins in the middle passes the rest of an aborted transaction', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const producer = await openTransactional(log)
    for (const turn of [0, 1, 2, 3]) await put(producer, topic, 0, `dropped${turn}`)
    await producer.abort()
    await put(producer, topic, 0, 'kept')
    await producer.commit()
    for (const offset of [1, 3, 4]) {
      const followed = await Followed.open(log, topic, [])
      followed.seek(0, offset)
      await followed.toEnd([0])
      assert.deepEqual(followed.values(0), ['kept'])
      await followed.close()
    }
  })
}

type Step = { readonly producer: number } & (
  | { readonly kind: 'append'; readonly partition: number; readonly count: number }
  | { readonly kind: 'commit' | 'abort' }
)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      producer: fc.nat(1),
      partition: fc.nat(1),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('commit' as const, 'abort' as const),
      producer: fc.nat(1),
    }),
  },
)
const runs = 6

/** Takes the steps in turn; the values that count, by partition, in the order of their appends. */
async function take(
  steps: readonly Step[],
  producers: readonly TransactionalProducer[],
  topic: string,
): Promise<string[][]> {
  const appended: { readonly value: string; readonly partition: number; counts: boolean }[] = []
  const open: (typeof appended)[] = [[], []]
  let next = 0
  for (const each of steps) {
    const producer = producers[each.producer]
    if (each.kind === 'append') {
      const records = numbered(each.count, 'v', next)
      await producer.append(topic, each.partition, records)
      for (const value of values(records.map((record) => ({ ...record, offset: 0 })))) {
        const one = { value: value!, partition: each.partition, counts: false }
        appended.push(one)
        open[each.producer].push(one)
      }
      next += each.count
      continue
    }
    await producer[each.kind]()
    for (const one of open[each.producer].splice(0)) one.counts = each.kind === 'commit'
  }
  await Promise.all(producers.map((producer) => producer.abort()))
  return [0, 1].map((partition) =>
    appended.filter((one) => one.counts && one.partition === partition).map(({ value }) => value),
  )
}

function randomContract(context: ContractContext): void {
  test('whatever two producers do, exactly what was committed is read, in order', async () => {
    const { log } = context
    const producers = [await openTransactional(log), await openTransactional(log)]
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const topic = await context.newTopic(2)
        const followed = await Followed.open(log, topic, [0, 1])
        const expected = await take(steps, producers, topic)
        await followed.toEnd([0, 1])
        assert.deepEqual([followed.values(0), followed.values(1)], expected)
        await followed.close()
      }),
      { numRuns: runs, endOnFailure: true },
    )
    await Promise.all(producers.map((producer) => producer.close()))
  })
}

function compactionContract(context: ContractContext): void {
  const { compact } = context.options
  if (compact === undefined) return
  test('compaction keeps the last committed value of a key, whatever was aborted', async () => {
    const { log } = context
    const topic = await context.newTopic(1, undefined, { cleanup: 'compact' })
    const producer = await openTransactional(log)
    const keyed = (from: number, value: string) =>
      [from, from + 1].map((key) => ({ key: text(`k${key}`), value: text(value), timestamp: 1 }))
    for (const [from, value, end] of [
      [0, 'old', 'commit'],
      [1, 'committed', 'commit'],
      [0, 'dropped', 'abort'],
      [3, 'dropped', 'abort'],
      [2, 'newest', 'commit'],
    ] as const) {
      await producer.append(topic, 0, keyed(from, value))
      await producer[end]()
    }
    await producer.append(topic, 0, [{ key: text('k1'), value: null, timestamp: 2 }])
    await producer.abort()
    await compact(log, topic)
    const followed = await Followed.open(log, topic, [0], {
      ...(context.options.inflate && { inflate: context.options.inflate }),
    })
    await followed.toEnd([0])
    assert.deepEqual(
      followed.records.map(({ key, value }) => `${key} ${value}`),
      ['k0 old', 'k1 committed', 'k2 newest', 'k3 newest'],
    )
    // the producer goes on, and what it writes then counts
    await producer.append(topic, 0, keyed(0, 'after'))
    await producer.commit()
    await followed.toEnd([0])
    assert.deepEqual(followed.values(0).slice(4), ['after', 'after'])
    await Promise.all([producer.close(), followed.close()])
  })
}
