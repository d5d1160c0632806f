// A thread of the pool: an instance of the kernels over the shared memory. A task is one number,
// the lane's address plus what to do (laneTask); the answer is a status. Threads keep no state: any
// of them can run any lane. Compressed batches are unpacked into a scratch area taken for the task.
import { createRequire } from 'node:module'
import { workerData } from 'piscina'
import { type WasmMemory, type WasmModule, wasm } from '../batch/wasm.ts'
import { systemClock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { codecNames, decompress, prepareCompression } from '../wire/compression.ts'
import { blockField } from './changelog/block.ts'
import { sealBatch } from './changelog/seal.ts'
import { kernelImports } from './imports.ts'
import { laneField, laneFlag, laneStatus, laneTask, laneWork } from './lane_block.ts'
import { nativeAddon } from './native.ts'

/** What every thread is given at its start. */
export interface KernelThreadData {
  /** Another thread, a user's own, may import this file as well. */
  readonly euphorionLaneThread: true
  readonly memory: WasmMemory
  readonly module: WasmModule
  readonly scratch: ScratchAreas
  /** Most bytes that one RecordBatch may decompress to. */
  readonly inflatedBytesMax: number
  /** Threads note in lanes' descriptors how long their tasks took. */
  readonly isTimed: boolean
}

/** Areas of shared memory for decompressed batches; owners is an i32 each, 1 while taken. */
export interface ScratchAreas {
  readonly owners: number
  readonly areas: readonly number[]
  readonly bytes: number
}

interface KernelExports {
  consume(lane: number, checkCrc: number): number
  drain(lane: number): number
  absorb(lane: number): number
  evict(lane: number, all: number): number
  moveHeap(lane: number, heap: number, heapEnd: number): void
  decodeChangelog(block: number, checkCrc: number): number
  encodeChangelog(block: number): void
  crc32c(address: number, length: number): number
}

/** Goes through RecordBatches, for a lane or for a block that has the same fields of them. */
type OverBatches = (at: number, checkCrc: number) => number

/** Of the bytes from `start` up to `end`. */
type Crc32c = (bytes: Uint8Array, start: number, end: number) => number

/** Nanoseconds a byte: 0.05 by the addon, 0.2 by the package; the kernel's own takes 0.43. */
function nativeCrc32c(): Crc32c | undefined {
  const addon = nativeAddon()
  if (addon !== undefined) return addon.crc32c
  try {
    const { crc32c } = createRequire(import.meta.url)('@node-rs/crc32') as {
      readonly crc32c: (bytes: Uint8Array) => number
    }
    return (bytes, start, end) => crc32c(bytes.subarray(start, end))
  } catch {
    return undefined
  }
}

type Span = readonly [start: number, end: number]

const HEADER_BYTES = 61

/** Runs tasks over one shared memory. Also used without threads (kernel/executor.ts). */
export class KernelThread {
  readonly #kernels: KernelExports
  readonly #data: KernelThreadData
  readonly #view: DataView
  readonly #bytes: Buffer
  readonly #owners: Int32Array
  readonly #crc32c = nativeCrc32c()

  constructor(data: KernelThreadData) {
    this.#data = data
    const instance = new wasm.Instance(data.module, kernelImports(data.memory))
    this.#kernels = instance.exports as unknown as KernelExports
    this.#view = new DataView(data.memory.buffer)
    this.#bytes = Buffer.from(data.memory.buffer)
    this.#owners = new Int32Array(
      data.memory.buffer,
      data.scratch.owners,
      data.scratch.areas.length,
    )
  }

  /** A promise only where a codec has to be loaded first. */
  run(task: number): number | Promise<number> {
    const what = task % 64
    const lane = task - what
    // blocks for encoding have no room for notes
    if (!this.#data.isTimed || what > laneTask.moveHeap) return this.#run(lane, what)
    const beganMs = systemClock.monotonic()
    try {
      return this.#run(lane, what)
    } finally {
      const isConsume = what === laneTask.consume
      const ms = systemClock.monotonic() - beganMs
      this.#note(lane + (isConsume ? laneWork.consumeMs : laneWork.otherMs), ms)
      if (isConsume) this.#note(lane + laneWork.consumes, 1)
    }
  }

  /** One task of a lane is on its way at a time: nobody else adds. */
  #note(address: number, more: number): void {
    this.#view.setFloat64(address, this.#view.getFloat64(address, true) + more, true)
  }

  #run(lane: number, what: number): number | Promise<number> {
    const kernels = this.#kernels
    switch (what) {
      case laneTask.consume:
        return this.#overBatches(lane, kernels.consume, this.#payload(lane))
      case laneTask.drain:
        return kernels.drain(lane)
      case laneTask.absorb:
        return kernels.absorb(lane)
      case laneTask.evictClosed:
        return kernels.evict(lane, 0)
      case laneTask.evictAll:
        return kernels.evict(lane, 1)
      case laneTask.moveHeap:
        kernels.moveHeap(
          lane,
          this.#u32(lane + laneField.input),
          this.#u32(lane + laneField.inputLength),
        )
        return laneStatus.done
      case laneTask.decodeChangelog:
        return this.#overBatches(lane, kernels.decodeChangelog, this.#input(lane))
      case laneTask.encodeChangelog:
        kernels.encodeChangelog(lane)
        return laneStatus.done
      case laneTask.sealChangelog:
        return this.#seal(lane)
      default:
        throw new RangeError(`task ${lane + what}`)
    }
  }

  #u32(address: number): number {
    return this.#view.getUint32(address, true)
  }

  #set(address: number, value: number): void {
    this.#view.setUint32(address, value, true)
  }

  #overBatches(lane: number, kernel: OverBatches, batches: Span): number {
    const checkCrc = (this.#u32(lane + laneField.flags) & laneFlag.checkCrc) !== 0
    const native = checkCrc ? this.#crc32c : undefined
    const damaged = native === undefined ? 0 : this.#damaged(lane, native, batches)
    this.#set(lane + laneField.damaged, damaged)
    const own = this.#u32(lane + laneField.scratch) !== 0
    const area = own ? -1 : this.#takeScratch(lane)
    try {
      for (;;) {
        const status = kernel(lane, checkCrc && native === undefined ? 1 : 0)
        if (status !== laneStatus.inflate) return status
        const failed = this.#inflate(lane)
        if (failed !== laneStatus.done) return failed
      }
    } finally {
      this.#set(lane + laneField.inflated, 0)
      if (area >= 0) {
        this.#set(lane + laneField.scratch, 0)
        Atomics.store(this.#owners, area, 0)
      }
    }
  }

  /** There are more areas than threads, so one is always free. */
  #takeScratch(lane: number): number {
    const { areas, bytes } = this.#data.scratch
    for (let i = 0; ; i = (i + 1) % areas.length) {
      if (Atomics.compareExchange(this.#owners, i, 0, 1) !== 0) continue
      this.#set(lane + laneField.scratch, areas[i])
      this.#set(lane + laneField.scratchCapacity, bytes)
      return i
    }
  }

  #input(block: number): Span {
    const start = this.#u32(block + laneField.input)
    return [start, start + this.#u32(block + laneField.inputLength)]
  }

  #payload(lane: number): Span {
    const batch = this.#u32(lane + laneField.input)
    const root = batch + this.#u32(batch)
    const vtable = root - this.#view.getInt32(root, true)
    const field = root + this.#view.getUint16(vtable + 16, true)
    const vector = field + this.#u32(field)
    return [vector + 4, vector + 4 + this.#u32(vector)]
  }

  /**
   * The first RecordBatch whose checksum is wrong, or 0. Framing is left to the kernel: a length
   * that cannot be right ends the check.
   */
  #damaged(lane: number, crc32c: Crc32c, [start, end]: Span): number {
    const view = this.#view
    const position = view.getBigInt64(lane + laneField.nextOffset, true)
    let at = start
    while (at + HEADER_BYTES <= end) {
      const next = at + 12 + view.getInt32(at + 8)
      if (next > end || next < at + HEADER_BYTES) return 0
      const last = view.getBigInt64(at) + BigInt(view.getInt32(at + 23))
      const stored = view.getUint32(at + 17)
      if (last >= position && crc32c(this.#bytes, at + 21, next) !== stored) return at
      at = next
    }
    return 0
  }

  /** Finishes the batch of a changelog where it was written. */
  #seal(block: number): number | Promise<number> {
    const codec = codecNames[this.#u32(block + blockField.codec)]!
    const seal = () => {
      const start = this.#u32(block + blockField.start)
      const bytes = this.#bytes.subarray(start, this.#u32(block + blockField.at))
      const count = this.#u32(block + blockField.count)
      const timeMs = this.#view.getFloat64(block + blockField.timeMs, true)
      const length = sealBatch(bytes, count, timeMs, codec, (part) => this.#checksum(part))
      this.#set(block + blockField.at, start + length)
      return laneStatus.done
    }
    // the only one that is loaded asynchronously
    return codec === 'zstd' ? prepareCompression(codec).then(seal) : seal()
  }

  /** Of bytes of the shared memory. */
  #checksum(bytes: Uint8Array): number {
    if (this.#crc32c !== undefined) return this.#crc32c(bytes, 0, bytes.length)
    return this.#kernels.crc32c(bytes.byteOffset, bytes.length)
  }

  /** gzip and zstd: by libraries, then copied into scratch. */
  #inflate(lane: number): number {
    const header = this.#u32(lane + laneField.stoppedAt)
    const end = header + 12 + this.#view.getInt32(header + 8)
    const codec = codecNames[this.#bytes[header + 22] & 7]
    if (codec === undefined) return laneStatus.corrupt
    let plain: Uint8Array
    try {
      plain = decompress(
        codec,
        this.#bytes.subarray(header + HEADER_BYTES, end),
        this.#data.inflatedBytesMax,
      )
    } catch (error) {
      const isDamaged = !(error instanceof EuphorionError) || error.code === 'BATCH_CORRUPT'
      return isDamaged ? laneStatus.corrupt : laneStatus.refused
    }
    if (plain.length > this.#u32(lane + laneField.scratchCapacity)) {
      this.#set(lane + laneField.need, plain.length)
      return laneStatus.scratchFull
    }
    this.#bytes.set(plain, this.#u32(lane + laneField.scratch))
    this.#set(lane + laneField.inflated, header)
    this.#set(lane + laneField.inflatedLength, plain.length)
    return laneStatus.done
  }
}

const given = workerData as Partial<KernelThreadData> | null | undefined
const thread = given?.euphorionLaneThread
  ? new KernelThread(workerData as unknown as KernelThreadData)
  : undefined

/** A task that shows that the thread is there. */
export const NO_TASK = -1

/** What piscina calls. */
export default function run(task: number): number | Promise<number> {
  if (task === NO_TASK) return laneStatus.done
  if (thread === undefined) throw new Error('not a thread of the pool')
  return thread.run(task)
}
