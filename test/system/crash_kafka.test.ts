// Workers that aggregate page views of a real Kafka through kafkajs are killed with kill -9 in the
// middle of batches and of cuts, ten times in a row; no cell is wrong.
import { after, test } from 'node:test'
import { inDirectory } from '../support/crash_lives.ts'
import { tryCrashes } from '../support/crash_trial.ts'
import { useKafka } from '../support/kafka.ts'

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())
  test('W1 on Kafka: after ten times kill -9 every cell is exact', (t) =>
    inDirectory((directory) =>
      tryCrashes(t, directory, {
        broker: `kafka://${kafka.brokers}`,
        kills: 10,
        views: { events: 200_000, batchRecords: 500, seed: 21 },
        tables: ['w1'],
        // A group waits so long for a member that was killed; 6 s is the least of usual brokers.
        settings: { sessionTimeoutMs: process.env.KAFKA_BROKERS ? '6s' : '1s' },
      }),
    ))
}
