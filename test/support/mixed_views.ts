// Mixed page views for tests of the whole job: texts, numbers and times in every notation of JSON,
// undeclared, duplicate and missing fields, late records.
import { type Random, seededRandom } from '../../src/clock.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import type { RecordSchema } from '../../src/record/schema.ts'
import { randomValue } from './documents.ts'
import { below, jsonText, pick } from './random_json.ts'

const at: RecordSchema = {
  type: 'record',
  name: 'At',
  fields: [
    ['x', { type: 'float64' }],
    ['y', { type: 'float64' }],
  ],
}

export const mixedViewSchema: RecordSchema = {
  type: 'record',
  name: 'View',
  fields: [
    ['user', { type: 'string' }],
    ['url', { type: 'string' }],
    ['ms', { type: 'float64' }],
    ['ts', { type: 'timestamp' }],
    ['size', { type: 'integer' }],
    ['bytes', { type: 'int64' }],
    ['bot', { type: 'boolean' }],
    ['load', { type: 'float32', optional: true }],
    ['referrer', { type: 'string', optional: true, nullable: true }],
    ['quota', { type: 'int64', optional: true, nullable: true }],
    [
      'place',
      {
        type: 'record',
        name: 'Place',
        optional: true,
        fields: [
          ['city', { type: 'string' }],
          ['at', at],
        ],
      },
    ],
    ['tags', { type: 'map', values: { type: 'string' }, optional: true }],
    ['sizes', { type: 'array', items: { type: 'integer' }, optional: true }],
  ],
}

export interface MixedOptions {
  readonly events: number
  readonly partitions: number
  readonly seed: number
  /** Distinct urls, at least 20. */
  readonly keys: number
  /** From the first event's time to the last one's. */
  readonly spanMs: number
  /** Distinct texts but for their times in a partition; they take most of the time to make. */
  readonly texts: number
}

const START_MS = 1_700_000_003_217

const oddUrls = [
  '',
  '/',
  '/home',
  'ü',
  '日本',
  '😀',
  'a"b\\',
  'x\u0000y',
  '\u0001\n',
  '/a/b?c=1&d=é',
  ' ',
]

const withoutTime: RecordSchema = {
  ...mixedViewSchema,
  fields: mixedViewSchema.fields.filter(([name]) => name !== 'ts'),
}

interface Text {
  readonly url: string
  readonly before: string
  readonly after: string
}

/** A document but for the text of its time, which goes between the two parts. */
function randomText(random: Random, urls: readonly string[]): Text {
  const url = urls[Math.floor(random() ** 2 * urls.length)]
  const event = randomValue(withoutTime, random, 0) as Record<string, unknown>
  event.url = url
  event.size = below(random, 4)
  if (random() < 0.5) event.user = pick(random, ['/home', 'bot', 'é'])
  const text = jsonText(withoutTime, event, random)
  const name = pick(random, ['"ts":', ' "ts" : ', '"t\\u0073":', '\n"\\u0074s"\t:'])
  return random() < 0.5
    ? { url, before: `{${name}`, after: `,${text.slice(1)}` }
    : { url, before: `${text.slice(0, -1)},${name}`, after: '}' }
}

const time: RecordSchema['fields'][number][1] = { type: 'timestamp' }

/** How far behind the newest one an event may be: mostly a little, now and then very late. */
function delay(random: Random): number {
  const kind = random()
  return below(random, kind < 0.9 ? 2000 : kind < 0.98 ? 9000 : 120_000)
}

/** The records of one partition: those whose url as key belongs there. */
export function* mixedRecords(options: MixedOptions, partition: number): Generator<StoredRecord> {
  const { events, partitions, seed, keys, spanMs } = options
  const random = seededRandom(seed * 1000 + partition)
  const urls = Array.from({ length: keys }, (_, i) => oddUrls[i] ?? `/page/${i}`)
  const mine = urls.filter((url) => partitionOfKey(Buffer.from(url), partitions) === partition)
  const texts = Array.from({ length: options.texts }, () => randomText(random, mine))
  const total = Math.floor(events / partitions)
  for (let offset = 0; offset < total; offset++) {
    const newest = START_MS + Math.floor((offset / total) * spanMs)
    const { url, before, after } = pick(random, texts)
    const ts = jsonText(time, newest - delay(random), random)
    yield {
      offset,
      timestamp: newest - delay(random),
      key: Buffer.from(url),
      value: Buffer.from(`${before}${ts}${after}`),
    }
  }
}
