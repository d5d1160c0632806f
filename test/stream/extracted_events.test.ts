// Events that agents take one by one: made of what kernels extract they are what the codecs decode,
// whatever the record type, the values and the order of values, events and batches that is asked
// for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Random, seededRandom } from '../../src/clock.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import { codecOf, text } from '../../src/record/codec.ts'
import { bytes, nullable, string } from '../../src/record/fields.ts'
import type { FieldSchema, RecordSchema } from '../../src/record/schema.ts'
import type { AgentDefinition } from '../../src/stream/agent_definition.ts'
import type { Stream } from '../../src/stream/stream.ts'
import { eachBatchHeader } from '../../src/wire/batch_header.ts'
import {
  batchesOf,
  InlineExtraction,
  type ReaderKind,
  recordAgent,
} from '../support/batch_agents.ts'
import { batchOf, concat } from '../support/batches.ts'
import { badDocument, goodDocument, pageViewSchema } from '../support/documents.ts'
import { settle } from '../support/manual_clock.ts'
import { below, pick } from '../support/random_json.ts'

type Options = Partial<AgentDefinition<string, unknown, unknown>>

/** Payloads below that are decoded: a turn of a thread costs more. */
const EXTRACTED_BYTES = 32 * 1024
const BASE_MS = 1_700_000_000_000
const scalars = [
  'string',
  'integer',
  'int64',
  'float64',
  'float32',
  'boolean',
  'timestamp',
] as const

function randomField(random: Random, depth: number): FieldSchema {
  const presence = {
    ...(random() < 0.3 && { optional: true }),
    ...(random() < 0.3 && { nullable: true }),
  }
  if (depth < 2 && random() < 0.2) return { ...randomRecord(random, depth + 1), ...presence }
  if (random() < 0.02) return { type: 'array', items: { type: 'integer' }, ...presence }
  return { type: pick(random, scalars), ...presence }
}

function randomRecord(random: Random, depth = 0): RecordSchema {
  const count = below(random, 5)
  const fields = Array.from({ length: count }, (_, i) => {
    const name = pick(random, ['f', 'ü', 'a b', 'toString', '"']) + i
    return [name, randomField(random, depth)] as const
  })
  const needed = { type: pick(random, scalars) }
  const at = below(random, count + 1)
  return { type: 'record', name: 'R', fields: fields.toSpliced(at, 0, ['needed', needed]) }
}

/** The document with a long field that nobody declared. */
function padded(document: Uint8Array): Uint8Array {
  const whole = Buffer.from(document).toString().trimEnd()
  return Buffer.from(`${whole.slice(0, -1)},"pad":"${'x'.repeat(EXTRACTED_BYTES)}"}`)
}

function randomPayloads(schema: RecordSchema, random: Random): Uint8Array[] {
  let offset = below(random, 5)
  const badRate = pick(random, [0, 0.1])
  const headerRate = pick(random, [0, 0, 0.1])
  const batch = (_: unknown, index: number): Uint8Array => {
    const records = Array.from({ length: 1 + below(random, 150) }, (_, i): StoredRecord => {
      const timestamp = BASE_MS + below(random, 100_000)
      const make = random() < badRate ? badDocument : goodDocument
      const value =
        index === 0 && i === 0
          ? padded(goodDocument(schema, random, timestamp))
          : make(schema, random, timestamp)
      const headers = random() < headerRate ? [{ key: 'h', value: Buffer.from('x') }] : []
      const key = Buffer.from(pick(random, ['a', '', 'ü😀', 'a key of some length']))
      offset += random() < 0.9 ? 1 : 1 + below(random, 4)
      return { offset, key: random() < 0.05 ? null : key, value, timestamp, headers }
    })
    offset++
    return batchOf(records, pick(random, ['none', 'none', 'lz4'] as const), offset - 1)
  }
  return Array.from({ length: 1 + below(random, 2) }, () =>
    concat(Array.from({ length: 1 + below(random, 3) }, batch)),
  )
}

/** Takes some values, some events, some rows of batches, and so on. */
async function takeMixed(
  stream: Stream<string, unknown>,
  random: Random,
  take: (seen: unknown) => void,
): Promise<void> {
  const values = stream[Symbol.asyncIterator]()
  const events = stream.events()
  const iterators = [values, values, events, batchesOf(stream)[Symbol.asyncIterator]()]
  for (;;) {
    const iterator = pick(random, iterators)
    for (let left = below(random, 100); left >= 0; left--) {
      const { done, value } = await iterator.next()
      if (done) return
      if (iterator === values || iterator === events) take(value)
      else for (const event of (value as { rows(): Iterable<unknown> }).rows()) take(event)
    }
  }
}

/** Offsets at which batches of several end depend on the reader: only one by one is compared. */
async function read(
  kind: ReaderKind | InlineExtraction,
  schema: RecordSchema,
  payloads: readonly Uint8Array[],
  options: Options,
  run: (stream: Stream<string, unknown>, take: (seen: unknown) => void) => Promise<void>,
) {
  const seen: unknown[] = []
  const agent = recordAgent(
    kind,
    schema,
    (stream) => run(stream, (each) => seen.push(each)),
    options,
  )
  const { partition, bad, stopped } = agent
  let end = 0
  for (const payload of payloads) {
    await partition.push(payload.slice())
    eachBatchHeader(payload, ({ lastOffset }) => {
      end = lastOffset + 1
    })
  }
  while (!partition.stopped && partition.acknowledged() < end) await settle()
  await partition.close()
  const errors = stopped.map(({ code, message, place }) => ({ code, message, place }))
  const refused = bad.map(({ offset, reason }) => ({ offset, reason }))
  return { seen, refused, errors, acknowledged: partition.acknowledged() }
}

/** With the order of fields, which deepStrictEqual does not see. */
const textOf = (seen: unknown): string =>
  JSON.stringify(seen, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))

for (const as of ['values', 'events'] as const)
  test(`random records one by one as ${as} are what is decoded`, async () => {
    const property = fc.asyncProperty(fc.integer(), async (seed) => {
      const random = seededRandom(seed)
      const schema = random() < 0.2 ? pageViewSchema : randomRecord(random)
      const payloads = randomPayloads(schema, random)
      const key = pick(random, [text(), codecOf(nullable(string())), codecOf(bytes())])
      const onBadRecord = pick(random, ['skip', 'skip', 'dead-letter', 'stop'] as const)
      const options = { key, onBadRecord } as Options
      const run = async (stream: Stream<string, unknown>, take: (seen: unknown) => void) => {
        for await (const each of as === 'values' ? stream : stream.events()) take(each)
      }
      const decoded = await read('decoded', schema, payloads, options, run)
      const extracted = await read('extracted', schema, payloads, options, run)
      assert.deepStrictEqual(extracted, decoded)
      assert.equal(textOf(extracted.seen), textOf(decoded.seen))
    })
    await fc.assert(property, { numRuns: 100, includeErrorInReport: true, endOnFailure: true })
  })

test('values, events and batches of one stream follow each other without a gap', async () => {
  const property = fc.asyncProperty(fc.integer(), async (seed) => {
    const random = seededRandom(seed)
    const schema = random() < 0.5 ? pageViewSchema : randomRecord(random)
    const payloads = randomPayloads(schema, random)
    const run = (stream: Stream<string, unknown>, take: (seen: unknown) => void) =>
      takeMixed(stream, random, (each) => take((each as { value?: unknown }).value ?? each))
    const whole = async (stream: Stream<string, unknown>, take: (seen: unknown) => void) => {
      for await (const each of stream.events()) take(each)
    }
    const isEvent = (each: unknown) => typeof (each as { offset?: unknown }).offset === 'number'
    const plain = { onBadRecord: 'skip' } as Options
    const decoded = await read('decoded', schema, payloads, plain, whole)
    const mixed = await read('extracted', schema, payloads, plain, run)
    const values = decoded.seen.map((event) => (event as { value: unknown }).value)
    assert.ok(decoded.seen.every(isEvent))
    assert.deepStrictEqual(mixed.seen, values)
    assert.equal(mixed.acknowledged, decoded.acknowledged)
  })
  await fc.assert(property, { numRuns: 60, includeErrorInReport: true, endOnFailure: true })
})

test('records that say where they differ only by null and absence are told apart', async () => {
  const field = { type: 'integer', optional: true, nullable: true } as const
  const schema: RecordSchema = { type: 'record', name: 'Sparse', fields: [['n', field]] }
  const documents = ['{}', '{"n":null}', '{"n":1}', '{"n":1,"n":null}', '{"n":null,"n":2}']
  const values = [padded(Buffer.from('{"n":3}')), ...documents.map((each) => Buffer.from(each))]
  const records = values.map((value, offset) => ({
    offset,
    key: Buffer.from('k'),
    value,
    timestamp: 1,
  }))
  const extraction = new InlineExtraction()
  const run = async (stream: Stream<string, unknown>, take: (seen: unknown) => void) => {
    for await (const each of stream) take(each)
  }
  const { seen } = await read(extraction, schema, [batchOf(records)], {}, run)
  assert.equal(extraction.runs, 1)
  assert.deepStrictEqual(seen, [{ n: 3 }, {}, { n: null }, { n: 1 }, { n: null }, { n: 2 }])
})
