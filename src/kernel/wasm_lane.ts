// A lane whose work is done by the WebAssembly kernels: each call is a task of the executor, by
// address. The host side grows what a kernel found too small, and reads counters and rejects.

import type { SharedMemory } from '../batch/memory.ts'
import { EuphorionError } from '../errors.ts'
import { BatchCursor } from '../wire/batch_header.ts'
import { recordBytes } from '../wire/record_batch.ts'
import type { Executor } from './executor.ts'
import type {
  BatchRef,
  LaneCounters,
  LaneKernel,
  LaneOptions,
  LanePosition,
  LaneStatus,
  LaneWork,
  Rejected,
} from './lane.ts'
import { type ArenaSizes, LaneArena } from './lane_arena.ts'
import { laneFlag, laneStatus, laneTask } from './lane_block.ts'
import { LaneScratch } from './lane_scratch.ts'
import { encodePlanBlock } from './plan_block.ts'
import { readRejects } from './rejects.ts'
import { encodeSchemaBlock } from './schema_block.ts'
import { stateLayout } from './state.ts'

export interface WasmLaneOptions extends LaneOptions {
  readonly memory: SharedMemory
  readonly executor: Executor
  readonly checkCrcs: boolean
  /** Bound of what the lane's table may grow to in shared memory, bytes. */
  readonly arenaBytesMax: number
  readonly sizes?: ArenaSizes
  /** Most bytes that one RecordBatch may decompress to. */
  readonly inflatedBytesMax: number
}

const INT64_MIN = -(1n << 63n)
const INT64_MAX = (1n << 63n) - 1n

function place(memory: SharedMemory, bytes: Uint8Array, purpose: string): number {
  const address = memory.allocate(bytes.length + 16, purpose)
  memory.span(address, bytes.length).set(bytes)
  return address
}

/** -Infinity and Infinity are the ends of the i64 range. */
function toLong(value: number): bigint {
  if (value === Number.NEGATIVE_INFINITY) return INT64_MIN
  return value === Number.POSITIVE_INFINITY ? INT64_MAX : BigInt(value)
}

export class WasmLane implements LaneKernel {
  readonly #options: WasmLaneOptions
  readonly #memory: SharedMemory
  readonly #arena: LaneArena
  readonly #plan: number
  readonly #schema: number
  readonly #scratch: LaneScratch

  constructor(options: WasmLaneOptions) {
    const { memory, plan, table } = options
    this.#options = options
    this.#memory = memory
    this.#plan = place(memory, encodePlanBlock(plan, table), 'a plan')
    this.#schema =
      plan.value === undefined
        ? 0
        : place(memory, encodeSchemaBlock(plan.value, plan.columns), 'a schema')
    this.#arena = new LaneArena(memory, {
      columns: plan.columns.length,
      stateBytes: stateLayout(plan).bytes,
      bytesMax: options.arenaBytesMax,
      sizes: options.sizes,
    })
    this.#scratch = new LaneScratch(
      options.executor,
      options.inflatedBytesMax,
      (address, bytes) => {
        this.#arena.set('scratch', address)
        this.#arena.set('scratchCapacity', bytes)
      },
    )
    const none = { counted: 0, late: 0, bad: 0, filtered: 0 }
    this.restore({
      nextOffset: 0,
      streamTimeMs: -1,
      storedThroughMs: Number.NEGATIVE_INFINITY,
      ...none,
    })
  }

  async consume(batch: BatchRef): Promise<LaneStatus> {
    const { clock, plan } = this.#options
    const arena = this.#arena
    arena.setLong('timeLimit', BigInt(clock.now() + plan.maxFutureMs))
    arena.set('input', batch.address)
    try {
      return await this.#consume(batch.payload)
    } finally {
      // in any case: while this lane waits for anything, others may wait for the span
      this.#scratch.drop()
    }
  }

  async #consume(payload: Uint8Array): Promise<LaneStatus> {
    const arena = this.#arena
    for (;;) {
      const status = await this.#run(laneTask.consume)
      switch (status) {
        case laneStatus.done:
          return 'done'
        case laneStatus.full:
          return 'full'
        case laneStatus.stopped:
          return 'stopped'
        case laneStatus.corrupt:
          return 'corrupt'
        case laneStatus.refused:
          throw this.#refusal(payload)
        case laneStatus.rejectsFull:
          if (arena.get('rejectsLength') > 0) return 'rejects-full'
          this.#mustGrow(arena.enlarge('rejects', arena.get('need')), 'a bad record')
          break
        case laneStatus.textFull:
          this.#mustGrow(arena.enlarge('text', arena.get('need')), 'a long string')
          break
        case laneStatus.scratchFull:
          await this.#scratch.grow(arena.get('need'))
          break
        default:
          throw new RangeError(`status ${status}`)
      }
    }
  }

  async drain(): Promise<'done' | 'full'> {
    this.#arena.fitRows()
    const status = await this.#run(laneTask.drain)
    return status === laneStatus.full ? 'full' : 'done'
  }

  rows(): Uint8Array {
    const { buffer } = this.#memory.wasm
    return new Uint8Array(buffer, this.#arena.get('rows'), this.#arena.get('rowsLength'))
  }

  deltas(): number {
    return this.#arena.get('deltas')
  }

  /** The rows of the last drain, merged in place, need no memory more. */
  async absorb(rows: Uint8Array): Promise<void> {
    const own = rows.buffer === this.#memory.wasm.buffer
    const address = own ? rows.byteOffset : place(this.#memory, rows, 'merged rows')
    try {
      this.#arena.set('input', address)
      this.#arena.set('inputLength', rows.length)
      await this.#run(laneTask.absorb)
    } finally {
      if (!own) this.#memory.free(address)
    }
  }

  async evict(): Promise<void> {
    await this.#run(laneTask.evictAll)
  }

  async tidy(): Promise<void> {
    const arena = this.#arena
    const heap = arena.heap()
    const crowded = arena.get('cellCount') * 2 > arena.get('cellLimit')
    if (crowded || (arena.get('heapTop') - heap.address) * 2 > heap.bytes)
      await this.#run(laneTask.evictClosed)
  }

  async grow(): Promise<boolean> {
    const arena = this.#arena
    const crowded = arena.get('cellCount') >= arena.get('cellLimit')
    const heap = crowded ? arena.heap() : arena.largerHeap()
    if (heap === undefined || (crowded && !arena.growIndex())) return false
    arena.set('input', heap.address)
    arena.set('inputLength', heap.address + heap.bytes)
    try {
      await this.#run(laneTask.moveHeap)
    } catch (error) {
      if (!crowded) this.#memory.free(heap.address)
      throw error
    }
    if (!crowded) arena.settle(heap)
    return true
  }

  rejects(): Rejected[] {
    const arena = this.#arena
    const rejects = readRejects(this.#memory, arena.get('rejects'), arena.get('rejectsLength'))
    arena.set('rejectsLength', 0)
    return rejects
  }

  counters(): LaneCounters {
    const arena = this.#arena
    return {
      nextOffset: arena.getLong('nextOffset'),
      streamTimeMs: arena.getLong('streamTime'),
      counted: arena.getLong('counted'),
      late: arena.getLong('late'),
      bad: arena.getLong('bad'),
      filtered: arena.getLong('filtered'),
    }
  }

  dirtyBytes(): number {
    return this.#arena.dirtyBytes()
  }

  restore(position: LanePosition): void {
    const arena = this.#arena
    const { onBadRecord, collectLate, checkCrcs } = this.#options
    arena.reset()
    arena.set('schema', this.#schema)
    arena.set('plan', this.#plan)
    const keep =
      onBadRecord === 'dead-letter'
        ? laneFlag.keepBad
        : onBadRecord === 'stop'
          ? laneFlag.stopAtBad
          : 0
    arena.set(
      'flags',
      keep | (collectLate ? laneFlag.keepLate : 0) | (checkCrcs ? laneFlag.checkCrc : 0),
    )
    arena.setLong('nextOffset', BigInt(position.nextOffset))
    arena.setLong('streamTime', BigInt(position.streamTimeMs))
    arena.setLong('storedThrough', toLong(position.storedThroughMs))
    arena.setLong('counted', BigInt(position.counted))
    arena.setLong('late', BigInt(position.late))
    arena.setLong('bad', BigInt(position.bad))
    arena.setLong('filtered', BigInt(position.filtered))
  }

  work(): LaneWork {
    const arena = this.#arena
    return {
      backend: 'wasm',
      consumes: arena.worked('consumes'),
      consumeMs: arena.worked('consumeMs'),
      otherMs: arena.worked('otherMs'),
      cells: arena.get('cellCount'),
      bytes: arena.heap().bytes,
    }
  }

  /** Bytes of shared memory in which cells are, and how many there are. */
  size(): { cells: number; heapBytes: number } {
    return { cells: this.#arena.get('cellCount'), heapBytes: this.#arena.heap().bytes }
  }

  close(): void {
    this.#scratch.drop()
    this.#arena.free()
    this.#memory.free(this.#plan)
    if (this.#schema !== 0) this.#memory.free(this.#schema)
  }

  /** A task that fails may leave its scratch area taken, and other lanes wait for one. */
  async #run(task: number): Promise<number> {
    const { executor } = this.#options
    try {
      return await executor.run(this.#arena.address + task)
    } catch (error) {
      executor.releaseScratch(this.#arena.get('scratch'))
      throw error
    }
  }

  #mustGrow(grown: boolean, purpose: string): void {
    if (grown) return
    throw new EuphorionError(
      'MEMORY_EXHAUSTED',
      `No ${this.#arena.get('need')} bytes of shared memory left for ${purpose}`,
    )
  }

  /** What a thread could not say: the same again, here. */
  #refusal(payload: Uint8Array): unknown {
    const cursor = new BatchCursor(payload)
    const { nextOffset } = this.counters()
    while (cursor.next() && cursor.lastOffset < nextOffset);
    try {
      recordBytes(cursor, this.#options.inflatedBytesMax)
    } catch (error) {
      return error
    }
    return new Error('a thread cannot decompress what the main thread can')
  }
}
