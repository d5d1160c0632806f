// What the log writes to Kafka is read back equal by kafkajs and by Kafka's own console consumer.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Random, seededRandom } from '../../src/clock.ts'
import { openKafkaLog } from '../../src/log/kafka/kafka_log.ts'
import { openKafkajsLog } from '../../src/log/kafkajs/kafkajs_log.ts'
import type { Log, LogRecord } from '../../src/log/log.ts'
import { type Compression, prepareCompression } from '../../src/wire/compression.ts'
import { lastKey, plain, readByKafkajs } from '../support/both_readers.ts'
import { crashSeed } from '../support/crash_lives.ts'
import { canStartKafka, consoleConsumer, useKafka } from '../support/kafka.ts'
import { createTopic } from '../support/kafka_admin.ts'
import { text, unique } from '../support/log.ts'

const codecs: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())
  const { brokers } = kafka

  describe('what is written', () => {
    let log: Log
    before(async () => {
      // It gives kafkajs the codecs that it has not.
      await (await openKafkajsLog({ brokers: brokers.split(',') })).close()
      for (const codec of codecs) await prepareCompression(codec)
      log = await openKafkaLog({
        brokers: brokers.split(','),
      })
    })
    after(() => log?.close())

    /** Writes batches of every codec; resolves with all records. */
    async function write(topic: string, makeRecords: () => LogRecord[]): Promise<LogRecord[]> {
      await createTopic(brokers, topic, { replicas: 1, config: { 'retention.ms': '-1' } })
      const written: LogRecord[] = []
      for (const compression of [...codecs, ...codecs]) {
        const producer = await log.producer({ compression })
        const batches = [makeRecords(), makeRecords(), makeRecords()]
        await Promise.all(batches.map((records) => producer.append(topic, 0, records)))
        await producer.close()
        written.push(...batches.flat())
      }
      return written
    }

    test('kafkajs reads every byte of it', async (t) => {
      const seed = crashSeed()
      t.diagnostic(`EUPHORION_TEST_SEED=${seed}`)
      const random = seededRandom(seed)
      const topic = unique('written')
      const written = await write(topic, () => randomRecords(random))
      const producer = await log.producer()
      const last = { key: text(lastKey), value: null, timestamp: 0 }
      assert.equal(await producer.append(topic, 0, [last]), written.length)
      await producer.close()
      const [found] = await readByKafkajs(brokers, topic, 1)
      const expected = [...written, last].map((record, offset) => plain({ ...record, offset }))
      assert.deepEqual(found, expected)
    })

    test("Kafka's console consumer reads it", async (t) => {
      if (!(await canStartKafka())) return t.diagnostic('no Java')
      const topic = unique('printed')
      let number = 0
      const written = await write(topic, () =>
        Array.from({ length: 20 }, (_, index) => ({
          key: index === 7 ? null : text(`key ${number++}`),
          value: index === 3 ? null : text(`ü€😀 ${number}`),
          timestamp: 1_600_000_000_000 + number,
          headers: index === 5 ? [{ key: 'name', value: text('value') }] : [],
        })),
      )
      const printed = await consoleConsumer(brokers, topic, written.length)
      const expected = written.map(({ timestamp, key, value, headers = [] }, offset) => {
        const named = headers.map((header) => `${header.key}:${header.value}`)
        const shown = named.length > 0 ? named.join() : 'NO_HEADERS'
        const place = `CreateTime:${timestamp}\tPartition:0\tOffset:${offset}`
        return `${place}\t${shown}\t${key ?? 'null'}\t${value ?? 'null'}`
      })
      assert.deepEqual(printed, expected)
    })
  })
}

function randomRecords(random: Random): LogRecord[] {
  const upTo = (max: number) => Math.floor(random() * max)
  const bytes = (max: number) => Buffer.from(Array.from({ length: upTo(max) }, () => upTo(256)))
  return Array.from({ length: 1 + upTo(50) }, () => ({
    key: random() < 0.3 ? null : bytes(30),
    value: random() < 0.2 ? null : bytes(random() < 0.02 ? 50_000 : 200),
    timestamp: 1_500_000_000_000 + upTo(1e9),
    headers: ['a', 'ключ', 'b'].slice(upTo(4)).map((key) => ({ key, value: bytes(9) })),
  }))
}
