// Values that a reader of readings must refuse, one or more of every kind, and odd ones that it
// must take. Used by the tests of bad input.
import { boolean, float64, integer, optional, record, string, timestamp } from '../../src/index.ts'
import type { LogRecord } from '../../src/log/log.ts'

export const Reading = record('Reading', {
  id: string(),
  value: float64(),
  count: integer(),
  at: timestamp(),
  inner: record('Inner', { flag: boolean() }),
  note: optional(string()),
})

/** Readings carry times from here on. */
export const beginMs = Date.UTC(2026, 0, 1)

const good = '{"id":"a","value":1.5,"count":3,"at":1767225600000,"inner":{"flag":true}}'

function replaced(from: string, to: string): string {
  if (!good.includes(from)) throw new Error(`there is no ${from}`)
  return good.replace(from, to)
}

/** The id is these bytes, unquoted text before and after it. */
function withId(...bytes: readonly number[]): Uint8Array {
  const [before, after] = replaced('"a"', '"|"').split('|')
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
}

const invalidJson: readonly string[] = [
  // truncated
  good.slice(0, -1),
  good.slice(0, -2),
  good.slice(0, good.indexOf('1.5') + 2),
  good.slice(0, 8),
  '{',
  '',
  ' \n',
  // trailing garbage
  `${good}x`,
  `${good},`,
  `${good}}`,
  `${good}${good}`,
  `${good}\0`,
  // bad escapes and control characters
  replaced('"a"', '"\\x41"'),
  replaced('"a"', '"\\u12g4"'),
  replaced('"a"', '"\\u123"'),
  replaced('"a"', '"\\\'"'),
  replaced('"a"', '"a\nb"'),
  replaced('"a"', '"a\u0000b"'),
  // no JSON
  replaced('1.5', 'NaN'),
  replaced('1.5', 'Infinity'),
  replaced('1.5', '-Infinity'),
  replaced('1.5', '+1'),
  replaced('1.5', '01'),
  replaced('1.5', '.5'),
  replaced('1.5', '1.'),
  replaced('1.5', '1e'),
  replaced('1.5', '0x10'),
  replaced('1.5', 'undefined'),
  replaced('true', 'True'),
  replaced('"id"', 'id'),
  replaced('"a"', "'a'"),
  replaced('}}', ',}}'),
  replaced(',', ';'),
  replaced('{', '{/**/'),
  `\ufeff${good}`,
]

const invalidUtf8: readonly Uint8Array[] = [
  withId(0xff),
  withId(0xc0, 0x80),
  withId(0xe2, 0x82),
  withId(0xed, 0xa0, 0x80),
  withId(0xf5, 0x80, 0x80, 0x80),
  withId(0x80),
  Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]),
]

const wrongType: readonly string[] = [
  replaced('"a"', '1'),
  replaced('"a"', 'null'),
  replaced('"a"', '["a"]'),
  replaced('1.5', '"1.5"'),
  replaced('1.5', 'true'),
  replaced('1.5', '{}'),
  replaced('3', '3.5'),
  replaced('3', '1e400'),
  replaced('3', '9007199254740992'),
  replaced('1767225600000', '"yesterday"'),
  replaced('1767225600000', '1.25'),
  replaced('{"flag":true}', '[]'),
  replaced('true', '"true"'),
  replaced('}}', '},"note":5}'),
]

const missingField: readonly string[] = [
  '{}',
  replaced('"id":"a",', ''),
  replaced('"id"', '"ID"'),
  replaced(',"inner":{"flag":true}', ''),
  replaced('"flag":true', ''),
]

const notAnObject: readonly string[] = ['[]', `[${good}]`, '"text"', '17', 'null', 'true', '""']

export interface BadValue {
  readonly value: Uint8Array | null
  readonly reason: string
}

const texts: readonly (readonly [string, readonly (string | Uint8Array | null)[]])[] = [
  ['invalid-json', invalidJson],
  ['invalid-utf8', invalidUtf8],
  ['wrong-type', wrongType],
  ['missing-field', missingField],
  ['not-an-object', notAnObject],
  ['null-value', [null]],
]

export const badValues: readonly BadValue[] = texts.flatMap(([reason, values]) =>
  values.map((value) => ({
    value: typeof value === 'string' ? Buffer.from(value) : value,
    reason,
  })),
)

/** Bad because of their time, for aggregations by the field `at`; agents take them. */
export const badTimes: readonly BadValue[] = [
  { value: Buffer.from(replaced('1767225600000', '-1')), reason: 'time-negative' },
  { value: Buffer.from(replaced('1767225600000', '8000000000000000')), reason: 'time-in-future' },
]

/** Unusual, and good. */
const oddities: readonly string[] = [
  ` \n${good}\t `,
  replaced('{', '{"unknown":[{"deep":["\\u0000"]}],'),
  replaced('{', '{"id":7,'),
  replaced('"id"', '"\\u0069\\u0064"'),
  replaced('"a"', '"\\ud800"'),
  replaced('"a"', '"é𝄞\\n\\/"'),
  replaced('1.5', '-1.5e-3'),
  replaced('3', '3.0e2'),
  replaced('1767225600000', '"2026-01-01T00:00:00Z"'),
]

/** The good value with that number: a reading, now and then one written oddly. */
export function goodValue(index: number): Uint8Array {
  const odd = index % 7 === 0 ? oddities[(index / 7) % oddities.length] : undefined
  if (odd !== undefined) return Buffer.from(odd)
  const inner = { flag: index % 2 === 0 }
  const at = beginMs + index
  return Buffer.from(
    JSON.stringify({ id: `s${index % 50}`, value: index / 4, count: index, at, inner }),
  )
}

export interface TestRecord extends LogRecord {
  /** Set where the record is bad. */
  readonly reason?: string
}

const LARGE_BYTES = 5 * 1024 ** 2

/**
 * `count` records, every hundredth of them bad in the next way, every seventh without a key; one
 * good and one bad of 5 MiB among them.
 */
export function mixedRecords(
  count: number,
  bad: readonly BadValue[] = badValues,
  seed = 0,
): TestRecord[] {
  const large = 'x'.repeat(LARGE_BYTES)
  return Array.from({ length: count }, (_, index): TestRecord => {
    const number = index + seed
    const key = number % 7 === 3 ? null : Buffer.from([0x6b, 0x00, 0xff, number & 0xff])
    const headers = number % 3 === 0 ? [{ key: 'h', value: Buffer.from([0xff, 0x00]) }] : undefined
    const record = { key, timestamp: beginMs + index, ...(headers && { headers }) }
    if (index % 100 === 50) return { ...record, ...bad[((number - 50) / 100) % bad.length] }
    if (index === 120) {
      return { ...record, value: Buffer.from(replaced('}}', `},"note":"${large}"}`)) }
    }
    if (index === 130) {
      const value = Buffer.from(replaced('}}', `},"note":"${large}`))
      return { ...record, value, reason: 'invalid-json' }
    }
    return { ...record, value: goodValue(number) }
  })
}
