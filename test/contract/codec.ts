// What every codec keeps to; run for each by test/record/codec.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
import { Bad } from '../../src/record/bad.ts'
import type { Codec } from '../../src/record/codec.ts'

export interface CodecCase<T> {
  readonly codec: Codec<T>
  /** Values and the bytes that they are written as; null for null bytes. */
  readonly values: readonly (readonly [T, string | null])[]
  /** Bytes that are no value, with the reason. */
  readonly bad: readonly (readonly [Uint8Array | null, string])[]
  /** What a program without types may pass. */
  readonly unfit: readonly unknown[]
}

export function codecContract<T>(name: string, { codec, values, bad, unfit }: CodecCase<T>): void {
  test(`${name}: values have their bytes, and come back from them`, () => {
    for (const [value, text] of values) {
      const bytes = codec.encode(value)
      assert.equal(bytes && Buffer.from(bytes).toString('latin1'), text)
      assert.deepEqual(codec.decode(bytes), value)
    }
  })

  test(`${name}: bytes in shared memory are read as well`, () => {
    for (const [value, text] of values) {
      if (text === null) continue
      const shared = new Uint8Array(new SharedArrayBuffer(text.length + 2)).subarray(1, -1)
      shared.set(Buffer.from(text, 'latin1'))
      assert.deepEqual(codec.decode(shared), value instanceof Uint8Array ? shared : value)
    }
  })

  test(`${name}: bad bytes give the reason and throw nothing`, () => {
    for (const [bytes, reason] of bad) {
      const value: unknown = codec.decode(bytes)
      assert(value instanceof Bad, String(bytes))
      assert.equal(value.reason, reason)
    }
  })

  test(`${name}: a value of another type is refused`, () => {
    for (const value of unfit)
      assert.throws(
        () => codec.encode(value as T),
        (error) => error instanceof EuphorionError && error.code === 'RECORD_INVALID',
      )
  })
}
