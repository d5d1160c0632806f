import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytes, inputAt, kernels } from '../support/json_kernel.ts'

function bitwise(data: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

function kernel(data: Uint8Array, offset: number): number {
  bytes.set(data, inputAt + offset)
  return kernels.crc32c(inputAt + offset, data.length) >>> 0
}

test('CRC-32C has the known values', () => {
  assert.equal(kernel(Buffer.from(''), 0), 0)
  assert.equal(kernel(Buffer.from('123456789'), 0), 0xe3069283)
  // RFC 3720, B.4.
  assert.equal(kernel(Buffer.alloc(32), 0), 0x8a9136aa)
  assert.equal(kernel(Buffer.alloc(32, 0xff), 0), 0x62a8ab43)
  assert.equal(
    kernel(
      Uint8Array.from({ length: 32 }, (_, i) => i),
      0,
    ),
    0x46dd794e,
  )
})

test('CRC-32C of any length and alignment equals the bitwise definition', () => {
  const lengths = fc.oneof(
    fc.nat(100),
    fc.nat(2000),
    fc.constantFrom(767, 768, 769, 6143, 6144, 6145, 6912, 12288, 20_000),
  )
  fc.assert(
    fc.property(
      lengths,
      fc.nat(16),
      fc.integer({ min: 1, max: 2 ** 31 }),
      (length, offset, seed) => {
        let state = seed
        const data = Uint8Array.from({ length }, () => {
          state = (Math.imul(state, 1103515245) + 12345) >>> 0
          return state >>> 16
        })
        assert.equal(kernel(data, offset), bitwise(data))
      },
    ),
    { numRuns: 300 },
  )
})
