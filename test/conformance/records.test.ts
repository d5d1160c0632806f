// Values that records and keys may have, in texts that users of Faust know: what is read, what is
// refused, and what is written. Types say what a text is; nothing is guessed from it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Bad } from '../../src/record/bad.ts'
import { type Codec, codecOf, json, raw } from '../../src/record/codec.ts'
import {
  array,
  bytes,
  date,
  decimal,
  float64,
  integer,
  map,
  nullable,
  optional,
  string,
  timestamp,
  union,
} from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'

const Point = record('Point', { x: integer(), y: optional(integer()) })
const Named = record('Named', { name: string() })
const Times = record('Times', { at: date(), others: array(date()), ms: timestamp() })
const Numbers = record('Numbers', { list: array(integer()), by: map(integer()) })
const Either = record('Either', { it: union(Point, string()) })
const Price = record('Price', { price: decimal() })

const instant = '2019-11-05T10:11:12Z'

/** What a value reads, or why it is none, by the type. */
const read: readonly (readonly [
  name: string,
  codec: Codec<never>,
  text: string,
  gives: unknown,
])[] = [
  ['a field that is not declared is left out', codec(Point), '{"x":1,"foo":2}', { x: 1 }],
  [
    'an optional field may be in front of the others',
    codec(Point),
    '{"y":2,"x":1}',
    { x: 1, y: 2 },
  ],
  ['text is no number', codec(Point), '{"x":"abc"}', 'wrong-type'],
  ['not even of digits', codec(Point), '{"x":"3"}', 'wrong-type'],
  ['nor in a list', codec(Numbers), '{"list":["1"],"by":{}}', 'wrong-type'],
  ['nor in a map', codec(Numbers), '{"list":[1],"by":{"k":"3"}}', 'wrong-type'],
  ['a number is no text', codec(Named), '{"name":7}', 'wrong-type'],
  ['null is no text', codec(Named), '{"name":null}', 'wrong-type'],
  ['a field is missing', codec(Named), '{}', 'missing-field'],
  ['a namespace means nothing', codec(Point), '{"x":1,"__faust":{"ns":"ns.Other"}}', { x: 1 }],
  [
    'times are dates, also in lists, or ms',
    codec(Times),
    `{"at":"${instant}","others":["${instant}"],"ms":"${instant}"}`,
    { at: new Date(instant), others: [new Date(instant)], ms: Date.parse(instant) },
  ],
  [
    'a time stays text where text is declared',
    codec(Named),
    `{"name":"${instant}"}`,
    { name: instant },
  ],
  ['one of several types: the record', codec(Either), '{"it":{"x":3}}', { it: { x: 3 } }],
  ['one of several types: the text', codec(Either), '{"it":"zz"}', { it: 'zz' }],
  ['decimals keep their digits', codec(Price), '{"price":"1.20"}', { price: '1.20' }],
  ['NaN is no decimal', codec(Price), '{"price":"NaN"}', 'wrong-type'],
  ['Infinity is none', codec(Price), '{"price":"-Infinity"}', 'wrong-type'],
  [
    'a thousand and one digits are none',
    codec(Price),
    `{"price":"${'9'.repeat(1001)}"}`,
    'wrong-type',
  ],
  ['no JSON', codec(Point), '{"x":', 'invalid-json'],
  ['a whole number', codec(integer()), '23', 23],
  ['a number', codec(float64()), '2.5', 2.5],
  ['text as it is', codec(string()), 'abc', 'abc'],
  ['text in quotes, where JSON is declared', json() as Codec<never>, '"abc"', 'abc'],
]

function codec(type: Parameters<typeof codecOf>[0]): Codec<never> {
  return codecOf(type) as Codec<never>
}

describe('is read, or refused for its reason:', () => {
  for (const [name, type, text, gives] of read)
    test(name, () => {
      const value: unknown = type.decode(Buffer.from(text))
      const found = value instanceof Bad ? value.reason : value
      assert.deepEqual(found, gives)
    })
})

const write: readonly (readonly [
  name: string,
  type: Codec<never>,
  value: unknown,
  text: unknown,
])[] = [
  ['a record says nothing of its type', codec(Point), { x: 10, y: 0 }, '{"x":10,"y":0}'],
  ['what is absent is not written', codec(Point), { x: 1 }, '{"x":1}'],
  ['what is not declared is not written', codec(Point), { x: 1, foo: 2 }, '{"x":1}'],
  ['a name that is a number is text in JSON', json() as Codec<never>, { 1: 'a' }, '{"1":"a"}'],
  ['bytes as they are', raw() as Codec<never>, Buffer.from('ab'), 'ab'],
  ['no bytes', raw() as Codec<never>, null, null],
  [
    'bytes of a field are base64',
    codec(record('B', { b: bytes() })),
    { b: Buffer.from('ab') },
    '{"b":"YWI="}',
  ],
  ['a key that is text', codec(string()), 'abc', 'abc'],
  ['no key', codec(nullable(string())), null, null],
  ['a key that is a number', codec(integer()), 3, '3'],
  ['a key that is a record', codec(Point), { x: 1 }, '{"x":1}'],
]

describe('is written as', () => {
  for (const [name, type, value, text] of write)
    test(name, () => {
      const encoded = type.encode(value as never)
      assert.equal(encoded === null ? null : Buffer.from(encoded).toString(), text)
    })
})
