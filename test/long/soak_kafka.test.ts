// Two hundred million page views from Kafka through one worker: its resident memory does not grow
// once it is warm, and nothing stands still. They are compressed, or they would take 20 GB.
import { after, test } from 'node:test'
import { useKafka } from '../support/kafka.ts'
import { unique } from '../support/log.ts'
import { soak } from '../support/soak.ts'

const EVENTS = Number(process.env.EUPHORION_TEST_EVENTS ?? 200_000_000)
const SAMPLES = 50

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())
  test(`W1 over ${EVENTS / 1e6} million events from Kafka keeps its memory`, (t) =>
    soak(t, {
      broker: () => `kafka://${kafka.brokers}`,
      topic: unique('page-views'),
      views: { events: EVENTS, compression: 'lz4' },
      every: EVENTS / SAMPLES,
    }))
}
