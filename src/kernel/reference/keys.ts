// The key bytes of a cell from a record's key or columns (layout: batch/keys.ts), for the reference
// lane: where the key is one string the cell is looked up by it, and bytes are made for new cells
// only.
import { isUtf8 } from 'node:buffer'
import { KEY_BYTES_MAX } from '../../batch/keys.ts'
import type { AggregationPlan, ColumnType, Reason } from '../plan.ts'
import type { ColumnValue } from './accumulate.ts'

/** With the flag u only a surrogate without its partner matches. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** UTF-8 of the text; a lone surrogate as its three bytes (WTF-8). */
function textBytes(text: string): Uint8Array {
  if (!LONE_SURROGATE.test(text)) return Buffer.from(text, 'utf8')
  const parts: Buffer[] = []
  for (const character of text) {
    const code = character.codePointAt(0)!
    const lone = code >= 0xd800 && code <= 0xdfff
    parts.push(
      lone
        ? Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)])
        : Buffer.from(character, 'utf8'),
    )
  }
  return Buffer.concat(parts)
}

const SIGN = 1n << 63n

function numberBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  view.setFloat64(0, value === 0 ? 0 : value)
  const bits = view.getBigUint64(0)
  view.setBigUint64(0, bits & SIGN ? ~bits : bits ^ SIGN)
  return bytes
}

function int64Bytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value) ^ SIGN)
  return bytes
}

function escapedBytes(text: string): Uint8Array {
  const escaped: number[] = []
  for (const byte of textBytes(text)) {
    escaped.push(byte)
    if (byte === 0) escaped.push(0xff)
  }
  escaped.push(0, 0)
  return Uint8Array.from(escaped)
}

function columnBytes(type: ColumnType, value: ColumnValue, escaped: boolean): Uint8Array {
  switch (type) {
    case 'string':
      return escaped ? escapedBytes(value as string) : textBytes(value as string)
    case 'boolean':
      return Uint8Array.of(value ? 1 : 0)
    case 'int64':
      return int64Bytes(value as bigint)
    default:
      return numberBytes(value as number)
  }
}

/** Holds the key of the record at hand. */
export class KeyReader {
  /** Tells keys apart. */
  text = ''
  readonly #columns: readonly number[]
  readonly #types: readonly ColumnType[]
  readonly #fromRecord: boolean
  readonly #isText: boolean
  readonly #oneText: boolean
  #bytes: Uint8Array | undefined

  constructor(plan: AggregationPlan) {
    this.#fromRecord = plan.key.from === 'record'
    this.#isText = plan.key.from === 'record' && plan.key.isText === true
    this.#columns = plan.key.from === 'columns' ? plan.key.columns : []
    this.#types = this.#columns.map((column) => plan.columns[column].type)
    this.#oneText = this.#types.length === 1 && this.#types[0] === 'string'
  }

  /** Reads the key, or says why there is none. */
  read(recordKey: Uint8Array | null, values: readonly ColumnValue[]): Reason | undefined {
    if (this.#oneText) return this.#readText(values[this.#columns[0]])
    let bytes = recordKey
    if (!this.#fromRecord) {
      if (this.#columns.some((column) => values[column] === null)) return 'null-key'
      const escaped = this.#columns.length > 1
      bytes = Buffer.concat(
        this.#columns.map((column, at) => columnBytes(this.#types[at], values[column], escaped)),
      )
    }
    if (bytes === null) return 'null-key'
    if (this.#isText && !isUtf8(bytes)) return 'invalid-utf8'
    if (bytes.length > KEY_BYTES_MAX) return 'key-too-long'
    this.#bytes = bytes
    this.text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    return undefined
  }

  bytes(): Uint8Array {
    this.#bytes ??= textBytes(this.text)
    return this.#bytes
  }

  #readText(value: ColumnValue): Reason | undefined {
    if (value === null) return 'null-key'
    const text = value as string
    if (text.length * 3 > KEY_BYTES_MAX && textBytes(text).length > KEY_BYTES_MAX)
      return 'key-too-long'
    this.text = text
    this.#bytes = undefined
    return undefined
  }
}
