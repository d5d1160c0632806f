// A process with a transactional producer: takes one transaction, says so, and takes more when its
// standard input ends; says each outcome as a line. Spawned by TransactionProcess.
import { openKafkaLog } from '../../src/log/kafka/kafka_log.ts'
import { TransactionLedger } from './transaction_ledger.ts'
import type { TransactionChoice } from './transaction_process.ts'

const { brokers, place, transactionalId, versionsMax, transactions } = JSON.parse(
  process.argv[2],
) as TransactionChoice
const log = await openKafkaLog({
  brokers: [brokers],
  consumers: { sessionTimeoutMs: 2000, heartbeatIntervalMs: 300 },
  ...(versionsMax && { versionsMax }),
})
const ledger = new TransactionLedger(place)
const consumer = await ledger.join(log)
const producer = await log.transactionalProducer({ transactionalId, transactionTimeoutMs: 60_000 })
const take = async () => console.log(await ledger.run(producer, consumer))
await take()
for await (const _ of process.stdin);
for (let turn = 1; turn < transactions; turn++) await take()
await producer.close()
await consumer.close()
await log.close()
