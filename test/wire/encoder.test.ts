// The primitive types of the protocol: what Encoder writes Decoder reads, in both encodings, and
// what cannot be read is refused before anything is made of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Decoder } from '../../src/wire/decoder.ts'
import { Encoder } from '../../src/wire/encoder.ts'

const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31)
console.log(`seed of the primitive types: ${seed} (FC_SEED repeats it)`)

const encodings = [false, true]

/** Bytes that `write` writes. */
function written(flexible: boolean, write: (to: Encoder) => void): Buffer {
  // So small that every write may have to grow it.
  const to = new Encoder(1)
  to.flexible = flexible
  write(to)
  assert.equal(to.size, to.finish().length)
  return Buffer.from(to.finish())
}

function decoderOf(flexible: boolean, bytes: Buffer): Decoder {
  const from = new Decoder(bytes)
  from.flexible = flexible
  return from
}

/** Writes and reads; nothing may be left over. */
function through<T>(
  flexible: boolean,
  write: (to: Encoder) => void,
  read: (from: Decoder) => T,
): T {
  const from = decoderOf(flexible, written(flexible, write))
  const value = read(from)
  assert.equal(from.left, 0)
  return value
}

const violated = { code: 'PROTOCOL_VIOLATED' }

test('integers at their limits', () => {
  for (const [type, limits] of [
    ['int8', [-128, -1, 0, 127]],
    ['int16', [-32_768, -1, 0, 32_767]],
    ['int32', [-2_147_483_648, -1, 0, 2_147_483_647]],
    [
      'int64',
      [
        -Number.MAX_SAFE_INTEGER,
        -(2 ** 53),
        -(2 ** 32) - 1,
        -(2 ** 32),
        -(2 ** 31),
        -1,
        0,
        1,
        2 ** 31,
        2 ** 32 - 1,
        2 ** 32,
        2 ** 32 + 1,
        2 ** 53 - 1,
        2 ** 53,
      ],
    ],
  ] as const)
    for (const value of limits)
      assert.equal(
        through(
          false,
          (to) => to[type](value),
          (from) => from[type](),
        ),
        value,
        `${type} ${value}`,
      )
})

test('an int64 has the bytes of the same BigInt', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const expected = Buffer.alloc(8)
      expected.writeBigInt64BE(BigInt(value))
      assert.deepEqual(
        written(false, (to) => to.int64(value)),
        expected,
      )
    }),
    { seed },
  )
})

test('booleans: what is not 0 is true', () => {
  for (const value of [false, true])
    assert.equal(
      through(
        false,
        (to) => to.boolean(value),
        (from) => from.boolean(),
      ),
      value,
    )
  assert.equal(new Decoder(Buffer.from([7])).boolean(), true)
})

test('varints where a byte is added', () => {
  for (const [value, bytes] of [
    [0, [0]],
    [1, [1]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [16_383, [0xff, 0x7f]],
    [16_384, [0x80, 0x80, 1]],
    [2_097_151, [0xff, 0xff, 0x7f]],
    [2_097_152, [0x80, 0x80, 0x80, 1]],
    [268_435_455, [0xff, 0xff, 0xff, 0x7f]],
    [268_435_456, [0x80, 0x80, 0x80, 0x80, 1]],
    [2_147_483_647, [0xff, 0xff, 0xff, 0xff, 7]],
    [2_147_483_648, [0x80, 0x80, 0x80, 0x80, 8]],
  ] as const) {
    assert.deepEqual([...written(true, (to) => to.uvarint(value))], bytes)
    assert.equal(decoderOf(true, Buffer.from(bytes)).uvarint(), value)
  }
  // Longer than needed, which is allowed, and than possible, which is not.
  assert.equal(decoderOf(true, Buffer.from([0x81, 0x80, 0])).uvarint(), 1)
  assert.throws(() => decoderOf(true, Buffer.alloc(9, 0x80)).uvarint(), violated)
  assert.throws(() => decoderOf(true, Buffer.from([0x80, 0x80])).uvarint(), violated)
})

test('texts and bytes come back as they were, in both encodings', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(0, 1, 126, 127, 128, 16_382, 16_383).map((length) => 'x'.repeat(length)),
  )
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.option(text),
      fc.option(fc.uint8Array({ maxLength: 300 })),
      fc.array(text, { maxLength: 5 }),
      (flexible, name, data, names) => {
        const read = through(
          flexible,
          (to) => {
            to.nullableString(name)
            to.bytes(data)
            to.array(names, (each) => to.string(each))
            to.array(null, () => assert.fail('null has no elements'))
            to.structures(names, (each) => to.string(each))
            to.structures(null, () => assert.fail('null has no elements'))
            to.end()
          },
          (from) =>
            from.structure(() => [
              from.nullableString(),
              from.nullableBytes(),
              from.array(() => from.string()),
              from.nullableArray(() => from.string()),
              from.structures(() => from.string()),
              from.structures(() => from.string()),
            ]),
        )
        assert.deepEqual(read, [name, data && Buffer.from(data), names, null, names, []])
      },
    ),
    { seed },
  )
})

test('lengths of both encodings', () => {
  const both = (write: (to: Encoder) => void) =>
    encodings.map((flexible) => written(flexible, write).toString('hex'))
  assert.deepEqual(
    both((to) => to.string('ab')),
    ['00026162', '036162'],
  )
  assert.deepEqual(
    both((to) => to.nullableString(null)),
    ['ffff', '00'],
  )
  assert.deepEqual(
    both((to) => to.bytes(Buffer.from('ab'))),
    ['000000026162', '036162'],
  )
  assert.deepEqual(
    both((to) => to.bytes(null)),
    ['ffffffff', '00'],
  )
  assert.deepEqual(
    both((to) => to.arrayLength(2)),
    ['00000002', '03'],
  )
  assert.deepEqual(
    both((to) => to.end()),
    ['', '00'],
  )
})

test('null where a text must be is refused', () => {
  for (const flexible of encodings) {
    const bytes = written(flexible, (to) => to.nullableString(null))
    assert.throws(() => decoderOf(flexible, bytes).string(), violated)
    const empty = written(flexible, (to) => to.bytes(null))
    assert.equal(decoderOf(flexible, empty).bytesOrEmpty().length, 0)
  }
})

test('tagged fields: known ones are read within their size, others passed over', () => {
  const bytes = Buffer.from([3, 0, 2, 0, 7, 5, 1, 0xff, 9, 0, 0x55])
  const seen: number[][] = []
  const from = decoderOf(true, bytes)
  from.tags((tag, value) => {
    assert.equal(value.flexible, true)
    seen.push([tag, value.left])
    if (tag === 0) assert.equal(value.int16(), 7)
    if (tag === 5) assert.throws(() => value.int16(), violated)
  })
  assert.deepEqual(seen, [
    [0, 2],
    [5, 1],
    [9, 0],
  ])
  assert.equal(from.int8(), 0x55)
  const unread = decoderOf(true, bytes)
  unread.tags()
  assert.equal(unread.at, from.at - 1)
})

test('nothing is read beyond the end that was given', () => {
  const bytes = Buffer.alloc(32, 1)
  for (const read of [
    (from: Decoder) => from.int64(),
    (from: Decoder) => from.uuid(),
    (from: Decoder) => from.skip(5),
    (from: Decoder) => from.skip(-1),
    (from: Decoder) => from.string(),
    (from: Decoder) => from.nullableBytes(),
    (from: Decoder) => from.array(() => from.int8()),
  ])
    assert.throws(() => read(new Decoder(bytes, 0, 4)), violated)
})

test('a length is compared with what is left before anything is made', () => {
  for (const [flexible, hex] of [
    [false, '7fffffff00'],
    [false, '0000000200'],
    [true, 'ffffffff0f00'],
    [true, 'ffffffff7f00'],
    [true, '0300'],
  ] as const) {
    const bytes = Buffer.from(hex, 'hex')
    assert.throws(() => decoderOf(flexible, bytes).arrayLength(), violated, hex)
    assert.throws(() => decoderOf(flexible, bytes).nullableBytes(), violated, hex)
  }
  assert.equal(decoderOf(false, Buffer.from('80000000', 'hex')).arrayLength(), -1)
})

test('long bytes are referred to, in their places; short ones are copied', () => {
  const long = Buffer.alloc(5000, 1)
  const to = new Encoder(4)
  to.int32(0)
  to.bytes(long)
  to.string('between')
  to.raw(long)
  to.raw(long)
  to.int8(7)
  const pieces = to.pieces()
  assert.equal(pieces.filter((piece) => piece === long).length, 3)
  assert.equal(to.size, 4 + 4 + 5000 + 9 + 10_000 + 1)
  to.int32At(0, to.size)
  const whole = to.finish()
  assert.deepEqual(whole, Buffer.concat(to.pieces()))
  const from = new Decoder(whole)
  assert.equal(from.int32(), whole.length)
  assert.deepEqual(from.nullableBytes(), long)
  assert.equal(from.string(), 'between')
  from.skip(10_000)
  assert.equal(from.int8(), 7)
  assert.equal(from.left, 0)
})

test('a reset begins anew in the same buffer', () => {
  const to = new Encoder(64)
  to.flexible = true
  to.int64(1)
  const before = to.finish().buffer
  to.raw(Buffer.alloc(5000))
  to.reset()
  assert.equal(to.size, 0)
  assert.equal(to.flexible, false)
  to.uuid(Buffer.alloc(16, 3))
  assert.equal(to.finish().buffer, before)
  assert.deepEqual(new Decoder(to.finish()).uuid(), Buffer.alloc(16, 3))
})
