// What the compiler infers from declared records. The assertions are made when this file is
// compiled;
// a `@ts-expect-error` without an error fails the build.
import { test } from 'node:test'
import type { Bad } from '../../src/record/bad.ts'
import {
  type Codec,
  codecOf,
  json,
  type raw,
  type text,
  type ValueOf,
} from '../../src/record/codec.ts'
import {
  array,
  boolean,
  bytes,
  date,
  decimal,
  float32,
  float64,
  type Infer,
  int64,
  integer,
  literal,
  map,
  nullable,
  optional,
  string,
  timestamp,
  union,
} from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { check, type Equal } from './equal.ts'

const Reading = record('Reading', { id: string(), value: float64() })

const Everything = record('Everything', {
  flag: boolean(),
  whole: integer(),
  big: int64(),
  small: float32(),
  blob: bytes(),
  at: timestamp(),
  day: date(),
  price: decimal(),
  maybe: optional(string()),
  none: nullable(integer()),
  both: optional(nullable(string())),
  list: array(nullable(float64())),
  names: map(array(string())),
  kind: literal('view', 'click', 3, true),
  either: union(int64(), string(), Reading),
  inner: record('Inner', { x: optional(integer()), y: string() }),
  perhaps: optional(Reading),
})

test('events have the declared types', () => {
  check<Equal<Infer<typeof Reading>, { id: string; value: number }>>()
  type Event = Infer<typeof Everything>
  check<Equal<Event['flag'], boolean>>()
  check<Equal<Event['whole'], number>>()
  check<Equal<Event['big'], bigint>>()
  check<Equal<Event['small'], number>>()
  check<Equal<Event['blob'], Uint8Array>>()
  check<Equal<Event['at'], number>>()
  check<Equal<Event['day'], Date>>()
  check<Equal<Event['price'], string>>()
  check<Equal<Event['none'], number | null>>()
  check<Equal<Pick<Event, 'maybe'>, { maybe?: string }>>()
  check<Equal<Pick<Event, 'both'>, { both?: string | null }>>()
  check<Equal<Event['list'], (number | null)[]>>()
  check<Equal<Event['names'], Record<string, string[]>>>()
  check<Equal<Event['kind'], 'view' | 'click' | 3 | true>>()
  check<Equal<Event['either'], bigint | string | { id: string; value: number }>>()
  check<Equal<Event['inner'], { y: string; x?: number }>>()
  check<Equal<Pick<Event, 'perhaps'>, { perhaps?: { id: string; value: number } }>>()
})

test('wrong events and wrong field types do not compile', () => {
  const good: Infer<typeof Reading> = { id: 'a', value: 1 }
  // @ts-expect-error a field is missing
  const missing: Infer<typeof Reading> = { id: 'a' }
  // @ts-expect-error a field has another type
  const wrong: Infer<typeof Reading> = { id: 'a', value: '1' }
  // @ts-expect-error there is no such field
  const extra: Infer<typeof Reading> = { id: 'a', value: 1, more: 2 }
  // @ts-expect-error items of an array cannot be absent
  array(optional(string()))
  // @ts-expect-error nor can a member of a union
  union(string(), optional(integer()))
  void [good, missing, wrong, extra]
})

test('codecs have the type of their values', () => {
  check<Equal<ReturnType<typeof raw>, Codec<Uint8Array | null>>>()
  check<Equal<ReturnType<typeof text>, Codec<string>>>()
  const anything = json()
  check<Equal<typeof anything, Codec<unknown>>>()
  const reading = codecOf(Reading)
  check<Equal<typeof reading, Codec<{ id: string; value: number }>>>()
  check<Equal<ReturnType<typeof reading.decode>, { id: string; value: number } | Bad>>()
  const optionalKey = codecOf(nullable(string()))
  check<Equal<typeof optionalKey, Codec<string | null>>>()
  check<Equal<ValueOf<typeof Reading>, { id: string; value: number }>>()
  check<Equal<ValueOf<ReturnType<typeof text>>, string>>()
  const key = codecOf(int64())
  // @ts-expect-error a bigint is wanted
  if (key === undefined) key.encode(1)
})
