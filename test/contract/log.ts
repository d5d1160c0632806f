// What every driver of `Log` must do. Run with logContract(name, make) on the embedded log (unit
// tests) and on kafkajs against a real Kafka (system tests); the consumer's half is in
// log_consumer.ts.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type {
  Compression,
  Log,
  LogRecord,
  StoredRecord,
  TopicConfig,
  TopicInfo,
} from '../../src/log/log.ts'
import { prepareCompression } from '../../src/wire/compression.ts'
import { encodeBatch } from '../../src/wire/record_batch.ts'
import { appendTo, numbered, rejectsWith, text, unique, values } from '../support/log.ts'
import type { Inflate } from '../support/record_batch.ts'
import { consumerContract } from './log_consumer.ts'
import { groupContract } from './log_group.ts'
import { subscribeContract } from './log_subscribe.ts'
import { transactionsContract } from './log_transactions.ts'

export interface LogContractOptions {
  /** The codecs that are installed; each is written and read back. */
  readonly compressions: readonly Compression[]
  /** Reads compressed batches, where the driver hands out the producer's own. */
  readonly inflate?: Inflate
  /** What capabilities.transactions has to say. */
  readonly transactions?: boolean
  /** Compacts a topic, all records so far, where the driver can be asked to. */
  readonly compact?: (log: Log, topic: string) => Promise<void>
}

export interface LogUnderTest {
  readonly log: Log
  dispose(): Promise<void>
}

/** What a part of the suite gets: the log exists once its tests run. */
export interface ContractContext {
  readonly log: Log
  readonly options: LogContractOptions
  /** A new topic's name. */
  newTopic(partitions?: number, maxMessageBytes?: number, config?: TopicConfig): Promise<string>
}

export function logContract(
  name: string,
  make: () => Promise<LogUnderTest>,
  options: LogContractOptions,
): void {
  describe(`Log contract: ${name}`, () => {
    let made: LogUnderTest
    before(async () => {
      made = await make()
      for (const compression of options.compressions) await prepareCompression(compression)
    })
    after(() => made?.dispose())
    const context: ContractContext = {
      options,
      get log() {
        return made.log
      },
      async newTopic(partitions = 1, maxMessageBytes, more) {
        const topic = unique('contract')
        // Records of the past are old enough to be deleted on most clusters.
        const config = { retentionMs: -1, ...(maxMessageBytes && { maxMessageBytes }), ...more }
        assert.equal(await made.log.createTopic(topic, { partitions, config }), true)
        return topic
      },
    }
    describe('topics', () => topicContract(context))
    describe('append and read', () => appendContract(context))
    describe('large records', () => largeRecordContract(context))
    describe('consumer', () => consumerContract(context))
    describe('groups', () => groupContract(context))
    describe('subscriptions', () => subscribeContract(context))
    if (options.transactions) describe('transactions', () => transactionsContract(context))
    else missingTransactionsContract(context)
  })
}

function missingTransactionsContract(context: ContractContext): void {
  test('a driver without transactions says so', async () => {
    const { log } = context
    const missing = rejectsWith('CAPABILITY_MISSING')
    assert.equal(log.capabilities.transactions, false)
    const options = { transactionalId: 'id', transactionTimeoutMs: 60_000 }
    await assert.rejects(log.transactionalProducer(options), missing)
    await assert.rejects(log.fence('id'), missing)
    await assert.rejects(log.reader(), missing)
  })
}

/** Without the id, which not all drivers have. */
const shapeOf = ({ name, partitions }: TopicInfo) => ({ name, partitions })

function topicContract(context: ContractContext): void {
  test('a topic is created once, and listed by name', async () => {
    const topic = await context.newTopic(3)
    assert.equal(await context.log.createTopic(topic, { partitions: 5 }), false)
    const found = await context.log.topic(topic)
    assert.deepEqual(shapeOf(found), { name: topic, partitions: 3 })
    const names = (await context.log.topics()).map((info) => info.name)
    assert.ok(names.includes(topic))
    assert.deepEqual(names, [...names].sort())
  })

  test('how topics are kept can be asked, where the driver can say', async () => {
    const { log, newTopic } = context
    if (log.topicConfigs === undefined) return
    const made: TopicConfig[] = [
      { cleanup: 'compact', deleteRetentionMs: 90_000, segmentBytes: 3 << 20 },
      { cleanup: 'compact,delete', retentionMs: 80_000 },
      {},
    ]
    const limits = [100_000, 200_000, 300_000]
    const names: string[] = []
    for (const [i, config] of made.entries()) names.push(await newTopic(1, limits[i], config))
    const configs = await log.topicConfigs(names)
    assert.deepEqual(
      names.map((name) => configs.get(name)!.cleanup),
      ['compact', 'compact,delete', 'delete'],
    )
    for (const [i, config] of made.entries()) {
      const found = configs.get(names[i])!
      assert.deepEqual({ ...found, ...config, maxMessageBytes: limits[i] }, found)
    }
  })
  test('an unknown topic is a coded error everywhere', async () => {
    const { log } = context
    const topic = unique('never')
    const unknown = rejectsWith('TOPIC_UNKNOWN')
    await assert.rejects(log.topic(topic), unknown)
    await assert.rejects(log.offsets(topic), unknown)
    await assert.rejects(log.read(topic, 0, 0), unknown)
    await assert.rejects(log.deleteTopic(topic), unknown)
    await assert.rejects(appendTo(log, topic, 0, numbered(1)), unknown)
    assert.equal(
      (await log.topics()).some((info) => info.name === topic),
      false,
    )
  })

  test('a partition that the topic has not is refused', async () => {
    const topic = await context.newTopic(2)
    await assert.rejects(appendTo(context.log, topic, 2, numbered(1)), rejectsWith('TOPIC_UNKNOWN'))
    await assert.rejects(context.log.read(topic, 2, 0), rejectsWith('TOPIC_UNKNOWN'))
  })

  test('a name that Kafka would refuse is refused', async () => {
    for (const name of ['', 'a b', 'ü', '..', 'x'.repeat(250)])
      await assert.rejects(
        context.log.createTopic(name, { partitions: 1 }),
        rejectsWith('TOPIC_INVALID'),
      )
  })

  test('a deleted topic is gone, and its name can be used again', async () => {
    const { log } = context
    const topic = await context.newTopic()
    await appendTo(log, topic, 0, numbered(3))
    await log.deleteTopic(topic)
    await assert.rejects(log.topic(topic), rejectsWith('TOPIC_UNKNOWN'))
    assert.equal(await log.createTopic(topic, { partitions: 2 }), true)
    assert.deepEqual(await log.offsets(topic), [
      { partition: 0, earliest: 0, latest: 0 },
      { partition: 1, earliest: 0, latest: 0 },
    ])
  })

  test('the id of a topic, where there is one, is another one when it is made anew', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const { id } = await log.topic(topic)
    assert.equal((await log.topic(topic)).id, id)
    const listed = (await log.topics()).find(({ name }) => name === topic)
    assert.equal(listed?.id, id)
    await log.deleteTopic(topic)
    await log.createTopic(topic, { partitions: 1 })
    const after = (await log.topic(topic)).id
    assert.equal(after === undefined, id === undefined)
    assert.ok(id === undefined || after !== id)
  })
}

function appendContract(context: ContractContext): void {
  test('append gives the first offset, and offsets move', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    assert.equal(await appendTo(log, topic, 1, numbered(3)), 0)
    assert.equal(await appendTo(log, topic, 1, numbered(2)), 3)
    assert.deepEqual(await log.offsets(topic), [
      { partition: 0, earliest: 0, latest: 0 },
      { partition: 1, earliest: 0, latest: 5 },
    ])
  })

  test('keys, values, headers and timestamps come back as they were', async () => {
    const topic = await context.newTopic()
    const records: LogRecord[] = [
      { key: text('key'), value: text('value'), timestamp: 1_700_000_000_123 },
      { key: null, value: text('no key'), timestamp: 1_700_000_000_000 },
      { key: text('no value'), value: null, timestamp: 1_600_000_000_000 },
      { key: null, value: null, timestamp: 0 },
      { key: text(''), value: text(''), timestamp: 1_700_000_000_001 },
      { key: Uint8Array.of(0, 255, 128), value: Uint8Array.of(0xff, 0xfe), timestamp: 1 },
      {
        key: text('h'),
        value: text('ü€😀'),
        timestamp: 5,
        headers: [
          { key: 'a', value: text('1') },
          { key: 'empty', value: text('') },
          { key: 'null', value: null },
          { key: '__proto__', value: text('2') },
          { key: 'constructor', value: text('3') },
          { key: 'ключ', value: Uint8Array.of(0, 200) },
        ],
      },
    ]
    await appendTo(context.log, topic, 0, records)
    const stored = await context.log.read(topic, 0, 0)
    assert.deepEqual(plain(stored), plain(records.map((record, offset) => ({ ...record, offset }))))
  })

  test('appends of one partition are stored in call order, also when not awaited', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    const producer = await log.producer()
    const calls = Array.from({ length: 40 }, (_, index) =>
      producer.append(topic, index & 1, numbered(2, `${index}-`)),
    )
    assert.deepEqual(
      await Promise.all(calls),
      Array.from({ length: 40 }, (_, index) => (index >> 1) * 2),
    )
    await producer.close()
    for (const partition of [0, 1]) {
      const expected = Array.from({ length: 20 }, (_, turn) => [
        `${turn * 2 + partition}-0`,
        `${turn * 2 + partition}-1`,
      ])
      assert.deepEqual(values(await log.read(topic, partition, 0)), expected.flat())
    }
  })

  for (const compression of context.options.compressions)
    test(`finished ${compression} batches are stored in order with other appends`, async () => {
      const { log } = context
      const topic = await context.newTopic(2)
      const producer = await log.producer()
      const finished = (from: number) => encodeBatch(numbered(3, 'v', from), { compression })
      const calls = [
        producer.appendBatch(topic, 1, finished(0)),
        producer.append(topic, 1, numbered(2, 'v', 3)).then((offset) => ({ offset })),
        producer.appendBatch(topic, 1, finished(5)),
      ]
      const offsets = (await Promise.all(calls)).map(({ offset }) => offset)
      assert.deepEqual(offsets, [0, 3, 5])
      await assert.rejects(
        producer.appendBatch(topic, 2, finished(0)),
        rejectsWith('TOPIC_UNKNOWN'),
      )
      await producer.close()
      const stored = await log.read(topic, 1, 0)
      assert.deepEqual(
        plain(stored),
        plain(numbered(8).map((record, offset) => ({ ...record, offset }))),
      )
    })

  test('read begins at the offset, and is empty at the end', async () => {
    const { log } = context
    const topic = await context.newTopic()
    await appendTo(log, topic, 0, numbered(10))
    const stored = await log.read(topic, 0, 7)
    assert.deepEqual(values(stored), ['v7', 'v8', 'v9'])
    assert.equal(stored[0].offset, 7)
    assert.deepEqual(await log.read(topic, 0, 10), [])
  })

  for (const compression of context.options.compressions)
    test(`${compression} batches come back as they were`, async () => {
      const { log } = context
      const topic = await context.newTopic()
      const producer = await log.producer({ compression })
      await producer.append(topic, 0, numbered(500, 'compressible value '))
      await producer.append(topic, 0, [{ key: null, value: text('small'), timestamp: 7 }])
      await producer.close()
      const stored = await readAll(log, topic)
      assert.deepEqual(
        plain(stored.slice(0, 500)),
        plain(
          numbered(500, 'compressible value ').map((record, offset) => ({ ...record, offset })),
        ),
      )
      assert.deepEqual(values(stored.slice(500)), ['small'])
    })
}

function largeRecordContract(context: ContractContext): void {
  for (const mebibytes of [1, 5])
    test(`a record above ${mebibytes} MiB goes through a topic that allows it`, async () => {
      const { log } = context
      const topic = await context.newTopic(1, 8 * 1024 * 1024)
      const value = Buffer.alloc(mebibytes * 1024 * 1024 + 1)
      for (let index = 0; index < value.length; index++) value[index] = (index * 2654435761) >>> 24
      const record = { key: text('big'), value, timestamp: 3 }
      await appendTo(log, topic, 0, [...numbered(1), record, ...numbered(1)])
      const stored = await readAll(log, topic)
      assert.equal(stored.length, 3)
      assert.ok(value.equals(stored[1].value!), 'the same bytes')
    })

  test('a record above the topic’s limit is refused, and the next one goes through', async () => {
    const { log } = context
    const topic = await context.newTopic(1, 10_000)
    const producer = await log.producer()
    const record = { key: null, value: Buffer.alloc(20_000, 7), timestamp: 3 }
    await assert.rejects(producer.append(topic, 0, [record]), rejectsWith('RECORD_TOO_LARGE'))
    assert.equal(await producer.append(topic, 0, numbered(1)), 0)
    await producer.close()
  })
}

/** All of partition 0, as a tool would read it: from where the last read ended. */
async function readAll(log: Log, topic: string): Promise<StoredRecord[]> {
  const all: StoredRecord[] = []
  for (;;) {
    const some = await log.read(topic, 0, all.length, 100_000)
    if (some.length === 0) return all
    all.push(...some)
  }
}

/** Comparable whatever kind of byte array a driver gives. */
function plain(records: readonly StoredRecord[]) {
  const bytes = (value: Uint8Array | null) => value && Buffer.from(value).toString('hex')
  return records.map(({ offset, timestamp, key, value, headers = [] }) => ({
    offset,
    timestamp,
    key: bytes(key),
    value: bytes(value),
    headers: headers.map((header) => [header.key, bytes(header.value)]),
  }))
}
