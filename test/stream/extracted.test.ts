// What kernels extract is what the codecs decode, whatever the records, the batches and the limits
// are; and what is not for kernels is decoded.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Random, seededRandom } from '../../src/clock.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import { codecOf, raw, text } from '../../src/record/codec.ts'
import { bytes, integer, nullable, string } from '../../src/record/fields.ts'
import type { RecordSchema } from '../../src/record/schema.ts'
import type { AgentDefinition } from '../../src/stream/agent_definition.ts'
import type { BatchOptions } from '../../src/stream/batch_options.ts'
import { BatchShape } from '../../src/stream/batch_shape.ts'
import type { Event } from '../../src/stream/events.ts'
import { eachBatchHeader } from '../../src/wire/batch_header.ts'
import {
  type AnyBatch,
  batchesOf,
  InlineExtraction,
  type ReaderKind,
  recordAgent,
} from '../support/batch_agents.ts'
import { batchOf, concat, withAttributes } from '../support/batches.ts'
import {
  badDocument,
  everythingSchema,
  goodDocument,
  pageViewSchema,
} from '../support/documents.ts'
import { settle } from '../support/manual_clock.ts'
import { below, pick } from '../support/random_json.ts'

type More = Partial<AgentDefinition<string, unknown, unknown>> & { startOffset?: number }

interface Seen {
  readonly lengths: number[]
  readonly columns: Record<string, unknown[]>
  readonly present: Record<string, number[]>
  readonly offsets: number[]
  readonly timestamps: number[]
  readonly keys: unknown[]
  readonly values: unknown[]
  readonly rows: Event<string, unknown>[]
}

/** All that an agent sees of the payloads, batch by batch, and how it ended. */
async function readAll(
  kind: ReaderKind | InlineExtraction,
  schema: RecordSchema,
  payloads: readonly Uint8Array[],
  more: More = {},
  options: BatchOptions = {},
) {
  const names = new BatchShape(schema).columns.map(({ name }) => name)
  const empty = () => Object.fromEntries(names.map((name) => [name, [] as never[]]))
  const seen: Seen = {
    lengths: [],
    columns: empty(),
    present: empty(),
    offsets: [],
    timestamps: [],
    keys: [],
    values: [],
    rows: [],
  }
  const take = (batch: AnyBatch): void => {
    seen.lengths.push(batch.length)
    for (const name of names) {
      seen.columns[name].push(...batch.column(name))
      seen.present[name].push(...batch.present(name))
    }
    seen.offsets.push(...batch.offsets)
    seen.timestamps.push(...batch.timestamps)
    seen.rows.push(...batch.rows())
    seen.keys.push(...batch.keys)
    seen.values.push(...batch.values)
  }
  const { partition, bad, stopped } = recordAgent(
    kind,
    schema,
    async (stream) => {
      for await (const batch of batchesOf(stream, options)) take(batch)
    },
    more,
  )
  const whole: boolean[] = []
  for (const payload of payloads) whole.push(await partition.push(payload.slice()))
  let end = 0
  for (const payload of payloads)
    eachBatchHeader(payload, ({ lastOffset }) => {
      end = lastOffset + 1
    })
  while (!partition.stopped && partition.acknowledged() < end) await settle()
  await partition.close()
  const { lengths, ...rest } = seen
  const errors = stopped.map(({ code, message, place }) => ({ code, message, place }))
  const told = bad.map(({ headers = [], ...each }) => ({ ...each, headers }))
  return { lengths, rest, bad: told, errors, whole, acknowledged: partition.acknowledged() }
}

/** Batches end where the reader pauses, which is not the same for both; all else is. */
async function assertSame(
  schema: RecordSchema,
  payloads: readonly Uint8Array[],
  more: More = {},
  options: BatchOptions = {},
  extraction: ReaderKind | InlineExtraction = 'extracted',
) {
  const decoded = await readAll('decoded', schema, payloads, more, options)
  const extracted = await readAll(extraction, schema, payloads, more, options)
  assert.deepStrictEqual({ ...extracted, lengths: 0 }, { ...decoded, lengths: 0 })
  return extracted
}

const BASE_MS = 1_700_000_000_000

function randomKey(random: Random): Uint8Array | null {
  const kind = below(random, 12)
  if (kind === 0) return null
  return kind === 1 ? Buffer.from([0xff, 0x41]) : Buffer.from(pick(random, ['a', '', 'ü😀', 'k7']))
}

function randomPayloads(schema: RecordSchema, random: Random): Uint8Array[] {
  let offset = below(random, 5)
  const badRate = pick(random, [0, 0.02, 0.3])
  const batch = (): Uint8Array => {
    const records: StoredRecord[] = []
    for (let left = 1 + below(random, 20); left > 0; left--) {
      const timestamp = BASE_MS + below(random, 100_000)
      const isBad = random() < badRate
      const value =
        isBad && random() < 0.2
          ? null
          : (isBad ? badDocument : goodDocument)(schema, random, timestamp)
      const headers = random() < 0.2 ? [{ key: 'h', value: Buffer.from('x') }] : []
      records.push({ offset, key: randomKey(random), value, timestamp, headers })
      offset += random() < 0.9 ? 1 : 1 + below(random, 4)
    }
    const codec = pick(random, ['none', 'none', 'gzip', 'lz4', 'snappy'] as const)
    const bytes = batchOf(records, codec, offset - 1 + below(random, 2))
    offset += 1
    const kind = random()
    if (kind < 0.05) return withAttributes(bytes, 32)
    return kind < 0.1 ? withAttributes(bytes, 8) : bytes
  }
  return Array.from({ length: 1 + below(random, 3) }, () =>
    concat(Array.from({ length: 1 + below(random, 4) }, batch)),
  )
}

for (const schema of [pageViewSchema, everythingSchema])
  test(`kernels extract what is decoded of random ${schema.name} records`, async () => {
    const property = fc.asyncProperty(fc.integer(), async (seed) => {
      const random = seededRandom(seed)
      const payloads = randomPayloads(schema, random)
      const maxRecords = pick(random, [undefined, 1, 3, 17])
      const maxBytes = pick(random, [undefined, 1, 500, 5000])
      const options = { ...(maxRecords && { maxRecords }), ...(maxBytes && { maxBytes }) }
      const key = pick(random, [text(), raw(), codecOf(bytes()), codecOf(nullable(string()))])
      const onBadRecord = pick(random, ['skip', 'skip', 'dead-letter', 'stop'] as const)
      const startOffset = pick(random, [0, 0, below(random, 30)])
      const more = { key: key as AgentDefinition<string, unknown, unknown>['key'] }
      await assertSame(schema, payloads, { ...more, onBadRecord, startOffset }, options)
    })
    await fc.assert(property, { numRuns: 150, includeErrorInReport: true, endOnFailure: true })
  })

const text8 = (length: number) => 'x'.repeat(length)
const view = (offset: number, url: string, user = 'u'): StoredRecord => ({
  offset,
  key: Buffer.from('k'),
  value: Buffer.from(JSON.stringify({ user, url, ms: offset, ts: offset })),
  timestamp: offset,
})
const views = (count: number, url: (i: number) => string = () => '/') =>
  Array.from({ length: count }, (_, i) => view(i, url(i)))

test('kernels are asked, and what they gave back is free again', async () => {
  const extraction = new InlineExtraction()
  const free = extraction.memory.freeBytes()
  const { lengths } = await readAll(extraction, pageViewSchema, [batchOf(views(100))])
  assert.deepEqual(lengths, [100])
  assert.equal(extraction.runs, 1)
  assert.equal(extraction.memory.freeBytes(), free)
})

test('a payload of more rows than an extraction has comes in several, no batch larger', async () => {
  const half = views(40_000)
  const extraction = new InlineExtraction()
  const { lengths, rest } = await readAll(extraction, pageViewSchema, [batchOf(half)])
  assert.equal(rest.offsets.length, 40_000)
  assert.deepEqual(lengths, [32_768, 40_000 - 32_768])
  assert.equal(extraction.runs, 2)
})

test('strings longer than a kernel has room for are decoded between what it extracts', async () => {
  const long = [view(0, '/'), view(1, text8(5 << 20)), view(2, '/'), view(3, '/')]
  const { rest } = await assertSame(pageViewSchema, [batchOf(long)])
  assert.deepEqual(rest.offsets, [0, 1, 2, 3])
  const escaped = [view(0, '/'), view(1, '\n'.repeat(70_000)), view(2, '\n'.repeat(10))]
  await assertSame(pageViewSchema, [batchOf(escaped)])
  const packed = views(3000, (i) => text8(3000) + i)
  await assertSame(pageViewSchema, [batchOf(packed, 'gzip')])
  await assertSame(pageViewSchema, [batchOf(packed, 'lz4')])
})

test('more bad records than a kernel keeps at once are all told', async () => {
  const bad = views(3000).map((record, i) =>
    i % 2 === 0 ? record : { ...record, value: Buffer.from(`"${text8(100)}`) },
  )
  const { bad: told } = await assertSame(pageViewSchema, [batchOf(bad)])
  assert.equal(told.length, 1500)
  const large = [
    view(0, '/'),
    { ...view(1, '/'), value: Buffer.from(text8(100_000)) },
    view(2, '/'),
  ]
  assert.equal((await assertSame(pageViewSchema, [batchOf(large)])).bad.length, 1)
})

test('records of very many fields are extracted, fewer at a time', async () => {
  const names = Array.from({ length: 300 }, (_, i) => `f${i}`)
  const schema: RecordSchema = {
    type: 'record',
    name: 'Wide',
    fields: names.map((name) => [name, { type: 'float64', optional: true }] as const),
  }
  const records = Array.from({ length: 50 }, (_, offset) => ({
    offset,
    key: Buffer.from('k'),
    value: Buffer.from(JSON.stringify({ [names[offset * 5]]: offset, f299: 1 })),
    timestamp: 0,
  }))
  await assertSame(schema, [batchOf(records)])
})

test('without memory for it, records are decoded', async () => {
  const extraction = new InlineExtraction()
  const { memory } = extraction
  const held: number[] = []
  for (let bytes = 1 << 25; bytes >= 64; bytes /= 2)
    for (let at = memory.tryAllocate(bytes); at !== undefined; at = memory.tryAllocate(bytes))
      held.push(at)
  await assertSame(pageViewSchema, [batchOf(views(10))], {}, {}, extraction)
  assert.equal(extraction.runs, 0)
  // once there is some again, kernels go on
  memory.free(held[0])
  await assertSame(pageViewSchema, [batchOf(views(10))], {}, {}, extraction)
  assert.ok(extraction.runs > 0)
})

test('a kernel that traps is not asked for ever; its records are decoded', async () => {
  const extraction = new InlineExtraction()
  extraction.executor.run = () => {
    extraction.runs++
    return Promise.reject(new Error('unreachable'))
  }
  const payloads = Array.from({ length: 6 }, (_, i) => batchOf([view(i, '/')]))
  const { rest } = await assertSame(pageViewSchema, payloads, {}, {}, extraction)
  assert.equal(rest.offsets.length, 6)
  assert.equal(extraction.runs, 3)
  assert.equal(extraction.memory.freeBytes(), new InlineExtraction().memory.freeBytes())
})

test('keys of other types are decoded, and bad ones refused', async () => {
  const key = codecOf(integer()) as unknown as AgentDefinition<string, unknown, unknown>['key']
  const extraction = new InlineExtraction()
  const records = views(3).map((record, i) => ({ ...record, key: Buffer.from(['1', 'x', '3'][i]) }))
  const { bad, rest } = await assertSame(
    pageViewSchema,
    [batchOf(records)],
    { key, onBadRecord: 'skip' },
    {},
    extraction,
  )
  assert.deepEqual(rest.keys, [1, 3])
  assert.equal(bad[0].reason, 'invalid-json')
  assert.equal(extraction.runs, 0)
})
