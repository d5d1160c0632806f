import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compress, prepareCompression } from '../../src/wire/compression.ts'
import { bytes, inputAt, kernels, outputAt } from '../support/json_kernel.ts'
import { lz4Frame, snappyRaw, xerial } from '../support/lz_encoder.ts'

type Decoder = 'lz4Decode' | 'snappyDecode'
const guard = 64

/** The status; what lies around the target has to stay as it was. */
function decode(decoder: Decoder, input: Uint8Array, capacity: number, offset = 0): number {
  bytes.set(input, inputAt)
  // Behind the source: bytes that must not matter.
  bytes.fill(0x5a, inputAt + input.length, inputAt + input.length + 32)
  const target = outputAt + guard + offset
  bytes.fill(0xee, target - guard, target)
  bytes.fill(0xee, target + capacity, target + capacity + guard)
  const status = kernels[decoder](inputAt, input.length, target, capacity)
  const around = [
    ...bytes.subarray(target - guard, target),
    ...bytes.subarray(target + capacity, target + capacity + guard),
  ]
  assert(
    around.every((byte) => byte === 0xee),
    'wrote outside the target',
  )
  assert(status >= -2 && status <= capacity)
  return status
}

function assertDecodes(decoder: Decoder, input: Uint8Array, data: Buffer, spare: number) {
  assert.equal(decode(decoder, input, data.length + spare, spare), data.length)
  const at = outputAt + guard + spare
  assert(data.equals(bytes.subarray(at, at + data.length)), 'other bytes')
  if (data.length > 0) assert.equal(decode(decoder, input, data.length - 1), -2)
}

const pieces = fc.array(
  fc.tuple(
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 24 }).map((b) => Buffer.from(b)),
      fc
        .constantFrom('{"user":"u0871', '"url":"/page/17","ms":', 'a', 'ab', 'abc')
        .map((s) => Buffer.from(s)),
    ),
    fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 400 })),
  ),
  { maxLength: 30 },
)
/** Data with runs, repeats near and far, and noise. */
const data = fc.tuple(pieces, fc.nat(3)).map(([list, again]) => {
  const once = list.map(([piece, n]) => Buffer.concat(Array.from({ length: n }, () => piece)))
  return Buffer.concat(Array.from({ length: again + 1 }, () => once).flat()).subarray(0, 1 << 18)
})

const options = fc.record({
  blockBytes: fc.constantFrom(100, 1000, 65536),
  linked: fc.boolean(),
  blockChecksum: fc.boolean(),
  contentChecksum: fc.boolean(),
  contentSize: fc.boolean(),
  stored: fc.boolean(),
})

test('decodes what other encoders write', async () => {
  await prepareCompression('lz4')
  await prepareCompression('snappy')
  fc.assert(
    fc.property(data, fc.nat(20), (content, spare) => {
      assertDecodes('lz4Decode', compress('lz4', content), content, spare)
      assertDecodes('snappyDecode', compress('snappy', content), content, spare)
    }),
    { numRuns: 200 },
  )
})

test('decodes every form of an LZ4 frame', () => {
  fc.assert(
    fc.property(data, options, fc.nat(20), (content, how, spare) => {
      assertDecodes('lz4Decode', lz4Frame(content, how), content, spare)
    }),
    { numRuns: 300 },
  )
})

test('decodes frames one after the other, and passes over skippable ones', () => {
  const how = {
    blockBytes: 1000,
    linked: true,
    blockChecksum: true,
    contentChecksum: true,
    contentSize: true,
    stored: false,
  }
  const first = Buffer.from('first '.repeat(500))
  const second = Buffer.from('second '.repeat(500))
  const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
  const input = Buffer.concat([
    lz4Frame(first, how),
    skippable,
    lz4Frame(second, { ...how, linked: false }),
  ])
  assertDecodes('lz4Decode', input, Buffer.concat([first, second]), 0)
})

test('decodes every form of Snappy, raw and in chunks', () => {
  fc.assert(
    fc.property(data, fc.nat(1000), fc.nat(20), (content, how, spare) => {
      assertDecodes('snappyDecode', snappyRaw(content, how), content, spare)
      const middle = content.length >> 1
      const chunks = [content.subarray(0, middle), content.subarray(middle)].map((c) =>
        snappyRaw(c, how),
      )
      assertDecodes('snappyDecode', xerial(chunks), content, spare)
      const joined = Buffer.concat(chunks.map((chunk) => xerial([chunk])))
      assertDecodes('snappyDecode', joined, content, spare)
    }),
    { numRuns: 300 },
  )
})

test('damaged input gives a status and writes nowhere else', () => {
  const damage = fc.array(fc.tuple(fc.nat(1 << 20), fc.nat(255), fc.boolean()), {
    minLength: 1,
    maxLength: 4,
  })
  const small = data.map((content) => content.subarray(0, 3000))
  fc.assert(
    fc.property(small, options, damage, fc.nat(4000), (content, how, places, capacity) => {
      for (const [decoder, good] of [
        ['lz4Decode', lz4Frame(content, how)],
        ['snappyDecode', snappyRaw(content, capacity)],
        ['snappyDecode', xerial([snappyRaw(content, capacity)])],
      ] as const) {
        let bad = Buffer.from(good)
        for (const [place, byte, cut] of places) {
          if (bad.length === 0) break
          // Most damage near the start, where headers and lengths are.
          const at = (byte & 1 ? place : place % 24) % bad.length
          if (cut && byte > 200) bad = bad.subarray(0, at)
          else bad[at] = byte
        }
        decode(decoder, bad, capacity)
        decode(decoder, bad, content.length)
      }
    }),
    { numRuns: 3000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(300), (noise, capacity) => {
      decode('lz4Decode', noise, capacity)
      decode(
        'lz4Decode',
        Buffer.concat([Buffer.from([4, 0x22, 0x4d, 0x18, 0x40, 0x70, 0]), noise]),
        capacity,
      )
      decode('snappyDecode', noise, capacity)
      decode('snappyDecode', xerial([noise]), capacity)
    }),
    { numRuns: 3000 },
  )
})

test('every truncation is corrupt', () => {
  const how = {
    blockBytes: 100,
    linked: true,
    blockChecksum: true,
    contentChecksum: true,
    contentSize: true,
    stored: true,
  }
  const content = Buffer.from(Array.from({ length: 60 }, (_, i) => `{"n":${i}}`).join(''))
  for (const [decoder, good] of [
    ['lz4Decode', lz4Frame(content, how)],
    ['snappyDecode', snappyRaw(content, 0)],
  ] as const)
    for (let length = 1; length < good.length; length++)
      assert.equal(decode(decoder, good.subarray(0, length), 4000), -1, `${decoder} ${length}`)
})
