// Transactions on three brokers, or one, while they are stopped, killed and frozen: coordinators
// and leaders move in the middle of transactions. What callers were told is what the log has.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { EuphorionError } from '../../src/errors.ts'
import { openKafkaLog } from '../../src/log/kafka/kafka_log.ts'
import type { Log, TransactionalProducer } from '../../src/log/log.ts'
import { canStartKafka, type KafkaCluster, startKafka } from '../support/kafka.ts'
import { unique } from '../support/log.ts'
import { TransactionLedger } from '../support/transaction_ledger.ts'

const transactionTimeoutMs = 20_000
const partitions = 3
const limit = { timeout: 240_000 }

/** Takes transactions, as a worker does, until it is stopped; a producer that is of no use goes. */
async function takeTransactions(log: Log, ledger: TransactionLedger, signal: AbortSignal) {
  const consumer = await ledger.join(log)
  const transactionalId = unique('id')
  let producer: TransactionalProducer | undefined
  while (!signal.aborted) {
    try {
      producer ??= await log.transactionalProducer({ transactionalId, transactionTimeoutMs })
    } catch (error) {
      assert.ok(error instanceof EuphorionError && error.retriable, String(error))
      continue
    }
    const outcome = await ledger.run(producer, consumer)
    if (outcome === 'unknown' || producer.isOpen) {
      await producer.close()
      producer = undefined
    }
  }
  await producer?.close()
  await consumer.close()
}

async function during(
  t: TestContext,
  kafka: KafkaCluster,
  faults: () => Promise<void>,
): Promise<void> {
  const log = await openKafkaLog({ brokers: kafka.brokers.split(','), requestTimeoutMs: 5000 })
  const topic = unique('ledger')
  await log.createTopic(topic, { partitions })
  const ledger = new TransactionLedger({ topic, partitions, groupId: unique('group') })
  const stop = new AbortController()
  const taken = takeTransactions(log, ledger, stop.signal)
  const committed = (count: number) => async () => {
    const before = ledger.outcomes.length
    while (ledger.outcomes.slice(before).filter((each) => each === 'committed').length < count)
      await Promise.race([wait(20), taken])
  }
  await committed(20)()
  await faults()
  await committed(20)()
  stop.abort()
  await taken
  const count = (outcome: string) => ledger.outcomes.filter((each) => each === outcome).length
  t.diagnostic(
    `${count('committed')} committed, ${count('aborted')} aborted, ${count('unknown')} ?`,
  )
  const counting = await ledger.check(log)
  assert.ok(counting.length >= 40)
  await log.close()
}

if (await canStartKafka()) {
  describe('transactions while', () => {
    test('the only broker is killed and started', limit, async (t) => {
      const kafka = await startKafka()
      try {
        await during(t, kafka, async () => {
          const [node] = kafka.nodes
          await node.kill()
          await node.start()
        })
      } finally {
        await kafka.stop()
      }
    })

    test('three brokers are stopped, killed and frozen, one after the other', limit, async (t) => {
      const kafka = await startKafka({
        brokers: 3,
        properties: { 'min.insync.replicas': 2, 'transaction.state.log.min.isr': 2 },
      })
      try {
        await during(t, kafka, async () => {
          const [first, second, third] = kafka.nodes
          await first.stop()
          await first.start()
          await second.kill()
          await second.start()
          third.pause()
          await wait(4000)
          third.resume()
        })
      } finally {
        await kafka.stop()
      }
    })
  })
}
