// The contract of transactions: what counts, when it is read, and what an abort leaves. Run by
// logContract on drivers that have them; the order of several, who is fenced, offsets of groups and
// readers without one are in files of their own.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
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
import { committedValues, openTransactional, put } from '../support/transactions.ts'
import type { ContractContext } from './log.ts'
import { fencingContract } from './log_fencing.ts'
import { readerContract } from './log_reader.ts'
import { transactionOffsetsContract } from './log_transaction_offsets.ts'
import { transactionOrderContract } from './log_transaction_order.ts'

export function transactionsContract(context: ContractContext): void {
  describe('commit and abort', () => {
    endContract(context)
    abortContract(context)
    failureContract(context)
    waitingContract(context)
  })
  describe('order', () => transactionOrderContract(context))
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
  test('a record that is too large is refused alone, and the transaction goes on', async () => {
    const { log } = context
    const topic = await context.newTopic(2, 2000)
    const producer = await openTransactional(log)
    const large = [{ ...numbered(1)[0], value: Buffer.alloc(5000 + batchHeaderBytes, 'x') }]
    const tooLarge = rejectsWith('RECORD_TOO_LARGE')
    await assert.rejects(producer.append(topic, 1, large), tooLarge)
    await put(producer, topic, 0, 'first')
    await assert.rejects(producer.append(topic, 0, large), tooLarge)
    await put(producer, topic, 0, 'second')
    await producer.commit()
    const calls = [
      put(producer, topic, 1, 'before'),
      assert.rejects(producer.append(topic, 1, large), tooLarge),
      put(producer, topic, 1, 'behind'),
    ]
    await Promise.all(calls)
    await producer.commit()
    await assert.rejects(producer.append(topic, 0, large), tooLarge)
    await producer.abort()
    assert.deepEqual(await committedValues(log, topic, 0), ['first', 'second'])
    assert.deepEqual(await committedValues(log, topic, 1), ['before', 'behind'])
    await producer.close()
  })

  test('an append to a partition that is not there is refused alone', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const producer = await openTransactional(log)
    const unknown = rejectsWith('TOPIC_UNKNOWN')
    await assert.rejects(put(producer, topic, 7, 'nowhere'), unknown)
    await producer.commit()
    await put(producer, topic, 0, 'first')
    await assert.rejects(put(producer, topic, 7, 'nowhere'), unknown)
    await put(producer, topic, 0, 'second')
    await producer.commit()
    assert.deepEqual(await committedValues(log, topic), ['first', 'second'])
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

  test('what is appended while a transaction ends belongs to the next one', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    const producer = await openTransactional(log)
    await put(producer, topic, 0, 'kept')
    const calls = [
      producer.commit(),
      put(producer, topic, 0, 'dropped'),
      put(producer, topic, 1, 'dropped too'),
    ]
    await Promise.all(calls)
    await producer.abort()
    await put(producer, topic, 1, 'kept too')
    await producer.commit()
    assert.deepEqual(await committedValues(log, topic, 0), ['kept'])
    assert.deepEqual(await committedValues(log, topic, 1), ['kept too'])
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
