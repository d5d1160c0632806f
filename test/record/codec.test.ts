import { codecOf, json, raw, text } from '../../src/record/codec.ts'
import {
  bytes,
  int64,
  integer,
  literal,
  nullable,
  string,
  timestamp,
} from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { codecContract } from '../contract/codec.ts'

const notUtf8 = Uint8Array.of(0xff)
const utf8 = (content: string) => Buffer.from(content, 'utf8')

codecContract('raw', {
  codec: raw(),
  values: [
    [Uint8Array.of(0, 255), '\u0000\u00ff'],
    [new Uint8Array(0), ''],
    [null, null],
  ],
  bad: [],
  unfit: ['x', 1, undefined, [1]],
})

for (const [name, codec] of [
  ['text', text()],
  ['string', codecOf(string())],
] as const)
  codecContract(name, {
    codec,
    values: [
      ['', ''],
      ['é', '\u00c3\u00a9'],
      ['\ufeffx', '\u00ef\u00bb\u00bfx'],
      ['"quoted"', '"quoted"'],
    ],
    bad: [
      [null, 'null-value'],
      [notUtf8, 'invalid-utf8'],
    ],
    unfit: [1, null, undefined, 'a\ud800'],
  })

codecContract('bytes', {
  codec: codecOf(bytes()),
  values: [[Uint8Array.of(1, 255), '\u0001\u00ff']],
  bad: [[null, 'null-value']],
  unfit: ['x', null],
})

codecContract<unknown>('json', {
  codec: json(),
  values: [
    [{ a: [1, null, 'x'] }, '{"a":[1,null,"x"]}'],
    [null, 'null'],
    [3, '3'],
  ],
  bad: [
    [null, 'null-value'],
    [utf8(''), 'invalid-json'],
    [utf8('{'), 'invalid-json'],
    [notUtf8, 'invalid-utf8'],
  ],
  unfit: [undefined, 1n, () => 1],
})

codecContract('integer', {
  codec: codecOf(integer()),
  values: [
    [42, '42'],
    [-1, '-1'],
  ],
  bad: [
    [null, 'null-value'],
    [utf8('1.5'), 'wrong-type'],
    [utf8('"1"'), 'wrong-type'],
    [utf8('x'), 'invalid-json'],
    [notUtf8, 'invalid-utf8'],
  ],
  unfit: ['1', 1.5, null, 1n],
})

codecContract('int64', {
  codec: codecOf(int64()),
  values: [[9_007_199_254_740_993n, '9007199254740993']],
  bad: [[utf8('9223372036854775808'), 'wrong-type']],
  unfit: [1, 2n ** 63n],
})

codecContract('timestamp', {
  codec: codecOf(timestamp()),
  values: [[1_700_000_000_000, '1700000000000']],
  bad: [[utf8('"yesterday"'), 'wrong-type']],
  unfit: ['2024-01-01', 1.5],
})

const Reading = record('Reading', { id: string(), n: int64() })

codecContract('record', {
  codec: codecOf(Reading),
  values: [[{ id: 'é', n: 5n }, '{"id":"\u00c3\u00a9","n":5}']],
  bad: [
    [null, 'null-value'],
    [utf8('null'), 'not-an-object'],
    [utf8('{"id":"a"}'), 'missing-field'],
  ],
  unfit: [null, undefined, {}, { id: 'a', n: 5 }],
})

codecContract('nullable record', {
  codec: codecOf(nullable(Reading)),
  values: [
    [null, null],
    [{ id: '', n: 0n }, '{"id":"","n":0}'],
  ],
  bad: [[utf8('[]'), 'wrong-type']],
  unfit: [undefined, {}],
})

// as text, as a string is: a key of either is in the same partition
codecContract('literal of texts', {
  codec: codecOf(literal('DE', 'é')),
  values: [
    ['DE', 'DE'],
    ['é', '\u00c3\u00a9'],
  ],
  bad: [
    [null, 'null-value'],
    [notUtf8, 'invalid-utf8'],
    [utf8('US'), 'wrong-type'],
    [utf8('"DE"'), 'wrong-type'],
  ],
  unfit: ['US', 1, null, undefined],
})

codecContract('literal of texts and others', {
  codec: codecOf(literal('a', 1)),
  values: [
    ['a', '"a"'],
    [1, '1'],
  ],
  bad: [[utf8('a'), 'invalid-json']],
  unfit: ['b', 2],
})
