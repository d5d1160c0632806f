// Keys of agents' tables: what the cache finds a row by, and the bytes of it in the store and on
// the changelog. Made once a table, by whoever declares it.
import { KEY_BYTES_MAX } from '../batch/keys.ts'
import { EuphorionError } from '../errors.ts'
import { Bad } from '../record/bad.ts'
import { type Codec, type CodecLike, codecOf, text } from '../record/codec.ts'
import type { JsonBytes } from '../record/json_bytes.ts'
import type { ScalarType } from '../record/schema.ts'

/** Compared as a Map compares: the same for the same bytes, and for no others. */
export type CacheKey = string | number | bigint | boolean

export interface KeyForm<K> {
  readonly codec: Codec<K>
  /** Of a key of another type too: then encode() refuses it. Throws RECORD_INVALID. */
  cacheKey(key: K): CacheKey
  /** Throws RECORD_INVALID. */
  encode(key: CacheKey): Uint8Array
  /** Appends what encode() gives, of a key that it took before. */
  write(to: JsonBytes, key: CacheKey): void
  /** Bytes of the store. Throws STORE_FAILED. */
  decode(bytes: Uint8Array): K
}

/** Whose values are their own cache keys: one text for each, and no two with the same. */
const direct: readonly ScalarType[] = ['string', 'integer', 'int64', 'float64', 'boolean']

export function keyForm<K>(table: string, type: CodecLike<K>): KeyForm<K> {
  const codec = codecOf(type)
  const isText = (codec as unknown) === text()
  const isInteger = 'schema' in type && type.schema.type === 'integer'
  const isDirect = 'schema' in type && direct.some((each) => each === type.schema.type)
  const decode = (bytes: Uint8Array): K => {
    // what is handed out must not be the store's own bytes
    const key = codec.decode(new Uint8Array(bytes))
    if (!(key instanceof Bad)) return key
    throw new EuphorionError('STORE_FAILED', `a stored key is no ${codec.name}: ${key.reason}`, {
      place: { table },
    })
  }
  if (isText || isDirect) {
    const encode = (key: CacheKey) => keyBytes(table, codec, key as K)
    const write = (to: JsonBytes, key: CacheKey): void => {
      if (isText && to.ascii(key as string)) return
      if (isInteger) to.integer(key as number)
      else to.raw(encode(key))
    }
    return { codec, cacheKey: (key) => key as CacheKey, encode, write, decode }
  }
  return {
    codec,
    cacheKey: (key) => Buffer.from(keyBytes(table, codec, key)).toString('latin1'),
    encode: bytesOf,
    write: (to, key) => to.raw(bytesOf(key)),
    decode,
  }
}

function bytesOf(key: CacheKey): Buffer {
  return Buffer.from(key as string, 'latin1')
}

function keyBytes<K>(table: string, codec: Codec<K>, key: K): Uint8Array {
  const bytes = codec.encode(key)
  if (bytes === null) throw refused(table, 'null is no key')
  if (bytes.length > KEY_BYTES_MAX)
    throw refused(table, `a key of ${bytes.length} bytes is longer than ${KEY_BYTES_MAX}`)
  return bytes
}

function refused(table: string, message: string): EuphorionError {
  return new EuphorionError('RECORD_INVALID', message, { place: { table } })
}
