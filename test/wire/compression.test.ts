import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as zlib from 'node:zlib'
import fc from 'fast-check'
import { EuphorionError } from '../../src/errors.ts'
import {
  type Compression,
  compress,
  decompress,
  prepareCompression,
} from '../../src/wire/compression.ts'
import { crc32c, crc32cSlicing } from '../../src/wire/crc32c.ts'
import { VarintReader, varintSize, writeVarint } from '../../src/wire/varint.ts'

const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] satisfies Compression[]

const text = fc
  .array(fc.constantFrom('/page/', 'a', 'bb', '{"user":', '0123456789', '\0'), { maxLength: 4000 })
  .map((parts) => new Uint8Array(Buffer.from(parts.join(''))))
const contents = fc.oneof(text, fc.uint8Array({ maxLength: 5000 }))

describe('compression', () => {
  for (const codec of codecs) {
    it(`${codec}: gives back any bytes, and no more than the bound`, async () => {
      await prepareCompression(codec)
      fc.assert(
        fc.property(contents, (bytes) => {
          const packed = compress(codec, bytes)
          assert.deepEqual(new Uint8Array(decompress(codec, packed, 1 << 20)), bytes)
          if (bytes.length > 10)
            assert.throws(() => decompress(codec, packed, bytes.length - 1), {
              code: 'RECORD_TOO_LARGE',
            })
        }),
        { numRuns: 60 },
      )
    })

    it(`${codec}: a bomb stops at the bound`, async () => {
      await prepareCompression(codec)
      const bomb = compress(codec, new Uint8Array(40 << 20))
      assert.throws(() => decompress(codec, bomb, 1 << 20), { code: 'RECORD_TOO_LARGE' })
    })

    it(`${codec}: damaged bytes are a coded error or other bytes within the bound`, async () => {
      await prepareCompression(codec)
      const packed = compress(codec, new Uint8Array(Buffer.from('abcabcabcabd'.repeat(500))))
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: packed.length - 1 }),
          fc.integer({ min: 0, max: 255 }),
          fc.boolean(),
          (at, byte, cut) => {
            const damaged = cut ? packed.slice(0, at) : packed.slice()
            if (!cut) damaged[at] = byte
            try {
              assert.ok(decompress(codec, damaged, 100_000).length <= 100_000)
            } catch (error) {
              assert.ok(error instanceof EuphorionError, String(error))
            }
          },
        ),
        { numRuns: 300 },
      )
    })
  }

  it('decodes raw snappy too', () => {
    const raw = new Uint8Array([9, 0x20, ...Buffer.from('123456789')])
    assert.equal(Buffer.from(decompress('snappy', raw, 100)).toString(), '123456789')
  })

  it('decodes an overlapping lz4 match, a stored block and two frames', () => {
    const frame = Buffer.from('04224d186040820500000018610100500000000000', 'hex')
    const block = Buffer.from([0x1f, 0x61, 0x01, 0x00, 0x05, 0x10, 0x62])
    const head = Buffer.from('04224d18604082', 'hex')
    const size = Buffer.alloc(4)
    size.writeUInt32LE(block.length)
    const stored = Buffer.from([3, 0, 0, 0x80, 0x78, 0x79, 0x7a])
    const end = Buffer.alloc(4)
    const whole = Buffer.concat([head, size, block, stored, end, head, stored, end])
    assert.equal(
      Buffer.from(decompress('lz4', whole, 1000)).toString(),
      `${'a'.repeat(1 + 19 + 5)}bxyzxyz`,
    )
    assert.throws(() => decompress('lz4', frame, 1000), { code: 'BATCH_CORRUPT' })
  })

  it('gzip is what zlib reads', () => {
    const bytes = new Uint8Array(Buffer.from('hello'))
    assert.deepEqual(new Uint8Array(zlib.gunzipSync(compress('gzip', bytes))), bytes)
  })
})

describe('crc32c', () => {
  it('has the known value, in both implementations', () => {
    const check = new Uint8Array(Buffer.from('123456789'))
    assert.equal(crc32c(check), 0xe3069283)
    assert.equal(crc32cSlicing(check), 0xe3069283)
    assert.equal(crc32cSlicing(new Uint8Array(32)), 0x8a9136aa)
  })

  it('agrees with the slicing implementation on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.equal(crc32c(bytes), crc32cSlicing(bytes))
      }),
    )
  })
})

describe('varint', () => {
  it('gives back any integer within ±2^52 and knows its size', () => {
    const bytes = new Uint8Array(10)
    fc.assert(
      fc.property(
        fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 52), max: 2 ** 52 })),
        (value) => {
          const end = writeVarint(bytes, 0, value)
          assert.equal(end, varintSize(value))
          const reader = new VarintReader(bytes, 0, end)
          assert.equal(reader.read(), value)
          assert.equal(reader.at, end)
          assert.throws(() => new VarintReader(bytes, 0, end - 1).read(), { code: 'BATCH_CORRUPT' })
        },
      ),
    )
  })
})
