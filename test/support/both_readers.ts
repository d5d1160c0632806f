// Reads a topic to its last record in three ways: with kafkajs alone, with a consumer of the log,
// and with Log.read. Used by differential tests of the wire driver.
import assert from 'node:assert/strict'
import { Kafka, logLevel } from 'kafkajs'
import type { Log, StoredRecord } from '../../src/log/log.ts'
import { decodeBatches } from '../../src/wire/record_batch.ts'
import { openConsumer, unique } from './log.ts'

/** A record as text that can be compared; headers by name. */
export type PlainRecord = readonly [
  offset: number,
  timestamp: number,
  key: string | null,
  value: string | null,
  headers: Readonly<Record<string, readonly (string | null)[]>>,
]

/** Records by partition. */
export type PlainTopic = PlainRecord[][]

/** The key of the last record of every partition; a reader is at the end when it sees it. */
export const lastKey = 'the last record of this partition'

const lastKeyHex = Buffer.from(lastKey).toString('hex')

const hex = (bytes: Uint8Array | null | undefined): string | null =>
  bytes == null ? null : Buffer.from(bytes).toString('hex')

function isComplete(topic: PlainTopic): boolean {
  return topic.every((records) => records.at(-1)?.[2] === lastKeyHex)
}

const empty = (partitions: number): PlainTopic => Array.from({ length: partitions }, () => [])

/** kafkajs reads read_committed. */
export async function readByKafkajs(
  brokers: string,
  topic: string,
  partitions: number,
): Promise<PlainTopic> {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: unique('differential') })
  const found = empty(partitions)
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      // what may pass, as a group that is still being loaded, it tries again by itself
      consumer.on('consumer.crash', ({ payload }) => {
        if (!payload.restart) reject(payload.error)
      })
      void consumer.run({
        eachMessage: async ({ partition, message }) => {
          const { offset, timestamp, key, value, headers = {} } = message
          const plainHeaders = Object.entries(headers).map(([name, values]) => [
            name,
            (Array.isArray(values) ? values : [values]).map((one) => hex(one as Buffer)),
          ])
          found[partition].push([
            Number(offset),
            Number(timestamp),
            hex(key),
            hex(value),
            Object.fromEntries(plainHeaders),
          ])
          if (isComplete(found)) resolve()
        },
      })
    })
  } finally {
    await consumer.disconnect()
  }
  return found
}

/** Comparable, whoever read it. */
export function plain({ offset, timestamp, key, value, headers = [] }: StoredRecord): PlainRecord {
  const byName: Record<string, (string | null)[]> = {}
  for (const header of headers) (byName[header.key] ??= []).push(hex(header.value))
  return [offset, timestamp, hex(key), hex(value), byName]
}

/** As the ingest loop does it. */
export async function readByConsumer(
  log: Log,
  topic: string,
  partitions: number,
): Promise<PlainTopic> {
  const found = empty(partitions)
  // What was deleted may come with the rest of its batch.
  const positions = (await log.offsets(topic)).map(({ earliest }) => earliest)
  const consumer = await openConsumer(log, [topic])
  try {
    let target = new Uint8Array(new SharedArrayBuffer(64 * 1024))
    while (!isComplete(found)) {
      const result = await consumer.fetch(target, () => true)
      assert.notEqual(result.kind, 'closed')
      if (result.kind === 'too-small')
        target = new Uint8Array(new SharedArrayBuffer(result.neededBytes))
      if (result.kind !== 'batches') continue
      const { partition } = result
      for (const record of decodeBatches(target.slice(0, result.bytes))) {
        if (record.offset < positions[partition]) continue
        found[partition].push(plain(record))
        positions[partition] = record.offset + 1
      }
    }
  } finally {
    await consumer.close()
  }
  return found
}

/** As a tool does it: page by page. */
export async function readByPages(
  log: Log,
  topic: string,
  partitions: number,
): Promise<PlainTopic> {
  const found = empty(partitions)
  for (const { partition, earliest, latest } of await log.offsets(topic)) {
    for (let next = earliest; next < latest; ) {
      const page = await log.read(topic, partition, next, 20_000)
      if (page.length === 0) break
      assert.ok(page[0].offset >= next, 'nothing before what was asked for')
      found[partition].push(...page.map(plain))
      next = page[page.length - 1].offset + 1
    }
  }
  assert.ok(isComplete(found), 'read to the end')
  return found
}

/** All three see the same; resolves with it. */
export async function readAlike(
  brokers: string,
  log: Log,
  topic: string,
  partitions: number,
): Promise<PlainTopic> {
  const expected = await readByKafkajs(brokers, topic, partitions)
  assertSame(await readByConsumer(log, topic, partitions), expected, 'consumer')
  assertSame(await readByPages(log, topic, partitions), expected, 'read')
  return expected
}

function assertSame(actual: PlainTopic, expected: PlainTopic, reader: string): void {
  for (const [partition, records] of expected.entries()) {
    const note = `${reader}, partition ${partition}`
    const at = records.findIndex((record, index) => !isSame(record, actual[partition][index]))
    if (at >= 0) assert.deepEqual(actual[partition][at], records[at], `${note}, record ${at}`)
    assert.equal(actual[partition].length, records.length, note)
  }
}

const isSame = (one: PlainRecord, other: PlainRecord | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other)
