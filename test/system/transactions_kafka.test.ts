// Transactions on a real Kafka while connections break, processes are killed and brokers go: each
// has one outcome, which its caller is told. In both versions of the protocol.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { deferred } from '../../src/deferred.ts'
import { type KafkaLogOptions, openKafkaLog } from '../../src/log/kafka/kafka_log.ts'
import { canStartKafka, startKafka } from '../support/kafka.ts'
import { unique } from '../support/log.ts'
import { FaultProxy, type FrameFault, type ProxiedFrame } from '../support/proxy.ts'
import { TransactionLedger } from '../support/transaction_ledger.ts'
import { TransactionProcess } from '../support/transaction_process.ts'

const versions: Record<string, KafkaLogOptions['versionsMax']> = {
  second: {},
  first: { EndTxn: 4 },
}
/** Produce, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, TxnOffsetCommit. */
const keys = new Set([0, 24, 25, 26, 28])
const produceKey = 0
const transactionTimeoutMs = 30_000
const partitions = 2

if (await canStartKafka()) {
  const proxy = await FaultProxy.open(1)
  const listeners = { FAULTY: { advertisedPorts: proxy.ports } }
  const kafka = await startKafka({ listeners })
  proxy.lead(kafka.ports('FAULTY'))
  after(async () => {
    await proxy.close()
    await kafka.stop()
  })
  const faulty = kafka.addresses('FAULTY')
  const limit = { timeout: 180_000 }

  const newLedger = async (log: Awaited<ReturnType<typeof openKafkaLog>>) => {
    const topic = unique('ledger')
    await log.createTopic(topic, { partitions })
    return new TransactionLedger({ topic, partitions, groupId: unique('group') })
  }

  /** The fault for the frame of that number, of those that belong to a transaction. */
  function atFrame(number: number, fault: (frame: ProxiedFrame) => FrameFault) {
    const state = { isHit: false }
    let frames = 0
    const rule = (frame: ProxiedFrame) => {
      if (!keys.has(frame.apiKey) || frames++ !== number) return undefined
      state.isHit = true
      return fault(frame)
    }
    proxy.rules = { request: rule, response: rule }
    return state
  }

  for (const [version, versionsMax] of Object.entries(versions)) {
    describe(`transactions of the ${version} version`, () => {
      const cuts: Record<string, (frame: ProxiedFrame) => FrameFault> = {
        'before it': () => ({ cutAfter: 0 }),
        'in its middle': ({ bytes }) => ({ cutAfter: bytes >> 1 }),
        'behind it': ({ bytes }) => ({ cutAfter: bytes }),
      }
      for (const [where, cut] of Object.entries(cuts))
        test(`a connection that ends at any frame, ${where}, changes nothing`, limit, async () => {
          proxy.rules = {}
          const log = await openKafkaLog({ brokers: [faulty], versionsMax })
          const ledger = await newLedger(log)
          const consumer = await ledger.join(log)
          const options = { transactionalId: unique('id'), transactionTimeoutMs }
          const producer = await log.transactionalProducer(options)
          for (let frame = 0; ; frame++) {
            const state = atFrame(frame, cut)
            assert.equal(await ledger.run(producer, consumer), 'committed', String(ledger.errors))
            if (!state.isHit) break
          }
          proxy.rules = {}
          const counting = await ledger.check(log)
          assert.ok(counting.length > (version === 'first' ? 10 : 6))
          await Promise.all([producer.close(), consumer.close()])
          await log.close()
        })

      test('a process killed at any frame leaves all of a transaction or nothing', limit, () =>
        killAtEachFrame(versionsMax),
      )

      test('a member that slept while its group went on commits nothing', limit, () =>
        sleepThroughItsSession(versionsMax),
      )
    })
  }

  const processOptions = (versionsMax: KafkaLogOptions['versionsMax']) => ({
    brokers: faulty,
    transactions: 3,
    ...(versionsMax && { versionsMax }),
  })

  /** Nobody fences its producer: the group alone has to (KIP-447). */
  async function sleepThroughItsSession(versionsMax: KafkaLogOptions['versionsMax']) {
    proxy.rules = {}
    const log = await openKafkaLog({ brokers: [kafka.brokers] })
    const ledger = await newLedger(log)
    const { place } = ledger
    const child = await TransactionProcess.start(
      { ...processOptions(versionsMax), place, transactionalId: unique('id') },
      ledger.outcomes,
    )
    const asleep = deferred()
    proxy.rules = {
      response: ({ apiKey }) => {
        if (apiKey !== produceKey) return undefined
        child.pause()
        asleep.resolve()
        return undefined
      },
    }
    const finished = child.finish()
    await asleep.promise
    proxy.rules = {}
    const consumer = await ledger.join(log)
    child.resume()
    await finished
    assert.deepEqual(ledger.outcomes, ['committed', 'aborted', 'aborted'])
    assert.deepEqual(await ledger.check(log), [0])
    await consumer.close()
    await log.close()
  }

  async function killAtEachFrame(versionsMax: KafkaLogOptions['versionsMax']): Promise<void> {
    const log = await openKafkaLog({ brokers: [kafka.brokers] })
    const isKilledAt = async (frame: number): Promise<boolean> => {
      proxy.rules = {}
      const ledger = await newLedger(log)
      const transactionalId = unique('id')
      const { place } = ledger
      const child = await TransactionProcess.start(
        { ...processOptions(versionsMax), place, transactionalId },
        ledger.outcomes,
      )
      const state = atFrame(frame, ({ bytes }) => {
        child.kill()
        // what was being sent arrives, or does not
        return { cutAfter: frame % 2 === 0 ? bytes : 0 }
      })
      await child.finish()
      await log.fence(transactionalId)
      await ledger.check(log)
      return state.isHit
    }
    let frames = 0
    while (await isKilledAt(frames)) frames++
    assert.ok(frames >= 12)
    await log.close()
  }
}
