// Where a kernel writes the columns of many records (assembly/columns.ts), one after the other in
// one span of shared memory; only the span's own task touches it. Made by ColumnExtractor for each
// extraction.
//
//   span   lane descriptor · notes · slots · block · schema · unescaped text · rejects · arrays ·
//          text area
//
//   block   4  u32 flags (planFlag)    8  u32 most rows       12  u32 rows
//          16  u32 f64[] offsets      20  u32 f64[] times     24  u32 u32[] bytes of the records
//          28  u32 columns            32  u32 text area       36  u32 its next string
//          40  u32 its end            44  u32 spans of keys or 0 48  u32 a record has headers
//          64  columns, 16 bytes: u32 type, u32 slot, u32 array, u32 u8[] presence or 0
//
// Strings are spans, two u32: place in the text area, and bytes with bit 31 where one of them is
// above 0x7f; a key that is null has 0xffffffff. A mark of presence is 1 for a value, 2 for null, 0
// for nothing. Addresses are those of the memory.
import type { SharedMemory } from '../../batch/memory.ts'
import { LANE_BYTES, laneField, laneFlag, SLOT_BYTES, SLOT_NOTES_BYTES } from '../lane_block.ts'
import type { Column, ColumnType } from '../plan.ts'
import { planFlag } from '../plan_block.ts'
import { columnCodes } from '../schema_block.ts'

/** A field that is extracted. */
export interface ExtractedField extends Column {
  /** The field, or a record around it, may be absent or null. */
  readonly mayBeMissing: boolean
}

/** What is extracted; the same for all payloads of a topic. */
export interface ExtractionPlan {
  /** The schema block of the record, with the fields as its columns. */
  readonly schema: Uint8Array
  readonly fields: readonly ExtractedField[]
  /** Of keys: `isText`: UTF-8, `isNeeded`: not null. */
  readonly key: { readonly isText: boolean; readonly isNeeded: boolean }
  /** A bad record ends the extraction. */
  readonly stopsAtBad: boolean
  readonly checkCrcs: boolean
}

/** What there is room for. */
export interface RowsRoom {
  readonly rowsMax: number
  readonly textBytes: number
  /** Keys are extracted too: as text. */
  readonly hasKeys: boolean
}

interface Addresses {
  readonly values: number
  /** 0: the field is always there. */
  readonly present: number
}

const UNESCAPED_BYTES = 64 * 1024
const REJECTS_BYTES = 64 * 1024
const BLOCK_BYTES = 64
const BLOCK_COLUMN_BYTES = 16
const ROWS_AT = 12
const HAS_HEADERS_AT = 48
/** Kernels copy text sixteen bytes at a time, and read schemas so. */
const SLACK_BYTES = 16

const valueBytes: Readonly<Record<ColumnType, number>> = {
  string: 8,
  float64: 8,
  integer: 8,
  timestamp: 8,
  int64: 8,
  float32: 4,
  boolean: 1,
}

/** Bytes of a row beside its fields: offset, time, size. */
export const rowBytesMin = 20

/** Bytes that a row takes of a field's arrays. */
export function rowBytes({ type, mayBeMissing }: ExtractedField): number {
  return valueBytes[type] + (mayBeMissing ? 1 : 0)
}

export class ColumnsBlock {
  readonly memory: SharedMemory
  /** Of the span, which begins with the lane's descriptor: what a task is given. */
  readonly address: number
  readonly offsets: number
  readonly timestamps: number
  readonly sizes: number
  readonly text: number
  /** Spans of the keys; 0 where they are not wanted. */
  readonly keys: number
  readonly columns: readonly Addresses[]
  readonly #block: number

  /** Undefined where the memory has no room for it. */
  static make(
    memory: SharedMemory,
    plan: ExtractionPlan,
    room: RowsRoom,
  ): ColumnsBlock | undefined {
    const layout = new Layout(plan, room)
    const address = memory.tryAllocate(layout.bytes)
    return address === undefined ? undefined : new ColumnsBlock(memory, plan, layout, address)
  }

  private constructor(memory: SharedMemory, plan: ExtractionPlan, layout: Layout, address: number) {
    this.memory = memory
    this.address = address
    this.#block = address + layout.block
    this.offsets = address + layout.offsets
    this.timestamps = address + layout.timestamps
    this.sizes = address + layout.sizes
    this.text = address + layout.text
    this.keys = layout.keys === 0 ? 0 : address + layout.keys
    this.columns = layout.columns.map(({ values, present }) => ({
      values: address + values,
      present: present === 0 ? 0 : address + present,
    }))
    this.#writeDescriptor(plan, layout)
    this.#writeBlock(plan, layout)
  }

  #writeDescriptor(plan: ExtractionPlan, layout: Layout): void {
    const { memory, address } = this
    memory.span(address, LANE_BYTES).fill(0)
    memory.span(address + layout.schema, plan.schema.length).set(plan.schema)
    this.set('schema', address + layout.schema)
    this.set('plan', this.#block)
    this.set('slots', address + LANE_BYTES + SLOT_NOTES_BYTES)
    this.set('text', address + layout.unescaped)
    this.set('textCapacity', UNESCAPED_BYTES)
    this.set('rejects', address + layout.rejects)
    this.set('rejectsCapacity', REJECTS_BYTES)
    const keep = plan.stopsAtBad ? laneFlag.stopAtBad : laneFlag.keepBad
    this.set('flags', keep | (plan.checkCrcs ? laneFlag.checkCrc : 0))
  }

  #writeBlock({ key, fields }: ExtractionPlan, layout: Layout): void {
    const { view } = this.memory
    const block = this.#block
    const keyFlags =
      (key.isText ? planFlag.keyIsText : 0) | (key.isNeeded ? planFlag.keyIsNeeded : 0)
    const words = [0, planFlag.intoColumns | keyFlags, layout.rowsMax, 0]
    words.push(this.offsets, this.timestamps, this.sizes, fields.length)
    words.push(this.text, this.text, this.text + layout.textBytes, this.keys, 0)
    for (const [i, word] of words.entries()) view.setUint32(block + 4 * i, word, true)
    fields.forEach(({ type }, i) => {
      const at = block + BLOCK_BYTES + i * BLOCK_COLUMN_BYTES
      view.setUint32(at, columnCodes[type], true)
      view.setUint32(at + 4, i * SLOT_BYTES, true)
      view.setUint32(at + 8, this.columns[i].values, true)
      view.setUint32(at + 12, this.columns[i].present, true)
    })
  }

  get(field: keyof typeof laneField): number {
    return this.memory.view.getUint32(this.address + laneField[field], true)
  }

  set(field: keyof typeof laneField, value: number): void {
    this.memory.view.setUint32(this.address + laneField[field], value, true)
  }

  /** Every record below it was written, refused or passed over. */
  get nextOffset(): number {
    return Number(this.memory.view.getBigInt64(this.address + laneField.nextOffset, true))
  }

  set nextOffset(offset: number) {
    this.memory.view.setBigInt64(this.address + laneField.nextOffset, BigInt(offset), true)
  }

  /** Rows that were written. */
  get rows(): number {
    return this.memory.view.getUint32(this.#block + ROWS_AT, true)
  }

  /** The text that was written. */
  get textBytes(): number {
    return this.memory.view.getUint32(this.#block + 36, true) - this.text
  }

  /** True: at least one record has some. */
  get hasHeaders(): boolean {
    return this.memory.view.getUint32(this.#block + HAS_HEADERS_AT, true) !== 0
  }

  free(): void {
    this.memory.free(this.address)
  }
}

/** Places from the span's start. */
class Layout {
  readonly rowsMax: number
  readonly textBytes: number
  readonly block: number
  readonly schema: number
  readonly unescaped: number
  readonly rejects: number
  readonly offsets: number
  readonly timestamps: number
  readonly sizes: number
  readonly columns: readonly Addresses[]
  readonly keys: number
  readonly text: number
  bytes = 0

  constructor({ fields, schema }: ExtractionPlan, { rowsMax, textBytes, hasKeys }: RowsRoom) {
    this.rowsMax = rowsMax
    this.textBytes = textBytes
    this.#take(LANE_BYTES + SLOT_NOTES_BYTES + fields.length * SLOT_BYTES)
    this.block = this.#take(BLOCK_BYTES + fields.length * BLOCK_COLUMN_BYTES)
    this.schema = this.#take(schema.length + SLACK_BYTES)
    this.unescaped = this.#take(UNESCAPED_BYTES)
    this.rejects = this.#take(REJECTS_BYTES)
    this.offsets = this.#take(8 * rowsMax)
    this.timestamps = this.#take(8 * rowsMax)
    this.sizes = this.#take(4 * rowsMax)
    this.columns = fields.map(({ type, mayBeMissing }) => ({
      values: this.#take(valueBytes[type] * rowsMax),
      present: mayBeMissing ? this.#take(rowsMax) : 0,
    }))
    this.keys = hasKeys ? this.#take(8 * rowsMax) : 0
    this.text = this.#take(textBytes + SLACK_BYTES)
  }

  /** Aligned to 8. */
  #take(bytes: number): number {
    const at = this.bytes
    this.bytes = (at + bytes + 7) & ~7
    return at
  }
}
