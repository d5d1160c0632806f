// The transaction of a worker over a producer that the test can make wait or fail.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Transactions } from '../../src/app/transactions.ts'
import { EuphorionError } from '../../src/errors.ts'
import type { Log, LogConsumer, TransactionalProducer } from '../../src/log/log.ts'
import { createLogger } from '../../src/logger.ts'
import { settle } from '../support/manual_clock.ts'

const batch = new Uint8Array(1)
const consumer = {} as LogConsumer
const offsets = [{ topic: 't', partition: 0, offset: 1 }]

function fixture() {
  const lines: string[] = []
  const state = {
    made: 0,
    appends: undefined as Promise<unknown> | undefined,
    commits: undefined as Promise<unknown> | undefined,
  }
  const producer = (number: number): TransactionalProducer => {
    const own = { isOpen: false }
    return Object.assign(own, {
      append: async () => 0,
      appendBatch: async (topic: string) => {
        await state.appends
        own.isOpen = true
        lines.push(`${number} append ${topic}`)
        return { offset: 0 }
      },
      commitOffsets: async () => void lines.push(`${number} offsets`),
      commit: async () => {
        await state.commits
        own.isOpen = false
        lines.push(`${number} commit`)
      },
      abort: async () => {
        own.isOpen = false
        lines.push(`${number} abort`)
      },
      close: async () => void lines.push(`${number} close`),
    })
  }
  const log = { transactionalProducer: async () => producer(++state.made) } as unknown as Log
  let broken = 0
  const transactions = new Transactions({
    log,
    logger: createLogger('test', 'silent'),
    transactionalId: 'app-1',
    transactionTimeoutMs: 1000,
    broken: () => void broken++,
  })
  return { transactions, lines, state, broken: () => broken }
}

test('sends wait while the gate is closed, which waits for those under way; cuts do not', async () => {
  const { transactions, lines, state } = fixture()
  let go = (): void => undefined
  state.appends = new Promise<void>((resolve) => {
    go = resolve
  })
  const { sends, own } = transactions
  const first = sends.appendBatch('a', 0, batch)
  await settle()
  let isClosed = false
  const closing = transactions.closeGate().then(() => {
    isClosed = true
  })
  const second = sends.appendBatch('b', 0, batch)
  await settle()
  assert.equal(isClosed, false)
  go()
  await Promise.all([first, closing])
  state.appends = undefined
  await own.appendBatch('changelog', 0, batch)
  await transactions.commit(consumer, offsets)
  assert.deepEqual(lines.splice(0), ['1 append a', '1 append changelog', '1 offsets', '1 commit'])
  assert.equal(transactions.isOpen, false)
  transactions.openGate()
  await second
  assert.deepEqual(lines, ['1 append b'])
  assert.equal(transactions.isOpen, true)
})

test('after an append that failed nothing is committed, and sends are refused until all is back', async () => {
  const { transactions, lines, state, broken } = fixture()
  await transactions.start()
  state.appends = Promise.reject(new EuphorionError('LOG_FAILED', 'no answer'))
  const aborted = { code: 'TRANSACTION_ABORTED' }
  await assert.rejects(transactions.sends.appendBatch('a', 0, batch), aborted)
  assert.equal(broken(), 1)
  state.appends = undefined
  await assert.rejects(transactions.sends.appendBatch('a', 0, batch), aborted)
  await assert.rejects(transactions.commit(consumer, offsets), { code: 'LOG_FAILED' })
  await transactions.abort(new EuphorionError('LOG_FAILED', 'no answer'))
  await assert.rejects(transactions.sends.appendBatch('a', 0, batch), aborted)
  transactions.allowSends()
  await transactions.sends.appendBatch('b', 0, batch)
  assert.deepEqual(lines, ['1 abort', '1 append b'])
})

test('cuts that are made while senders go back change nothing for them', async () => {
  const { transactions, lines } = fixture()
  const refused = () =>
    assert.rejects(transactions.sends.appendBatch('a', 0, batch), { code: 'TRANSACTION_ABORTED' })
  const failure = new EuphorionError('LOG_FAILED', 'no answer')
  await transactions.start()
  await transactions.abort(failure)
  await transactions.closeGate()
  await transactions.commit(consumer, [])
  transactions.openGate()
  await refused()
  await transactions.closeGate()
  await transactions.abort(failure)
  transactions.allowSends()
  await refused()
  await transactions.closeGate()
  transactions.allowSends()
  let isSent = false
  const sending = transactions.sends.appendBatch('b', 0, batch).then(() => {
    isSent = true
  })
  await settle()
  assert.equal(isSent, false, 'the cut that is under way has its gate still')
  transactions.openGate()
  await sending
  assert.equal(lines.at(-1), '1 append b')
})

test('a record that is refused leaves the transaction as it is', async () => {
  const { transactions, state } = fixture()
  await transactions.start()
  state.appends = Promise.reject(new EuphorionError('RECORD_TOO_LARGE', 'no'))
  await assert.rejects(transactions.sends.appendBatch('a', 0, batch), { code: 'RECORD_TOO_LARGE' })
  state.appends = undefined
  await transactions.commit(consumer, offsets)
})

test('a producer that was fenced, or whose commit has no outcome, is replaced', async () => {
  for (const code of ['FENCED', 'LOG_FAILED'] as const) {
    const { transactions, lines, state } = fixture()
    await transactions.own.appendBatch('a', 0, batch)
    state.commits = Promise.reject(new EuphorionError(code, 'no'))
    await assert.rejects(transactions.commit(consumer, offsets), { code })
    await transactions.abort(new EuphorionError(code, 'no'))
    state.commits = undefined
    transactions.allowSends()
    await transactions.sends.appendBatch('b', 0, batch)
    assert.deepEqual(lines, ['1 append a', '1 offsets', '1 close', '2 append b'])
  }
})

test('a transaction that the log has aborted leaves its producer as good as before', async () => {
  const { transactions, lines, state } = fixture()
  await transactions.own.appendBatch('a', 0, batch)
  state.commits = Promise.reject(new EuphorionError('TRANSACTION_ABORTED', 'no'))
  await assert.rejects(transactions.commit(consumer, offsets), { code: 'TRANSACTION_ABORTED' })
  await transactions.abort(new EuphorionError('TRANSACTION_ABORTED', 'no'))
  assert.equal(state.made, 1)
  assert.equal(lines.at(-1), '1 abort')
})
