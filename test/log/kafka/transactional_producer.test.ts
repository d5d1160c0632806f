// The transactional producer against a coordinator and leaders in memory: what it asks in which
// order, under which numbers it writes, and what callers hear of each error. What real brokers make
// of it is in the contract and in the system tests.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EuphorionError } from '../../../src/errors.ts'
import { KafkaTransactionalProducer } from '../../../src/log/kafka/transactional_producer.ts'
import { brokerCode } from '../../../src/wire/broker_code.ts'
import { rejectsWith } from '../../support/log.ts'
import { ModelCoordinator } from '../../support/model_coordinator.ts'

const {
  CONCURRENT_TRANSACTIONS,
  INVALID_TXN_STATE,
  NOT_COORDINATOR,
  PRODUCER_FENCED,
  TOPIC_AUTHORIZATION_FAILED,
  TRANSACTION_ABORTABLE,
  UNKNOWN_SERVER_ERROR,
} = brokerCode

async function open({ partitions = 2, isSecond = false } = {}) {
  const cluster = new ModelCoordinator(partitions, isSecond)
  const options = { transactionalId: 'id', transactionTimeoutMs: 1000 }
  const producer = await KafkaTransactionalProducer.open(cluster, options, () => {})
  const put = (partition: number, value: string) =>
    producer.append('t', partition, [{ key: null, value: Buffer.from(value), timestamp: 0 }])
  /** epoch:number of each batch. */
  const numbers = () => cluster.sent.map(({ epoch, sequence }) => `${epoch}:${sequence}`)
  return { cluster, producer, put, numbers }
}

describe('what is asked', () => {
  test('first version: partitions are added in one request, and numbers go on', async () => {
    const { cluster, producer, put, numbers } = await open()
    await Promise.all([put(0, 'a'), put(1, 'b')])
    await put(0, 'c')
    await producer.commit()
    await put(0, 'd')
    await producer.commit()
    assert.deepEqual(cluster.asked, ['init', 'add 0 1', 'commit 1', 'add 0', 'commit 1'])
    assert.deepEqual(cluster.requests, [[0, 1], [0], [0]])
    assert.deepEqual(numbers(), ['1:0', '1:0', '1:1', '1:2'])
  })

  test('second version: nothing is added, and each transaction has its epoch', async () => {
    const { cluster, producer, put, numbers } = await open({ isSecond: true })
    await Promise.all([put(0, 'a'), put(1, 'b')])
    await producer.commit()
    await put(0, 'c')
    await producer.abort()
    await put(0, 'd')
    await producer.commit()
    assert.deepEqual(cluster.asked, ['init', 'commit 1', 'abort 2', 'commit 3'])
    assert.deepEqual(numbers(), ['1:0', '1:0', '2:0', '3:0'])
  })

  test('second version: partitions of several brokers are added beforehand', async () => {
    const { cluster, producer, put } = await open({ partitions: 3, isSecond: true })
    cluster.partitions[1].leader = 1
    await cluster.refresh()
    await Promise.all([put(0, 'a'), put(1, 'b')])
    await put(2, 'c')
    await producer.commit()
    await put(2, 'd')
    await producer.commit()
    assert.deepEqual(cluster.asked, ['init', 'add 0 1', 'add 2', 'commit 1', 'commit 2'])
  })

  test('a transaction that nothing came of asks nobody', async () => {
    const { cluster, producer } = await open()
    await producer.commit()
    await assert.rejects(producer.append('other', 0, [record]), rejectsWith('TOPIC_UNKNOWN'))
    await producer.commit()
    await producer.close()
    assert.deepEqual(cluster.asked, ['init'])
  })

  test('first version: after a batch in doubt the epoch is raised, else not', async () => {
    const { cluster, producer, put, numbers } = await open()
    await put(0, 'a')
    await producer.abort()
    await put(0, 'b')
    cluster.fault = () => ({ errorCode: brokerCode.INVALID_TXN_STATE })
    await assert.rejects(put(0, 'c'), rejectsWith('REQUEST_REFUSED'))
    cluster.fault = () => undefined
    await assert.rejects(put(1, 'late'), rejectsWith('TRANSACTION_ABORTED'))
    await assert.rejects(producer.commit(), rejectsWith('TRANSACTION_ABORTED'))
    await put(0, 'd')
    await producer.commit()
    const ends = ['abort 1', 'add 0', 'abort 1', 'raise 1', 'add 0', 'commit 2']
    assert.deepEqual(cluster.asked, ['init', 'add 0', ...ends])
    assert.deepEqual(numbers(), ['1:0', '1:1', '1:2', '2:0'])
  })
})

const record = { key: null, value: Buffer.from('x'), timestamp: 0 }

describe('what the coordinator says of an end', () => {
  for (const isSecond of [false, true]) {
    const version = isSecond ? 'second' : 'first'

    test(`${version} version: it is asked until it has an answer`, async () => {
      const { cluster, producer, put } = await open({ isSecond })
      await put(0, 'a')
      cluster.errors.EndTxn = [CONCURRENT_TRANSACTIONS, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS]
      await producer.commit()
      assert.deepEqual(cluster.asked.slice(-4), new Array(4).fill('commit 1'))
    })

    test(`${version} version: it has no such transaction, or a broken one`, async () => {
      for (const error of [INVALID_TXN_STATE, TRANSACTION_ABORTABLE]) {
        const { cluster, producer, put } = await open({ isSecond })
        await put(0, 'a')
        cluster.errors.EndTxn = [error]
        await assert.rejects(producer.commit(), rejectsWith('TRANSACTION_ABORTED'))
        assert.equal(producer.isOpen, false)
        await put(0, 'b')
        await producer.commit()
      }
    })

    test(`${version} version: another has the id`, async () => {
      const { cluster, producer, put } = await open({ isSecond })
      await put(0, 'a')
      cluster.errors.EndTxn = [PRODUCER_FENCED]
      await assert.rejects(producer.commit(), rejectsWith('FENCED'))
      await assert.rejects(put(0, 'b'), rejectsWith('FENCED'))
      await assert.rejects(producer.commit(), rejectsWith('FENCED'))
      await producer.abort()
      await producer.close()
      assert.deepEqual(cluster.asked.at(-1), 'commit 1')
    })

    test(`${version} version: nobody knows whether a transaction counts`, async () => {
      for (const errors of [[UNKNOWN_SERVER_ERROR], new Array(20).fill(NOT_COORDINATOR)]) {
        const { cluster, producer, put } = await open({ isSecond })
        await put(0, 'a')
        cluster.errors.EndTxn = errors
        await assert.rejects(producer.commit(), rejectsWith('LOG_FAILED'))
        await assert.rejects(put(0, 'b'), rejectsWith('LOG_FAILED'))
        await assert.rejects(producer.commit(), rejectsWith('LOG_FAILED'))
      }
    })
  }

  test('an abort that nobody answers can be asked for again', async () => {
    const { cluster, producer, put } = await open()
    await put(0, 'a')
    cluster.errors.EndTxn = new Array(10).fill(NOT_COORDINATOR)
    await assert.rejects(producer.abort(), rejectsWith('LOG_FAILED'))
    assert.equal(producer.isOpen, true)
    await producer.abort()
    assert.equal(producer.isOpen, false)
    await put(0, 'b')
    await producer.commit()
  })
})

describe('what the coordinator says of partitions', () => {
  test('one that may not be written takes the transaction with it', async () => {
    const { cluster, producer, put } = await open()
    cluster.errors.AddPartitionsToTxn = [TOPIC_AUTHORIZATION_FAILED]
    const [first, second] = await Promise.allSettled([put(0, 'a'), put(1, 'b')])
    for (const each of [first, second]) {
      assert.ok(each.status === 'rejected' && each.reason instanceof EuphorionError)
      assert.ok(['ACCESS_DENIED', 'TRANSACTION_ABORTED'].includes(each.reason.code))
    }
    await assert.rejects(producer.commit(), rejectsWith('TRANSACTION_ABORTED'))
    assert.deepEqual(cluster.sent, [])
    await put(0, 'c')
    await producer.commit()
    assert.deepEqual(cluster.partitions[0].values, ['c'])
  })

  test('while the transaction before is being finished it is asked again', async () => {
    const { cluster, producer, put } = await open()
    cluster.errors.AddPartitionsToTxn = [CONCURRENT_TRANSACTIONS, CONCURRENT_TRANSACTIONS]
    await put(0, 'a')
    await producer.commit()
    assert.deepEqual(cluster.asked, ['init', 'add 0', 'add 0', 'add 0', 'commit 1'])
  })

  test('another has the id', async () => {
    const { cluster, producer, put } = await open()
    cluster.errors.AddPartitionsToTxn = [PRODUCER_FENCED]
    await assert.rejects(put(0, 'a'), rejectsWith('FENCED'))
    await assert.rejects(producer.commit(), rejectsWith('FENCED'))
    await producer.abort()
    assert.equal(producer.isOpen, false)
  })
})
