// Page views as JSON bytes, good in every notation and bad in every way that a producer gets them
// wrong. For tests of kernels and of the whole job.
import type { Random } from '../../src/clock.ts'
import type { FieldSchema, RecordSchema } from '../../src/record/schema.ts'
import { below, jsonText, pick, type TextOverrides } from './random_json.ts'

/** The record of the workload. */
export const pageViewSchema: RecordSchema = {
  type: 'record',
  name: 'PageView',
  fields: [
    ['user', { type: 'string' }],
    ['url', { type: 'string' }],
    ['ms', { type: 'float64' }],
    ['ts', { type: 'timestamp' }],
  ],
}

/** One field of every type that a kernel reads, nested, optional and nullable ones too. */
export const everythingSchema: RecordSchema = {
  type: 'record',
  name: 'Everything',
  fields: [
    ['text', { type: 'string' }],
    ['other', { type: 'string', nullable: true }],
    ['whole', { type: 'integer' }],
    ['wide', { type: 'int64' }],
    ['float', { type: 'float64' }],
    ['single', { type: 'float32', optional: true }],
    ['flag', { type: 'boolean' }],
    ['time', { type: 'timestamp' }],
    ['maybe', { type: 'integer', optional: true, nullable: true }],
    ['bigMaybe', { type: 'int64', optional: true, nullable: true }],
    [
      'place',
      {
        type: 'record',
        name: 'Place',
        optional: true,
        fields: [
          ['city', { type: 'string' }],
          ['zip', { type: 'integer', optional: true }],
          ['at', { type: 'record', name: 'At', fields: [['x', { type: 'float64' }]] }],
        ],
      },
    ],
    ['list', { type: 'array', items: { type: 'integer' }, optional: true }],
    ['tags', { type: 'map', values: { type: 'string' }, optional: true }],
  ],
}

const texts = [
  'a',
  'b',
  '/home',
  '/page/1',
  'ü',
  '日本',
  '😀',
  '\ud83d',
  '',
  'a"b\\',
  'x\u0000y',
  '\u0001\n',
]

const wideNumbers = [0n, 1n, -1n, 1000n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, 120n]

function randomFloat(random: Random): number {
  const kind = below(random, 6)
  if (kind === 0) return pick(random, [0, -0, 1, 0.1, 1e-7, 123456789.125, 5e-324, 1.7e-300])
  if (kind === 1) return below(random, 1000)
  return Math.round((random() - 0.2) * 1e6) / pick(random, [1, 100, 1e4])
}

/** A value of the field; undefined for an optional one left out. */
export function randomValue(schema: FieldSchema, random: Random, timeMs: number): unknown {
  if (schema.optional && random() < 0.3) return undefined
  if (schema.nullable && random() < 0.3) return null
  switch (schema.type) {
    case 'record': {
      const event: Record<string, unknown> = {}
      for (const [name, field] of schema.fields) {
        const value = randomValue(field, random, timeMs)
        if (value !== undefined) event[name] = value
      }
      return event
    }
    case 'array':
      return Array.from({ length: below(random, 3) }, () => below(random, 9))
    case 'map':
      return random() < 0.5 ? {} : { k: pick(random, texts), 'k"': 'v' }
    case 'boolean':
      return random() < 0.5
    case 'integer':
      return pick(random, [below(random, 100), -below(random, 10), 2 ** 53 - 1, 1000, 0])
    case 'int64':
      return random() < 0.5 ? pick(random, wideNumbers) : BigInt(below(random, 1e9))
    case 'timestamp':
      return timeMs
    case 'string':
      return random() < 0.8 ? pick(random, texts) : `k${below(random, 20)}`
    default:
      return randomFloat(random)
  }
}

/** Good bytes of a random event at that time; `fixed` sets some of its fields. */
export function goodDocument(
  schema: RecordSchema,
  random: Random,
  timeMs: number,
  fixed: Readonly<Record<string, unknown>> = {},
): Uint8Array {
  const event = randomValue({ ...schema, nullable: false }, random, timeMs) as object
  return Buffer.from(jsonText(schema, { ...event, ...fixed }, random), 'utf8')
}

/** Stands for bytes that are no text; JSON texts here do not hold it otherwise. */
const HOLE = '\ue000'
const HOLE_BYTES = Buffer.from(HOLE, 'utf8')

const invalidUtf8: readonly (readonly number[])[] = [
  [0xff],
  [0xc0, 0x80],
  [0xe2, 0x82],
  [0xed, 0xa0, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xf0, 0x80, 0x80, 0xaf],
  [0x80],
]

/** Texts of a value that make the whole no JSON. */
const noJson: Readonly<Record<string, readonly string[]>> = {
  'bad escape': ['"\\x41"', '"\\u12g4"', '"\\u123"', '"\\"', '"\\\'"', '"a\\"'],
  'control character': ['"a\u0000b"', '"a\nb"', '"\t"', '"\u001f"'],
  'not a number': [
    'NaN',
    'Infinity',
    '-Infinity',
    '-',
    '+1',
    '01',
    '-01',
    '.5',
    '1.',
    '1e',
    '1e+',
    '0x10',
    '1_000',
    '1.e3',
    '--1',
  ],
  'not a value': [
    'undefined',
    'True',
    'nul',
    "'a'",
    '',
    '[1,]',
    '{"a":1,}',
    '[1 2]',
    '{"a" 1}',
    '{a:1}',
    '/* */1',
    '"a',
    '[',
    '{"a":[}',
  ],
}

const wrongTexts = ['{}', '[]', '"x"', 'true', '1.5', 'null', '"1"', '9007199254740993.5', '[1]']

function isWrong(field: FieldSchema, text: string): boolean {
  const value: unknown = JSON.parse(text)
  if (value === null) return !field.nullable
  if (field.type === 'array')
    return !Array.isArray(value) || (value.length > 0 && typeof value[0] !== 'number')
  if (field.type === 'map') return typeof value !== 'object' || Array.isArray(value)
  if (field.type === 'record') return true
  if (field.type === 'float64' || field.type === 'float32') return typeof value !== 'number'
  if (field.type === 'integer' || field.type === 'timestamp' || field.type === 'int64')
    return !Number.isSafeInteger(value)
  return typeof value !== field.type
}

type Spoil = (schema: RecordSchema, random: Random, event: unknown) => string

const withField = (
  schema: RecordSchema,
  random: Random,
  event: unknown,
  name: string,
  text: string | null,
): string => {
  const overrides: TextOverrides = { fields: new Map([[name, text]]), plain: true }
  return jsonText(schema, event, random, overrides)
}

/** Puts the text into a declared field or into one that is not declared. */
const inserted = (schema: RecordSchema, random: Random, event: unknown, text: string): string => {
  if (random() < 0.7) return withField(schema, random, event, pick(random, schema.fields)[0], text)
  const whole = jsonText(schema, event, random, { plain: true })
  return `${whole.slice(0, -1)},"extra":${text}}`
}

const spoils: Readonly<Record<string, Spoil>> = {
  truncated: (schema, random, event) => {
    const text = jsonText(schema, event, random)
    return text.slice(0, 1 + below(random, text.length - 1))
  },
  'trailing garbage': (schema, random, event) =>
    jsonText(schema, event, random) + pick(random, ['}', 'x', ' 1', '{}', ',', '\u0000', '"']),
  'byte order mark': (schema, random, event) => `\ufeff${jsonText(schema, event, random)}`,
  'invalid utf-8': (schema, random, event) =>
    inserted(schema, random, event, pick(random, [`"${HOLE}"`, `"abc${HOLE}def"`, HOLE])),
  empty: (_schema, random) => pick(random, ['', ' ', '\n\t ']),
  'not an object': (_schema, random) => pick(random, ['null', '1', '"text"', '[]', 'true', '[{}]']),
  'missing field': (schema, random, event) => {
    const needed = schema.fields.filter(([, field]) => !field.optional)
    return withField(schema, random, event, pick(random, needed)[0], null)
  },
  'wrong type': (schema, random, event) => {
    const [name, field] = pick(random, schema.fields)
    const wrong = wrongTexts.filter((text) => isWrong(field, text))
    return withField(schema, random, event, name, pick(random, wrong))
  },
  'bad escape': (schema, random, event) =>
    inserted(schema, random, event, pick(random, noJson['bad escape'])),
  'control character': (schema, random, event) =>
    inserted(schema, random, event, pick(random, noJson['control character'])),
  'not a number': (schema, random, event) =>
    inserted(schema, random, event, pick(random, noJson['not a number'])),
  'not a value': (schema, random, event) =>
    inserted(schema, random, event, pick(random, noJson['not a value'])),
}

export const badKinds: readonly string[] = Object.keys(spoils)

/** Bytes that no reader of the schema may accept. */
export function badDocument(
  schema: RecordSchema,
  random: Random,
  timeMs: number,
  kind: string = pick(random, badKinds),
): Uint8Array {
  const event = randomValue({ ...schema, nullable: false }, random, timeMs)
  const bytes = Buffer.from(spoils[kind](schema, random, event), 'utf8')
  const hole = bytes.indexOf(HOLE_BYTES)
  if (hole < 0) return bytes
  const bad = Buffer.from(pick(random, invalidUtf8))
  return Buffer.concat([bytes.subarray(0, hole), bad, bytes.subarray(hole + HOLE_BYTES.length)])
}
