// The same topic read through kafkajs and through the log gives the same records, whatever wrote
// it: codecs, transactions, gaps of compaction, Kafka's own times, a beginning in mid-batch.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type IHeaders, Kafka, logLevel, type Message, type Producer } from 'kafkajs'
import { type Random, seededRandom } from '../../src/clock.ts'
import { openKafkaLog } from '../../src/log/kafka/kafka_log.ts'
import { openKafkajsLog } from '../../src/log/kafkajs/kafkajs_log.ts'
import type { Log } from '../../src/log/log.ts'
import { prepareCompression } from '../../src/wire/compression.ts'
import { lastKey, readAlike, readByPages } from '../support/both_readers.ts'
import { crashSeed } from '../support/crash_lives.ts'
import { useKafka } from '../support/kafka.ts'
import { createTopic, until, withAdmin } from '../support/kafka_admin.ts'
import { unique } from '../support/log.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const codecNumbers = codecs.map((_, number) => number)
const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())
  const { brokers } = kafka
  const client = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })

  describe('read through kafkajs and through the log', () => {
    let log: Log
    before(async () => {
      // It gives kafkajs the codecs that it has not.
      await (await openKafkajsLog({ brokers: brokers.split(',') })).close()
      for (const name of codecs) await prepareCompression(name)
      log = await openKafkaLog({ brokers: brokers.split(',') })
    })
    after(() => log?.close())

    test('batches of every codec with nulls, headers and large values', async (t) => {
      const seed = crashSeed()
      t.diagnostic(`EUPHORION_TEST_SEED=${seed}`)
      const random = seededRandom(seed)
      const topic = unique('codecs')
      await createTopic(brokers, topic, { partitions: 2, replicas: 1, config: kept })
      await produce(client.producer({ idempotent: true }), async (producer) => {
        for (let turn = 0; turn < 4; turn++)
          for (const compression of codecNumbers)
            for (const partition of [0, 1]) {
              const messages = randomMessages(random, partition)
              await producer.send({ topic, compression, acks: -1, messages })
            }
        await sendLast(producer, topic, 2)
      })
      const records = await readAlike(brokers, log, topic, 2)
      assert.ok(records.every((each) => each.length > 100))
    })

    test('transactions that were committed, aborted, and both at once', async () => {
      const topic = unique('transactions')
      await createTopic(brokers, topic, { partitions: 2, replicas: 1, config: kept })
      const [one, two] = [0, 1].map((index) =>
        client.producer({ idempotent: true, transactionalId: `${topic}-${index}` }),
      )
      await produce(one, () =>
        produce(two, () =>
          produce(client.producer(), async (plain) => {
            for (const compression of codecNumbers)
              await interleave(topic, compression, one, two, plain)
            await sendLast(plain, topic, 2)
          }),
        ),
      )
      const records = await readAlike(brokers, log, topic, 2)
      const words = records.flat().map(([, , , value]) => String(Buffer.from(value ?? '', 'hex')))
      assert.equal(words.filter((word) => word === 'aborted').length, 0)
      assert.equal(words.filter((word) => word === 'committed').length, codecs.length * 2 * 10)
      assert.equal(words.filter((word) => word === 'outside').length, codecs.length * 2 * 3)
    })

    test('an open transaction holds back what is behind it until it ends', async () => {
      const topic = unique('open')
      await createTopic(brokers, topic, { replicas: 1, config: kept })
      const open = client.producer({ idempotent: true, transactionalId: topic })
      await produce(open, () =>
        produce(client.producer(), async (plain) => {
          await plain.send({ topic, messages: messages('before', 2, 0) })
          const transaction = await open.transaction()
          await transaction.send({ topic, messages: messages('inside', 2, 0) })
          await plain.send({ topic, messages: messages('behind', 2, 0) })
          const held = await log.read(topic, 0, 0)
          assert.deepEqual(
            held.map(({ offset }) => offset),
            [0, 1],
          )
          await transaction.commit()
          await sendLast(plain, topic, 1)
        }),
      )
      const [records] = await readAlike(brokers, log, topic, 1)
      const words = records.map(([, , , value]) => String(Buffer.from(value ?? '', 'hex')))
      assert.deepEqual(words, ['before', 'before', 'inside', 'inside', 'behind', 'behind', 'end'])
    })

    test('times that Kafka set', async () => {
      const topic = unique('append-time')
      const config = { ...kept, 'message.timestamp.type': 'LogAppendTime' }
      await createTopic(brokers, topic, { replicas: 1, config })
      await produce(client.producer(), async (producer) => {
        for (const compression of codecNumbers)
          await producer.send({ topic, compression, messages: messages('timed', 5, 0) })
        await sendLast(producer, topic, 1)
      })
      const [records] = await readAlike(brokers, log, topic, 1)
      assert.ok(records.every(([, timestamp]) => timestamp > 1_700_000_000_000 + 1e10))
    })

    test('a compacted topic, with batches of which nothing is left', async () => {
      const topic = unique('compacted')
      const config = {
        'cleanup.policy': 'compact',
        'segment.ms': '1',
        'min.cleanable.dirty.ratio': '0.001',
        'min.compaction.lag.ms': '0',
        'delete.retention.ms': '60000',
      }
      await createTopic(brokers, topic, { replicas: 1, config })
      await produce(client.producer({ idempotent: true }), async (producer) => {
        for (let turn = 0; turn < 12; turn++) {
          const keys = [0, 1, 2, turn].map((key) => ({ key: `k${key}`, value: `v${turn}` }))
          const compression = turn % codecs.length
          await producer.send({ topic, acks: -1, compression, messages: keys })
        }
        await sendLast(producer, topic, 1)
      })
      // All of it, else it goes on between the two readers; the newest segments are left alone.
      await until('compaction', async () => {
        const [records] = await readByPages(log, topic, 1)
        const keys = records.map(([, , key]) => key).slice(0, -9)
        return records[0][0] > 0 && new Set(keys).size === keys.length
      })
      const [records] = await readAlike(brokers, log, topic, 1)
      assert.ok(records.length < 30, `${records.length} are left`)
    })

    test('a topic whose first records were deleted in the middle of a batch', async () => {
      const topic = unique('cut-off')
      await createTopic(brokers, topic, { replicas: 1, config: kept })
      await produce(client.producer(), async (producer) => {
        for (const compression of codecNumbers)
          await producer.send({ topic, compression, messages: messages('kept', 100, 0) })
        await sendLast(producer, topic, 1)
      })
      const partitions = [{ partition: 0, offset: '150' }]
      await withAdmin(brokers, async (admin) => {
        // Without this kafkajs does not know the leader that it is to ask.
        await admin.fetchTopicOffsets(topic)
        await admin.deleteTopicRecords({ topic, partitions })
      })
      const [records] = await readAlike(brokers, log, topic, 1)
      assert.equal(records[0][0], 150)
      assert.equal(records.length, 351)
    })
  })
}

/** Records of the past are not deleted. */
const kept = { 'retention.ms': '-1', 'max.message.bytes': '4000000' }

async function produce(producer: Producer, use: (producer: Producer) => Promise<void>) {
  await producer.connect()
  try {
    await use(producer)
  } finally {
    await producer.disconnect()
  }
}

function messages(value: string, count: number, partition: number): Message[] {
  return Array.from({ length: count }, (_, index) => ({
    partition,
    key: `k${index}`,
    value,
    timestamp: String(1_600_000_000_000 + index),
  }))
}

async function sendLast(producer: Producer, topic: string, partitions: number): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) {
    const last = { partition, key: lastKey, value: 'end', timestamp: '1700000000000' }
    await producer.send({ topic, acks: -1, messages: [last] })
  }
}

/** A transaction that is committed beside one that is aborted, and records of neither. */
async function interleave(
  topic: string,
  compression: number,
  one: Producer,
  two: Producer,
  plain: Producer,
): Promise<void> {
  const [kept, lost] = [await one.transaction(), await two.transaction()]
  const send = async (to: Pick<Producer, 'send'>, value: string, count: number) => {
    for (const partition of [0, 1])
      await to.send({ topic, compression, acks: -1, messages: messages(value, count, partition) })
  }
  await send(lost, 'aborted', 7)
  await send(kept, 'committed', 4)
  await send(plain, 'outside', 3)
  await send(lost, 'aborted', 2)
  await send(kept, 'committed', 6)
  if (compression % 2 === 0) {
    await lost.abort()
    await kept.commit()
  } else {
    await kept.commit()
    await lost.abort()
  }
  const alone = await two.transaction()
  await send(alone, 'aborted', 1)
  await alone.abort()
}

function randomMessages(random: Random, partition: number): Message[] {
  const upTo = (max: number) => Math.floor(random() * max)
  const bytes = (max: number) => Buffer.from(Array.from({ length: upTo(max) }, () => upTo(256)))
  const large = random() < 0.2 ? upTo(60) : -1
  return Array.from({ length: 1 + upTo(60) }, (_, index) => {
    const headers: IHeaders = {}
    for (let left = upTo(4); left > 0; left--) {
      const name = ['a', 'ключ', 'b', ''][upTo(4)]
      headers[name] = random() < 0.3 ? [bytes(5), bytes(5)] : bytes(9)
    }
    return {
      partition,
      key: random() < 0.3 ? null : bytes(20),
      value:
        index === large ? Buffer.alloc(upTo(300_000), index) : random() < 0.2 ? null : bytes(200),
      headers,
      timestamp: String(1_500_000_000_000 + upTo(1e9)),
    }
  })
}
