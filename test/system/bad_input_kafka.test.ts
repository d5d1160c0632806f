// Bad input on a real Kafka.
import { after } from 'node:test'
import { badInputContract } from '../contract/bad_input.ts'
import { useKafka } from '../support/kafka.ts'

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())
  badInputContract('Kafka', (dataDir) => ({ broker: `kafka://${kafka.brokers}`, dataDir }))
}
