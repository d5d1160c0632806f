// The contract of `Log` through kafkajs, on a real Kafka.
import { after } from 'node:test'
import { openKafkajsLog } from '../../src/log/kafkajs/kafkajs_log.ts'
import { logContract } from '../contract/log.ts'
import { useKafka } from '../support/kafka.ts'

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())
  logContract(
    'kafkajs',
    async () => {
      const log = await openKafkajsLog({ brokers: kafka.brokers.split(',') })
      return { log, dispose: () => log.close() }
    },
    { compressions: ['none', 'gzip', 'snappy', 'lz4', 'zstd'] },
  )
}
