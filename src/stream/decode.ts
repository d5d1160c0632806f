// Decodes keys and values for agents.
import assert from 'node:assert'
import { Bad } from '../record/bad.ts'
import type { Codec } from '../record/codec.ts'

/** Codecs may return the bytes that they got; what the user gets must outlive the payload. */
export function decodeOwn<T>(codec: Codec<T>, bytes: Uint8Array | null): T | Bad {
  const value = codec.decode(bytes)
  return value instanceof Uint8Array ? (new Uint8Array(value) as T & Uint8Array) : value
}

/** Of bytes that a kernel has found good. */
export function decodeGood<T>(codec: Codec<T>, bytes: Uint8Array | null): T {
  const value = decodeOwn(codec, bytes)
  assert(!(value instanceof Bad), 'what a kernel takes can be decoded')
  return value
}
