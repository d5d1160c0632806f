// The contract of `Log` by Kafka's own protocol: on the broker that all tests share, signed in over
// TLS on an older one, and in the versions of requests that brokers of 2.5 had.
import { readFileSync } from 'node:fs'
import { after } from 'node:test'
import { type KafkaLogOptions, openKafkaLog } from '../../src/log/kafka/kafka_log.ts'
import { prepareCompression } from '../../src/wire/compression.ts'
import { type LogContractOptions, logContract } from '../contract/log.ts'
import { canStartKafka, startKafka, useKafka } from '../support/kafka.ts'
import { testUser } from '../support/kafka_properties.ts'

const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
for (const codec of compressions) await prepareCompression(codec)
const { decompress, codecNames } = await import('../../src/wire/compression.ts')
const inflate: LogContractOptions['inflate'] = (codec, bytes) =>
  decompress(codecNames[codec]!, bytes, 64 * 1024 * 1024)

function contract(name: string, options: KafkaLogOptions): void {
  logContract(
    name,
    async () => {
      const log = await openKafkaLog(options)
      return { log, dispose: () => log.close() }
    },
    { compressions, inflate, transactions: true },
  )
}

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())
  contract('kafka', { brokers: kafka.brokers.split(',') })
}

if (await canStartKafka('3.9.1')) {
  const older = await startKafka({
    version: '3.9.1',
    listeners: { SECURE: { tls: true, sasl: ['SCRAM-SHA-512'] } },
  })
  after(() => older.stop())
  contract('kafka, 3.9.1, TLS and SCRAM-SHA-512', {
    brokers: [older.addresses('SECURE')],
    tls: { ca: readFileSync(older.caFile, 'utf8') },
    sasl: { mechanism: 'scram-sha-512', ...testUser },
  })
}
