// extractJson and the codecs over one memory of their own, for tests and benches that want a kernel
// without lanes. Fills what lies behind a value with bytes that would continue it, so that a read
// past the end shows.
import { readFileSync } from 'node:fs'
import { wasm } from '../../src/batch/wasm.ts'
import { kernelImports } from '../../src/kernel/imports.ts'
import type { Column } from '../../src/kernel/plan.ts'
import { encodeSchemaBlock, slotBytes, slotScratchBytes } from '../../src/kernel/schema_block.ts'
import { fillTables } from '../../src/kernel/tables.ts'
import type { RecordSchema } from '../../src/record/schema.ts'

export interface KernelFunctions {
  extractJson(
    schema: number,
    value: number,
    length: number,
    slots: number,
    text: number,
    textCapacity: number,
  ): number
  crc32c(at: number, length: number): number
  lz4Decode(source: number, length: number, target: number, capacity: number): number
  snappyDecode(source: number, length: number, target: number, capacity: number): number
}

const pages = 256

export const memory = new wasm.Memory({ initial: pages, maximum: pages, shared: true })
fillTables(memory)
const module = new wasm.Module(readFileSync(new URL('../../kernels.wasm', import.meta.url)))
export const kernels = new wasm.Instance(module, kernelImports(memory))
  .exports as unknown as KernelFunctions
export const bytes = Buffer.from(memory.buffer)

const schemaAt = 1 << 17
const slotsAt = 1 << 19
const textAt = 1 << 20
/** Where values and codec input go; up to 4 MiB. */
export const inputAt = 1 << 22
export const outputAt = 1 << 23

export type Extracted = string | number | bigint | boolean | null | undefined

/** extractJson for one schema; the last one made is the one that works. */
export class JsonKernel {
  readonly #columns: readonly Column[]
  readonly #slots = new DataView(memory.buffer, slotsAt)
  /** Bytes given to the kernel for unescaped strings; undefined: as many as the value has. */
  textCapacity: number | undefined

  constructor(schema: RecordSchema, columns: readonly Column[]) {
    this.#columns = columns
    bytes.set(encodeSchemaBlock(schema, columns), schemaAt)
    bytes.fill(0xa5, slotsAt - slotScratchBytes, slotsAt + columns.length * slotBytes)
  }

  /** Copies the value in, with `tail` behind it. */
  place(value: Uint8Array, tail: Uint8Array): void {
    bytes.set(value, inputAt)
    bytes.set(tail, inputAt + value.length)
  }

  /** Spoils what the kernel notes from record to record before the slots. */
  scramble(byte: number): void {
    bytes.fill(byte, slotsAt - slotScratchBytes, slotsAt)
  }

  /** The reason, 0 or -1, for a value that was placed. */
  run(length: number): number {
    const capacity = this.textCapacity ?? length
    return kernels.extractJson(schemaAt, inputAt, length, slotsAt, textAt, capacity)
  }

  extract(value: Uint8Array, tail: Uint8Array = new Uint8Array(0)): number {
    this.place(value, tail)
    return this.run(value.length)
  }

  /** Places many values one after the other; `sum` extracts all and adds up a numeric column. */
  placeAll(values: readonly Uint8Array[]): { sum(column: number): number } {
    const places = new Uint32Array(values.length)
    const lengths = Uint32Array.from(values, (value) => value.length)
    let at = inputAt
    values.forEach((value, i) => {
      bytes.set(value, at)
      places[i] = at
      at += value.length + 8
    })
    const { extractJson } = kernels
    const sum = (column: number) => {
      let total = 0
      for (let i = 0; i < places.length; i++) {
        if (extractJson(schemaAt, places[i], lengths[i], slotsAt, textAt, 4096) !== 0)
          return Number.NaN
        total += this.#slots.getFloat64(column * slotBytes + 16, true)
      }
      return total
    }
    return { sum }
  }

  values(): Extracted[] {
    return this.#columns.map((column, i) => this.#value(column, i * slotBytes))
  }

  #value(column: Column, slot: number): Extracted {
    const state = this.#slots.getUint32(slot, true)
    if (state !== 2) return state === 1 ? null : undefined
    if (column.type === 'int64') return this.#slots.getBigInt64(slot + 16, true)
    if (column.type === 'string') {
      const at = this.#slots.getUint32(slot + 4, true)
      return wtf8(bytes.subarray(at, at + this.#slots.getUint32(slot + 8, true)))
    }
    const value = this.#slots.getFloat64(slot + 16, true)
    return column.type === 'boolean' ? value === 1 : value
  }
}

function wtf8(text: Uint8Array): string {
  let out = ''
  for (let at = 0; at < text.length; ) {
    const lead = text[at]
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    let code = length === 1 ? lead : lead & (0xff >> (length + 1))
    for (let i = at + 1; i < at + length; i++) code = (code << 6) | (text[i] & 63)
    out += String.fromCodePoint(code)
    at += length
  }
  return out
}
