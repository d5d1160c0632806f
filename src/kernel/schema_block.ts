// A record's shape and the plan's columns as bytes that assembly/json/extract.ts reads.
// Relocatable: every offset counts from the start of the block. Made once for each plan by the
// lanes' host.
//
//   block   0  u32 bytes      4  u32 root page      8  u32 columns
//          12  u32 offset and 16 u32 bytes of the JSON text of the checked fields' schemas
//          24  u48 hash of that text
//
//   page    0  u16 fields     2  u16 hint        4  u32 next page (more than 64 fields) or 0
//           8  u64 required fields, a bit each  16  u64 lengths of names, a bit each (63: longer)
//          24  fields; a page without any has one that no key matches
//
//   field   0  u8 type        1  u8 nullable        2  u8 index in the page      3  u8 hint
//           4  i32 slot, in bytes from the first (-24: none, a slot that nobody reads)
//           8  u32 bytes and 12 u32 offset of the name (WTF-8, closing quote, padding)
//          16  16 bytes: the name, its closing quote, zeros; as far as they go
//          32  u32 mask of the bytes above that a key has to equal; bit 16: only escapes write it
//          36  u32 page of a record, index of a checked field, or offset of a literal's texts
//          40  u32 offset and 44 u32 number of the slots (u32, in bytes) inside a record
//
//   texts   0  u32 index of the checked field
//           4  u32 number, then each: u32 bytes, text, padding
//
// A hint is where the scratch notes which field came after this one (or first); 255: nowhere.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { FieldSchema, LiteralValue, RecordSchema } from '../record/schema.ts'
import type { Column, ColumnType } from './plan.ts'

/** Bytes of a column's slot; the scratch before the slots, as assembly/json/layout.ts has them. */
export const slotBytes = 24
export const slotScratchBytes = 64

/** Where the text of the checked fields' schemas lies in a block. */
export const blockText = { at: 12, bytes: 16, hash: 24, hashBytes: 6 }

const headerBytes = 32
const pageBytes = 24
const fieldBytes = 48
const pageFields = 64
const depthMax = 64
const unmatched = 1 << 16
const checked = 0
const number = 9
const record = 8
const literal = 10
const hintsMax = 16
const noHint = 255
/** How kernels number the types of columns. */
export const columnCodes: Readonly<Record<ColumnType, number>> = {
  string: 1,
  float64: 2,
  float32: 3,
  integer: 4,
  timestamp: 5,
  int64: 6,
  boolean: 7,
}

type Field = RecordSchema['fields'][number]

/**
 * Encodes a record for extractJson; column i of `columns` is slot i. Columns name declared fields
 * of their own type, each at most once.
 */
export function encodeSchemaBlock(schema: RecordSchema, columns: readonly Column[]): Uint8Array {
  const encoder = new Encoder(columns)
  return encoder.encode(schema)
}

class Encoder {
  readonly #columns: readonly Column[]
  readonly #slots: Map<string, number>
  readonly #checked: FieldSchema[] = []
  readonly #writes: ((view: DataView, bytes: Uint8Array) => void)[] = []
  #cursor = headerBytes
  #hints = 0

  constructor(columns: readonly Column[]) {
    this.#columns = columns
    this.#slots = new Map(columns.map(({ path }, i) => [JSON.stringify(path), i * slotBytes]))
    assert.equal(this.#slots.size, columns.length, 'two columns of one field')
  }

  encode(schema: RecordSchema): Uint8Array {
    const root = this.#pages(schema, [])
    assert.equal(this.#slots.size, 0, `no such field: ${[...this.#slots.keys()].join(', ')}`)
    const text = Buffer.from(JSON.stringify(this.#checked))
    const textAt = this.#take(text.length)
    const bytes = new Uint8Array(this.#take(0))
    const view = new DataView(bytes.buffer)
    view.setUint32(0, bytes.length, true)
    view.setUint32(4, root, true)
    view.setUint32(8, this.#columns.length, true)
    view.setUint32(blockText.at, textAt, true)
    view.setUint32(blockText.bytes, text.length, true)
    const hash = createHash('sha256').update(text).digest()
    bytes.set(hash.subarray(0, blockText.hashBytes), blockText.hash)
    bytes.set(text, textAt)
    for (const write of this.#writes) write(view, bytes)
    return bytes
  }

  /** Room for that many bytes, aligned to 8. */
  #take(bytes: number): number {
    const at = this.#cursor
    this.#cursor = (at + bytes + 7) & ~7
    return at
  }

  #pages(schema: RecordSchema, path: readonly string[]): number {
    assert(path.length < depthMax, 'records nested too deeply')
    const names = new Set(schema.fields.map(([name]) => name))
    assert.equal(names.size, schema.fields.length, `two fields of one name in ${schema.name}`)
    const count = Math.max(1, Math.ceil(schema.fields.length / pageFields))
    const pages = Array.from({ length: count }, (_, i) =>
      this.#page(schema.fields.slice(i * pageFields, (i + 1) * pageFields), path),
    )
    pages.slice(1).forEach((next, i) => {
      this.#writes.push((view) => view.setUint32(pages[i] + 4, next, true))
    })
    return pages[0]
  }

  #page(fields: readonly Field[], path: readonly string[]): number {
    const at = this.#take(pageBytes + Math.max(1, fields.length) * fieldBytes)
    const hint = this.#hint()
    let required = 0n
    let lengths = 0n
    fields.forEach(([name, schema], i) => {
      const bytes = wtf8(name)
      if (!schema.optional) required |= 1n << BigInt(i)
      lengths |= 1n << BigInt(Math.min(bytes.length, 63))
      this.#field(at + pageBytes + i * fieldBytes, i, bytes, schema, [...path, name])
    })
    this.#writes.push((view) => {
      view.setUint16(at, fields.length, true)
      view.setUint16(at + 2, hint, true)
      view.setBigUint64(at + 8, required, true)
      view.setBigUint64(at + 16, lengths, true)
      if (fields.length === 0) view.setUint32(at + pageBytes + 32, unmatched, true)
    })
    return at
  }

  #hint(): number {
    return this.#hints < hintsMax ? this.#hints++ : noHint
  }

  #field(
    at: number,
    index: number,
    name: Uint8Array,
    schema: FieldSchema,
    path: readonly string[],
  ): void {
    const slot = this.#slot(schema, path)
    const type = typeCode(schema, slot >= 0)
    const hint = this.#hint()
    const detail = this.#detail(type, schema, path)
    const inside = type === record ? this.#slotsInside(path) : []
    const clearAt = this.#take(4 * inside.length)
    const nameAt = this.#take(name.length + 1 + 16)
    this.#writes.push((view, bytes) => {
      view.setUint8(at, type)
      view.setUint8(at + 1, schema.nullable ? 1 : 0)
      view.setUint8(at + 2, index)
      view.setUint8(at + 3, hint)
      view.setInt32(at + 4, slot, true)
      view.setUint32(at + 8, name.length, true)
      view.setUint32(at + 12, nameAt, true)
      bytes.set(name, nameAt)
      bytes[nameAt + name.length] = 0x22
      bytes.copyWithin(at + 16, nameAt, nameAt + Math.min(name.length + 1, 16))
      view.setUint32(at + 32, prefixMask(name), true)
      view.setUint32(at + 36, detail, true)
      view.setUint32(at + 40, clearAt, true)
      view.setUint32(at + 44, inside.length, true)
      inside.forEach((s, i) => {
        view.setUint32(clearAt + 4 * i, s, true)
      })
    })
  }

  #slot(schema: FieldSchema, path: readonly string[]): number {
    const key = JSON.stringify(path)
    const slot = this.#slots.get(key)
    if (slot === undefined) return -slotBytes
    this.#slots.delete(key)
    assert.equal(this.#columns[slot / slotBytes].type, schema.type, `type of column ${key}`)
    return slot
  }

  /** Slots of the columns inside a nested record. */
  #slotsInside(path: readonly string[]): number[] {
    const slots = this.#columns.map((column, i) => ({ path: column.path, slot: i * slotBytes }))
    return slots
      .filter((column) => path.every((name, i) => column.path[i] === name))
      .map(({ slot }) => slot)
  }

  #detail(type: number, schema: FieldSchema, path: readonly string[]): number {
    if (schema.type === 'record') return this.#pages(schema, path)
    if (type !== checked && type !== literal) return 0
    const index = this.#checked.push(schema) - 1
    return schema.type === 'literal' ? this.#texts(index, schema.values) : index
  }

  #texts(index: number, values: readonly LiteralValue[]): number {
    const texts = values.map((value) => Buffer.from(JSON.stringify(value)))
    const at = this.#take(texts.reduce((sum, text) => sum + 4 + ((text.length + 3) & ~3), 8))
    this.#writes.push((view, bytes) => {
      view.setUint32(at, index, true)
      view.setUint32(at + 4, texts.length, true)
      let cursor = at + 8
      for (const text of texts) {
        view.setUint32(cursor, text.length, true)
        bytes.set(text, cursor + 4)
        cursor += 4 + ((text.length + 3) & ~3)
      }
    })
    return at
  }
}

function typeCode(schema: FieldSchema, isColumn: boolean): number {
  if (schema.type === 'record') return record
  if (schema.type === 'literal') return literal
  if (!isColumn && (schema.type === 'float64' || schema.type === 'float32')) return number
  return schema.type in columnCodes ? columnCodes[schema.type as ColumnType] : checked
}

/** Names with a byte that JSON text must escape never equal the raw bytes of a key. */
function prefixMask(name: Uint8Array): number {
  const escaped = name.some((byte) => byte < 0x20 || byte === 0x22 || byte === 0x5c)
  const surrogate = name.some((byte, i) => byte === 0xed && name[i + 1] >= 0xa0)
  if (escaped || surrogate) return unmatched
  return 2 ** Math.min(name.length + 1, 16) - 1
}

/** UTF-8, with the three bytes of its code point for a lone surrogate. */
function wtf8(text: string): Uint8Array {
  const parts = Array.from(text, (character) => {
    const code = character.codePointAt(0)!
    return code >= 0xd800 && code <= 0xdfff
      ? Buffer.from([0xed, 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)])
      : Buffer.from(character)
  })
  return Buffer.concat(parts)
}
