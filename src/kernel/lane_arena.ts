// The memory of one lane: its descriptor and everything that the descriptor points to. The host
// keeps its own note of every address, so that a lane whose task failed can be set up anew whatever
// the descriptor says.

import { KEY_BYTES_MAX, KEY_WINDOW_BYTES } from '../batch/keys.ts'
import type { SharedMemory } from '../batch/memory.ts'
import { ROW_HEADER_BYTES } from '../batch/rows.ts'
import {
  LANE_BYTES,
  LANE_KERNEL_BYTES,
  laneField,
  laneWork,
  SLOT_BYTES,
  SLOT_NOTES_BYTES,
} from './lane_block.ts'

/** Cells per index entry at which the index counts as full. */
const LOAD = 0.75
const TEXT_BYTES_MIN = 16 * 1024

/** First sizes of the parts that grow, bytes unless said. */
export interface ArenaSizes {
  /** A power of two. */
  readonly indexEntries: number
  readonly heapBytes: number
  readonly rowsBytes: number
  readonly rowsBytesMax: number
  readonly rejectsBytes: number
}

const usualSizes: ArenaSizes = {
  indexEntries: 4096,
  heapBytes: 256 * 1024,
  rowsBytes: 64 * 1024,
  rowsBytesMax: 1 << 20,
  rejectsBytes: 16 * 1024,
}

const CELL_HEADER_BYTES = 24
const LIKELY_KEY_BYTES = 40
/**
 * The rows buffer grows to this part of the lane's budget: what is left of the memory beside the
 * tables is for large batches and bad records too.
 */
const ROWS_SHARE = 1 / 8

export class LaneArena {
  readonly memory: SharedMemory
  readonly address: number
  readonly #stateBytes: number
  /** Most bytes that heap, index and dirty list may have together. */
  readonly #bytesMax: number
  readonly #spans = new Map<string, { address: number; bytes: number }>()
  readonly #sizes: ArenaSizes
  #entries: number

  constructor(
    memory: SharedMemory,
    options: { columns: number; stateBytes: number; bytesMax: number; sizes?: ArenaSizes },
  ) {
    this.memory = memory
    this.#stateBytes = options.stateBytes
    const longest = CELL_HEADER_BYTES + options.stateBytes + KEY_BYTES_MAX
    const sizes = options.sizes ?? usualSizes
    const heapBytes = Math.max(sizes.heapBytes, longest + 8)
    const rowsBytes = Math.max(sizes.rowsBytes, longest + ROW_HEADER_BYTES + KEY_WINDOW_BYTES)
    const rowsBytesMax = Math.min(sizes.rowsBytesMax, options.bytesMax * ROWS_SHARE)
    this.#sizes = { ...sizes, rowsBytesMax }
    this.#entries = sizes.indexEntries
    this.#bytesMax = options.bytesMax
    const fixed = LANE_BYTES + SLOT_NOTES_BYTES + options.columns * SLOT_BYTES
    this.address = memory.allocate(fixed, 'a lane')
    memory.span(this.address, LANE_BYTES).fill(0)
    this.#take('key', KEY_BYTES_MAX + 64)
    this.#take('text', TEXT_BYTES_MIN)
    this.#take('rejects', sizes.rejectsBytes)
    this.#take('rows', rowsBytes)
    this.#take('index', this.#entries * 8)
    this.#take('dirty', this.#cellLimit() * 4)
    this.#take('heap', heapBytes)
    this.reset()
  }

  get(field: keyof typeof laneField): number {
    return this.memory.view.getUint32(this.address + laneField[field], true)
  }

  set(field: keyof typeof laneField, value: number): void {
    this.memory.view.setUint32(this.address + laneField[field], value, true)
  }

  getLong(field: keyof typeof laneField): number {
    return Number(this.memory.view.getBigInt64(this.address + laneField[field], true))
  }

  setLong(field: keyof typeof laneField, value: bigint): void {
    this.memory.view.setBigInt64(this.address + laneField[field], value, true)
  }

  worked(field: keyof typeof laneWork): number {
    return this.memory.view.getFloat64(this.address + laneWork[field], true)
  }

  /** Writes the descriptor for an empty table; counters and policy are left to the caller. */
  reset(): void {
    this.memory.span(this.address, LANE_KERNEL_BYTES).fill(0)
    this.set('slots', this.address + LANE_BYTES + SLOT_NOTES_BYTES)
    for (const name of ['key', 'text', 'rejects', 'rows', 'index', 'dirty', 'heap'] as const) {
      this.set(name, this.#span(name).address)
    }
    this.set('textCapacity', this.#span('text').bytes)
    this.set('rejectsCapacity', this.#span('rejects').bytes)
    this.set('rowsCapacity', this.#span('rows').bytes)
    this.set('indexMask', this.#entries - 1)
    this.set('cellLimit', this.#cellLimit())
    const heap = this.#span('heap')
    this.set('heapTop', heap.address)
    this.set('heapEnd', heap.address + heap.bytes)
    const index = this.#span('index')
    this.memory.span(index.address, index.bytes).fill(0)
  }

  /**
   * Makes text or rejects at least `bytes` large. Rejects must be empty. False when memory is
   * short.
   */
  enlarge(name: 'text' | 'rejects', bytes: number): boolean {
    if (!this.#retake(name, 2 ** Math.ceil(Math.log2(bytes)))) return false
    this.set(name, this.#span(name).address)
    this.set(name === 'text' ? 'textCapacity' : 'rejectsCapacity', this.#span(name).bytes)
    return true
  }

  /** About what the dirty cells are as rows. */
  dirtyBytes(): number {
    const perRow = ROW_HEADER_BYTES + KEY_WINDOW_BYTES + this.#stateBytes + LIKELY_KEY_BYTES
    return this.get('dirtyCount') * perRow
  }

  /** Sizes the rows buffer for what is dirty, as far as memory allows: fewer calls of drain. */
  fitRows(): void {
    const { rowsBytes, rowsBytesMax } = this.#sizes
    const wanted = Math.min(rowsBytesMax, Math.ceil(this.dirtyBytes() / rowsBytes) * rowsBytes)
    if (wanted <= this.#span('rows').bytes || !this.#retake('rows', wanted)) return
    this.set('rows', this.#span('rows').address)
    this.set('rowsCapacity', this.#span('rows').bytes)
  }

  /** Doubles the index, and the dirty list with it. The kernel's moveHeap must follow. */
  growIndex(): boolean {
    if (this.#used() + this.#entries * 12 > this.#bytesMax) return false
    const dirty = this.#span('dirty')
    const list = this.memory.tryAllocate(this.#cellLimit() * 8)
    if (list === undefined) return false
    if (!this.#retake('index', this.#entries * 16)) {
      this.memory.free(list)
      return false
    }
    this.#entries *= 2
    this.memory.span(list, dirty.bytes).set(this.memory.span(dirty.address, dirty.bytes))
    this.memory.free(dirty.address)
    this.#spans.set('dirty', { address: list, bytes: this.#cellLimit() * 4 })
    this.set('index', this.#span('index').address)
    this.set('dirty', list)
    this.set('indexMask', this.#entries - 1)
    this.set('cellLimit', this.#cellLimit())
    return true
  }

  /**
   * A heap of twice the size; the old one stays until `settle`. Undefined when the budget is used
   * up.
   */
  largerHeap(): { address: number; bytes: number } | undefined {
    const { bytes } = this.#span('heap')
    if (this.#used() + bytes > this.#bytesMax) return undefined
    const address = this.memory.tryAllocate(bytes * 2)
    return address === undefined ? undefined : { address, bytes: bytes * 2 }
  }

  /** The kernel has moved the cells there. */
  settle(heap: { address: number; bytes: number }): void {
    this.memory.free(this.#span('heap').address)
    this.#spans.set('heap', heap)
  }

  heap(): { address: number; bytes: number } {
    return this.#span('heap')
  }

  free(): void {
    for (const { address } of this.#spans.values()) this.memory.free(address)
    this.memory.free(this.address)
  }

  #cellLimit(): number {
    return this.#entries * LOAD
  }

  #used(): number {
    return this.#span('heap').bytes + this.#span('index').bytes + this.#span('dirty').bytes
  }

  #span(name: string): { address: number; bytes: number } {
    return this.#spans.get(name)!
  }

  #take(name: string, bytes: number): void {
    this.#spans.set(name, { address: this.memory.allocate(bytes, `the ${name} of a lane`), bytes })
  }

  #retake(name: string, bytes: number): boolean {
    const address = this.memory.tryAllocate(bytes)
    if (address === undefined) return false
    this.memory.free(this.#span(name).address)
    this.#spans.set(name, { address, bytes })
    return true
  }
}
