// The contract of transactional ids: who has one last is the only one that can commit, and what
// others have left open is aborted. Run by transactionsContract.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deferred } from '../../src/deferred.ts'
import type { EuphorionError } from '../../src/errors.ts'
import type { TransactionalProducer } from '../../src/log/log.ts'
import { appendTo, numbered, openConsumer, rejectsWith, text, unique } from '../support/log.ts'
import { committedValues, Followed, openTransactional, put } from '../support/transactions.ts'
import type { ContractContext } from './log.ts'

/** The shortest that the tests need: a broker looks for late ones from time to time. */
const shortTimeoutMs = 1000

export function fencingContract(context: ContractContext): void {
  successorContract(context)
  fenceContract(context)
  timeoutContract(context)
}

function successorContract(context: ContractContext): void {
  test('a second producer of an id fences the first and aborts what it has open', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const id = unique('producer')
    const first = await openTransactional(log, id)
    await put(first, topic, 0, 'kept')
    await first.commit()
    await put(first, topic, 0, 'dropped')
    const second = await openTransactional(log, id)
    await appendTo(log, topic, 0, [{ ...numbered(1)[0], value: text('plain') }])
    assert.deepEqual(await committedValues(log, topic), ['kept', 'plain'])
    await assert.rejects(first.commit(), rejectsWith('FENCED'))
    await put(second, topic, 0, 'of the second')
    await second.commit()
    assert.deepEqual(await committedValues(log, topic), ['kept', 'plain', 'of the second'])
    await Promise.all([first.close(), second.close()])
  })

  const attempts: Record<string, (first: TransactionalProducer, topic: string) => Promise<void>> = {
    'an append': (first, topic) => put(first, topic, 0, 'late'),
    'an append to another partition': (first, topic) => put(first, topic, 1, 'late'),
    'a commit': (first) => first.commit(),
  }
  for (const [what, attempt] of Object.entries(attempts))
    test(`${what} of a fenced producer is refused, and all that follows`, async () => {
      const { log } = context
      const topic = await context.newTopic(2)
      const id = unique('producer')
      const first = await openTransactional(log, id)
      await put(first, topic, 0, 'dropped')
      const second = await openTransactional(log, id)
      await assert.rejects(attempt(first, topic), rejectsWith('FENCED'))
      await assert.rejects(first.commit(), rejectsWith('FENCED'))
      await assert.rejects(put(first, topic, 0, 'late'), rejectsWith('FENCED'))
      // what a fenced one had open is ended already
      await first.abort()
      await Promise.all([first.close(), second.close()])
      assert.deepEqual(await committedValues(log, topic, 0), [])
      assert.deepEqual(await committedValues(log, topic, 1), [])
    })

  test('a producer that was idle when it was fenced is refused by its next transaction', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const id = unique('producer')
    const first = await openTransactional(log, id)
    await put(first, topic, 0, 'kept')
    await first.commit()
    const second = await openTransactional(log, id)
    const tried = async () => {
      await put(first, topic, 0, 'late')
      await first.commit()
    }
    await assert.rejects(tried(), rejectsWith('FENCED'))
    assert.deepEqual(await committedValues(log, topic), ['kept'])
    await Promise.all([first.close(), second.close()])
  })

  test('offsets of a fenced producer are refused', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const groupId = unique('group')
    const assigned = deferred<void>()
    const consumer = await openConsumer(log, [topic], {
      groupId,
      onAssigned: async () => {
        assigned.resolve()
        return []
      },
    })
    await assigned.promise
    const id = unique('producer')
    const first = await openTransactional(log, id)
    const second = await openTransactional(log, id)
    const tried = async () => {
      await first.commitOffsets(consumer, [{ topic, partition: 0, offset: 5 }])
      await first.commit()
    }
    await assert.rejects(tried(), rejectsWith('FENCED'))
    assert.deepEqual([...(await log.committed(groupId, topic))], [])
    await Promise.all([first.close(), second.close(), consumer.close()])
  })
}

function fenceContract(context: ContractContext): void {
  test('fence() ends what a dead producer has open, and fences it', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const id = unique('producer')
    const dead = await openTransactional(log, id)
    await put(dead, topic, 0, 'dropped')
    await appendTo(log, topic, 0, [{ ...numbered(1)[0], value: text('plain') }])
    const followed = await Followed.open(log, topic, [0])
    const reached = followed.toEnd([0])
    await log.fence(id)
    await reached
    assert.deepEqual(followed.values(0), ['plain'])
    await assert.rejects(dead.commit(), rejectsWith('FENCED'))
    await Promise.all([dead.close(), followed.close()])
  })

  test('an id that was never used, or is fenced already, can be fenced and then used', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const id = unique('producer')
    await Promise.all([log.fence(id), log.fence(id)])
    await log.fence(id)
    const producer = await openTransactional(log, id)
    await put(producer, topic, 0, 'kept')
    await producer.commit()
    assert.deepEqual(await committedValues(log, topic), ['kept'])
    await producer.close()
  })
}

function timeoutContract(context: ContractContext): void {
  test('a transaction that is left open is aborted after its time-out', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const transactionalId = unique('producer')
    const options = { transactionalId, transactionTimeoutMs: shortTimeoutMs }
    const idle = await log.transactionalProducer(options)
    await put(idle, topic, 0, 'dropped')
    const followed = await Followed.open(log, topic, [0])
    await followed.toEnd([0])
    assert.deepEqual(followed.values(0), [])
    await assert.rejects(idle.commit(), (error: EuphorionError) => {
      // a broker cannot always tell it from one that was fenced
      assert.ok(['TRANSACTION_ABORTED', 'FENCED'].includes(error.code), error.stack)
      return true
    })
    const next = await openTransactional(log, transactionalId)
    await put(next, topic, 0, 'kept')
    await next.commit()
    await followed.toEnd([0])
    assert.deepEqual(followed.values(0), ['kept'])
    await Promise.all([idle.close(), next.close(), followed.close()])
  })
}
