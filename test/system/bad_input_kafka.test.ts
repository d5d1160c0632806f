// Bad input on a real Kafka.
import { after } from 'node:test'
import { badInputContract } from '../contract/bad_input.ts'
import { lostTopicsContract } from '../contract/lost_topics.ts'
import { useKafka } from '../support/kafka.ts'

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())
  const place = (dataDir: string) => ({ broker: `kafka://${kafka.brokers}`, dataDir })
  badInputContract('Kafka', place)
  lostTopicsContract('Kafka', place)
}
