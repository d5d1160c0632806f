// What the Kafka driver asks by its own protocol, on a real Kafka: topics, offsets, groups' offsets
// and single reads, written by kafkajs.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openKafkaLog } from '../../src/log/kafka/kafka_log.ts'
import { openKafkajsLog } from '../../src/log/kafkajs/kafkajs_log.ts'
import type { Log } from '../../src/log/log.ts'
import { useKafka } from '../support/kafka.ts'
import {
  appendTo,
  numbered,
  openConsumer,
  rejectsWith,
  text,
  unique,
  values,
} from '../support/log.ts'

const kafka = await useKafka()
if (kafka) describe('the Kafka driver without producers and consumers', () => tests(kafka.brokers))

function tests(brokers: string): void {
  let log: Log
  let writer: Log
  before(async () => {
    log = await openKafkaLog({ brokers: brokers.split(',') })
    writer = await openKafkajsLog({ brokers: brokers.split(',') })
  })
  after(async () => {
    await log.close()
    await writer.close()
    await kafka?.stop()
  })
  const newTopic = async (partitions = 1): Promise<string> => {
    const topic = unique('wire')
    await log.createTopic(topic, { partitions, config: { retentionMs: -1 } })
    return topic
  }

  test('a topic is created once, and listed by name', async () => {
    const topic = await newTopic(3)
    assert.equal(await log.createTopic(topic, { partitions: 5 }), false)
    const { id, ...info } = await log.topic(topic)
    assert.match(id ?? '', /^[\w-]{22}$/)
    assert.deepEqual(info, { name: topic, partitions: 3 })
    const names = (await log.topics()).map((info) => info.name)
    assert.ok(names.includes(topic))
    assert.deepEqual(names, [...names].sort())
  })

  test('an unknown topic or partition is a coded error everywhere', async () => {
    const topic = unique('never')
    const unknown = rejectsWith('TOPIC_UNKNOWN')
    await assert.rejects(log.topic(topic), unknown)
    await assert.rejects(log.offsets(topic), unknown)
    await assert.rejects(log.committed('group', topic), unknown)
    await assert.rejects(log.read(topic, 0, 0), unknown)
    await assert.rejects(log.deleteTopic(topic), unknown)
    await assert.rejects(log.read(await newTopic(2), 2, 0), unknown)
    for (const name of ['', 'a b', 'ü', '..', 'x'.repeat(250)])
      await assert.rejects(log.createTopic(name, { partitions: 1 }), rejectsWith('TOPIC_INVALID'))
  })

  test('a deleted topic is gone, and its name can be used again', async () => {
    const topic = await newTopic()
    await appendTo(writer, topic, 0, numbered(3))
    await log.deleteTopic(topic)
    await assert.rejects(log.topic(topic), rejectsWith('TOPIC_UNKNOWN'))
    assert.equal(await log.createTopic(topic, { partitions: 2 }), true)
    assert.deepEqual(await log.offsets(topic), [
      { partition: 0, earliest: 0, latest: 0 },
      { partition: 1, earliest: 0, latest: 0 },
    ])
  })

  test('offsets move with what is appended', async () => {
    const topic = await newTopic(2)
    await appendTo(writer, topic, 1, numbered(5))
    assert.deepEqual(await log.offsets(topic), [
      { partition: 0, earliest: 0, latest: 0 },
      { partition: 1, earliest: 0, latest: 5 },
    ])
  })

  test('read begins at the offset, and is empty at the end', async () => {
    const topic = await newTopic()
    await appendTo(writer, topic, 0, numbered(10))
    const stored = await log.read(topic, 0, 7)
    assert.deepEqual(values(stored), ['v7', 'v8', 'v9'])
    assert.deepEqual(stored, numbered(3, 'v', 7).map(asStored))
    assert.deepEqual(await log.read(topic, 0, 10), [])
    await assert.rejects(log.read(topic, 0, 11), rejectsWith('OFFSET_OUT_OF_RANGE'))
  })

  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const)
    test(`${compression} batches are read as they were, and batches larger than asked for`, async () => {
      const topic = await newTopic()
      const producer = await writer.producer({ compression })
      const records = numbered(500, 'compressible value ')
      await producer.append(topic, 0, records)
      await producer.append(topic, 0, [
        {
          key: null,
          value: text('small'),
          timestamp: 7,
          headers: [{ key: 'h', value: text('1') }],
        },
      ])
      await producer.close()
      assert.equal((await log.read(topic, 0, 0, 10)).length, 500)
      const last = await log.read(topic, 0, 499)
      assert.deepEqual(values(last), ['compressible value 499', 'small'])
      assert.deepEqual(last[1].headers?.[0].key, 'h')
    })

  test('offsets that a group has committed are found', async () => {
    const topic = await newTopic(3)
    const groupId = unique('group')
    const consumer = await openConsumer(writer, [topic], { groupId })
    const joined = consumer.fetch(new Uint8Array(1000), () => true)
    await appendTo(writer, topic, 1, numbered(3))
    await joined
    await consumer.commit([{ topic, partition: 1, offset: 2 }])
    assert.deepEqual(await log.committed(groupId, topic), new Map([[1, 2]]))
    assert.deepEqual(await log.committed(unique('group'), topic), new Map())
    await consumer.close()
  })
}

function asStored(record: ReturnType<typeof numbered>[number], index: number) {
  const { key, value, timestamp } = record
  const bytes = (each: Uint8Array | null) => each && new Uint8Array(each)
  return { offset: 7 + index, key: bytes(key), value: bytes(value), timestamp }
}
