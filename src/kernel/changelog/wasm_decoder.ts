// Decodes one partition of a changelog by the kernel, on the threads of the lanes. What is small,
// and what a kernel cannot go on from (damage, no room), is decoded in plain TypeScript from where
// the kernel stopped: it says what is wrong.
import type { Executor } from '../executor.ts'
import { LANE_BYTES, laneField, laneFlag, laneStatus, laneTask } from '../lane_block.ts'
import { LaneScratch } from '../lane_scratch.ts'
import { decodeField, NO_CUT } from './block.ts'
import { ReferenceDecoder } from './decode.ts'
import type { ChangelogDecoder, DecodedRows } from './kernels.ts'
import type { SharedSpan, SharedSpans } from './shared_spans.ts'
import type { WasmChangelogServices } from './wasm_kernels.ts'

/** Batches up to this are decoded here; their rows hold no shared memory. */
const SMALL_BYTES = 16 * 1024
const CUT_BYTES = 16 * 1024
/** Rows have 8 bytes of their own, records 7 or more, of at least 9 with their key. */
const ROWS_PER_BATCH_BYTE = 1.15
/** Of what is compressed, at first. */
const UNFOLDED = 4
const ROWS_BYTES_MIN = 64 * 1024
const ROWS_BYTES_MAX = 8 << 20

/** Where the rows of one call go. */
interface Call {
  readonly block: SharedSpan
  readonly rows: SharedSpan
  /** Rows that made room for others. */
  readonly pieces: Buffer[]
  records: number
}

export class WasmDecoder implements ChangelogDecoder {
  readonly #table: number
  readonly #services: WasmChangelogServices
  readonly #spans: SharedSpans
  readonly #reference: ReferenceDecoder
  /** Of the last call: it is the caller's until the next. */
  #rows: SharedSpan | undefined
  #isClosed = false

  constructor(table: number, services: WasmChangelogServices, spans: SharedSpans) {
    this.#table = table
    this.#services = services
    this.#spans = spans
    this.#reference = new ReferenceDecoder(table, services)
  }

  async decode(batches: Uint8Array, from: number): Promise<DecodedRows> {
    this.#freeRows()
    if (batches.length <= SMALL_BYTES) return this.#reference.decode(batches, from)
    const { memory } = this.#services
    const isShared = batches.buffer === memory.wasm.buffer
    const input = isShared ? undefined : this.#spans.take(batches.length)
    const isUnread = !isShared && input === undefined
    if (isUnread) return this.#reference.decode(batches, from)
    if (input !== undefined) memory.span(input.address, batches.length).set(batches)
    try {
      return await this.#decodeAt(input?.address ?? batches.byteOffset, batches, from)
    } finally {
      input?.free()
    }
  }

  /** What a call is writing is given back when that ends. */
  close(): void {
    this.#isClosed = true
    this.#freeRows()
    this.#reference.close()
  }

  #freeRows(): void {
    this.#rows?.free()
    this.#rows = undefined
  }

  async #decodeAt(address: number, batches: Uint8Array, from: number): Promise<DecodedRows> {
    const block = this.#spans.take(LANE_BYTES + CUT_BYTES)
    const rows = block && this.#spans.take(rowsBytes(batches))
    let isKept = false
    try {
      if (block === undefined || rows === undefined)
        return await this.#reference.decode(batches, from)
      this.#setBlock(block.address, rows, from)
      this.#set(block, laneField.input, address)
      this.#set(block, laneField.inputLength, batches.length)
      const decoded = await this.#run({ block, rows, pieces: [], records: 0 }, batches)
      isKept = !this.#isClosed && decoded.rows.buffer === this.#services.memory.wasm.buffer
      if (isKept) this.#rows = rows
      return decoded
    } finally {
      block?.free()
      if (!isKept) rows?.free()
    }
  }

  #setBlock(address: number, rows: SharedSpan, from: number): void {
    const { memory, checkCrcs } = this.#services
    const { view } = memory
    memory.span(address, LANE_BYTES).fill(0)
    const set = (field: number, value: number) => view.setUint32(address + field, value, true)
    set(decodeField.rows, rows.address)
    set(decodeField.rowsCapacity, rows.bytes)
    set(decodeField.table, this.#table)
    set(decodeField.cut, address + LANE_BYTES)
    set(decodeField.cutCapacity, CUT_BYTES)
    set(decodeField.cutLength, NO_CUT)
    set(laneField.flags, checkCrcs ? laneFlag.checkCrc : 0)
    view.setBigInt64(address + laneField.nextOffset, BigInt(from), true)
  }

  async #run(call: Call, batches: Uint8Array): Promise<DecodedRows> {
    const { executor, inflatedBytesMax } = this.#services
    const scratch = new LaneScratch(executor, inflatedBytesMax, (address, bytes) => {
      this.#set(call.block, laneField.scratch, address)
      this.#set(call.block, laneField.scratchCapacity, bytes)
    })
    try {
      for (;;) {
        const status = await this.#task(executor, call.block)
        if (status === laneStatus.done) return this.#result(call)
        if (status === laneStatus.scratchFull)
          await scratch.grow(this.#get(call.block, laneField.need))
        else if (status !== laneStatus.full || !this.#makeRoom(call))
          return await this.#rest(call, batches)
      }
    } finally {
      scratch.drop()
    }
  }

  async #task(executor: Executor, { address }: SharedSpan): Promise<number> {
    try {
      return await executor.run(address + laneTask.decodeChangelog)
    } catch (error) {
      executor.releaseScratch(
        this.#services.memory.view.getUint32(address + laneField.scratch, true),
      )
      throw error
    }
  }

  /** Copies the rows out; false where there are none. */
  #makeRoom(call: Call): boolean {
    const length = this.#get(call.block, decodeField.rowsLength)
    if (length === 0) return false
    call.pieces.push(Buffer.from(this.#services.memory.span(call.rows.address, length)))
    call.records += this.#get(call.block, decodeField.count)
    this.#set(call.block, decodeField.rowsLength, 0)
    this.#set(call.block, decodeField.count, 0)
    return true
  }

  #result(call: Call): DecodedRows {
    const { block, pieces } = call
    const { memory } = this.#services
    const cutLength = this.#get(block, decodeField.cutLength)
    const cut =
      cutLength === NO_CUT
        ? undefined
        : Buffer.from(memory.span(block.address + LANE_BYTES, cutLength))
    const nextOffset = Number(memory.view.getBigInt64(block.address + laneField.nextOffset, true))
    const last = memory.span(call.rows.address, this.#get(block, decodeField.rowsLength))
    const records = call.records + this.#get(block, decodeField.count)
    if (pieces.length === 0) return { rows: last, records, cut, nextOffset }
    return { rows: Buffer.concat([...pieces, last]), records, cut, nextOffset }
  }

  /** What the kernel did not do, in plain TypeScript. */
  async #rest(call: Call, batches: Uint8Array): Promise<DecodedRows> {
    const begun = this.#result(call)
    const rest = await this.#reference.decode(batches, begun.nextOffset)
    const rows = Buffer.concat([begun.rows, rest.rows])
    const records = begun.records + rest.records
    return { rows, records, cut: rest.cut ?? begun.cut, nextOffset: rest.nextOffset }
  }

  #get({ address }: SharedSpan, field: number): number {
    return this.#services.memory.view.getUint32(address + field, true)
  }

  #set({ address }: SharedSpan, field: number, value: number): void {
    this.#services.memory.view.setUint32(address + field, value, true)
  }
}

/** Room that is enough for batches that are not compressed, and likely for those that are. */
function rowsBytes(batches: Uint8Array): number {
  const CODEC_AT = 22
  const isCompressed = batches.length > CODEC_AT && (batches[CODEC_AT] & 7) !== 0
  const likely = batches.length * (isCompressed ? UNFOLDED : ROWS_PER_BATCH_BYTE)
  return Math.ceil(isCompressed ? Math.min(ROWS_BYTES_MAX, likely) : likely) + ROWS_BYTES_MIN
}
