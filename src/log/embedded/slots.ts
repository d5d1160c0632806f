// The partitions that one consumer or reader reads: preads segment files straight into the caller's
// memory and reads nothing of them but batch headers. What open transactions hold back is not
// there yet, what aborted ones left is emptied.

import { EuphorionError } from '../../errors.ts'
import { BatchCursor, batchHeaderBytes } from '../../wire/batch_header.ts'
import { topicDeleted } from '../failures.ts'
import type { FetchResult, TopicPartition } from '../log.ts'
import type { FileCache } from './file_cache.ts'
import { readAt } from './files.ts'
import type { Partition } from './partition.ts'
import { emptyAbortedIn } from './partition_transactions.ts'
import type { Segment } from './segment.ts'

/** A partition that is being read. A slot is replaced, not changed, when its position is moved. */
interface Slot {
  readonly partition: Partition
  readonly onChange: () => void
  /** Next offset to read. */
  position: number
  /** Where that is; undefined until it was looked up. */
  segment: Segment | undefined
  at: number
  /** Set when the slot was given up or moved: what is being read for it does not count. */
  stale: boolean
  /** One fetch at a time reads it. */
  busy: boolean
  /** Its position is outside the log, and a fetch has said so. */
  parked: boolean
}

/** Taken together, before bytes are read: what of them may be seen. */
interface Visible {
  readonly stable: number
  /** No transaction is open: all bytes may. */
  readonly all: boolean
  readonly aborted: Partition['transactions']['aborted']
}

export interface SlotsOptions {
  readonly maxBytes: number
  readonly offsetOutOfRange: 'earliest' | 'latest' | 'error'
  /** A position outside the log is told once, until it is moved. */
  readonly outOfRangeOnce: boolean
  readonly onDeleted: (topic: string) => void
}

const closedResult: FetchResult = { kind: 'closed' }

export class Slots {
  readonly #files: FileCache
  readonly #options: SlotsOptions
  #slots: Slot[] = []
  #turn = 0
  /** Errors that a fetch has to report, each once. */
  readonly #errors: unknown[] = []
  #waiters: (() => void)[] = []
  /** Counts what may give a waiting fetch something to do. */
  #changes = 0
  #closed = false

  constructor(files: FileCache, options: SlotsOptions) {
    this.#files = files
    this.#options = options
  }

  async fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult> {
    for (;;) {
      if (this.#closed || signal?.aborted) return closedResult
      if (this.#errors.length > 0) throw this.#errors.shift()
      const changes = this.#changes
      const slot = this.#next(wants)
      if (slot === undefined) {
        if (changes === this.#changes) await this.#wait(signal)
        continue
      }
      slot.busy = true
      try {
        const result = await this.#read(slot, target)
        if (result !== undefined) return result
      } finally {
        slot.busy = false
        if (this.#waiters.length > 0) this.wake()
      }
    }
  }

  #next(wants: (topic: string, partition: number) => boolean): Slot | undefined {
    const slots = this.#slots
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[(this.#turn + i) % slots.length]
      const { partition } = slot
      if (!wants(partition.topic, partition.partition)) continue
      if (slot.stale || slot.busy || slot.parked) continue
      // Beyond the end is no place to wait at: the topic may be another by now.
      if (slot.position >= partition.stableOffset && slot.position <= partition.nextOffset) continue
      this.#turn = (this.#turn + i) % slots.length
      return slot
    }
    return undefined
  }

  /** Undefined when there was nothing to read after all, or the slot went stale meanwhile. */
  async #read(slot: Slot, target: Uint8Array): Promise<FetchResult | undefined> {
    try {
      if (slot.segment === undefined || slot.segment.dropped) {
        if (!this.#inRange(slot)) return undefined
        const found = await slot.partition.find(slot.position)
        slot.segment = found.segment
        slot.at = found.position
      }
      if (slot.stale || !skipEnded(slot)) return undefined
      const segment = slot.segment
      let fd = this.#files.tryTake(segment)
      if (fd < 0) fd = await this.#files.take(segment)
      try {
        return await this.#readBatches(slot, segment, fd, target)
      } finally {
        this.#files.release(segment)
      }
    } catch (error) {
      // Cleaning or deletion took the file away: look again.
      if (slot.stale || slot.segment?.dropped) return undefined
      throw error
    }
  }

  async #readBatches(
    slot: Slot,
    segment: Segment,
    fd: number,
    target: Uint8Array,
  ): Promise<FetchResult | undefined> {
    const { at, partition } = slot
    const { stableOffset: stable, nextOffset, transactions } = partition
    const visible = { stable, all: stable === nextOffset, aborted: transactions.aborted }
    const available = segment.size - at
    // A target that does not even hold a header: the header alone tells what is needed.
    const bytes = target.length < batchHeaderBytes ? new Uint8Array(batchHeaderBytes) : target
    const wanted = Math.max(this.#options.maxBytes, batchHeaderBytes)
    let count = Math.min(available, bytes.length, wanted)
    const cursor = new BatchCursor(bytes, 0, 0)
    for (;;) {
      cursor.reset(bytes, 0, await readAt(fd, bytes, 0, count, at))
      // Of a segment that is replaced meanwhile other transactions may be known by now.
      if (slot.stale || segment.dropped) return undefined
      if (cursor.next()) return this.#taken(slot, cursor, visible)
      const { needed } = cursor
      if (cursor.broken || needed === 0 || needed > available) throw partition.corrupt(segment, at)
      if (needed > target.length)
        return { kind: 'too-small', ...nameOf(partition), neededBytes: needed }
      count = needed
    }
  }

  /** The cursor is at the first of the whole batches that were read. */
  #taken(slot: Slot, cursor: BatchCursor, visible: Visible): FetchResult | undefined {
    const { partition } = slot
    const { stable, all, aborted } = visible
    const first = cursor.baseOffset
    if (first >= stable) {
      // Compaction left nothing between the position and the open transaction.
      slot.position = stable
      slot.segment = undefined
      return undefined
    }
    if (all) while (cursor.next());
    let end = cursor.at
    let last = cursor.lastOffset
    while (!all && cursor.next() && cursor.baseOffset < stable) {
      end = cursor.at
      last = cursor.lastOffset
    }
    slot.position = last + 1
    slot.at += end
    this.#turn = (this.#turn + 1) % this.#slots.length
    return {
      kind: 'batches',
      ...nameOf(partition),
      bytes: emptyAbortedIn(cursor.bytes, end, [first, last], aborted),
      highWatermark: partition.nextOffset,
    }
  }

  /** Moves a position outside the log as the options say. */
  #inRange(slot: Slot): boolean {
    const { partition, position } = slot
    const { startOffset, nextOffset, stableOffset } = partition
    if (position >= startOffset && position <= nextOffset) return position < stableOffset
    const { offsetOutOfRange, outOfRangeOnce } = this.#options
    if (offsetOutOfRange === 'error') {
      slot.parked = outOfRangeOnce
      throw new EuphorionError(
        'OFFSET_OUT_OF_RANGE',
        `offset ${position} is not in the log, which has ${startOffset} to ${nextOffset}`,
        { place: { ...nameOf(partition), offset: position } },
      )
    }
    slot.position = offsetOutOfRange === 'earliest' ? startOffset : stableOffset
    return slot.position < stableOffset
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const wake = (): void => this.wake()
    signal?.addEventListener('abort', wake, { once: true })
    await new Promise<void>((resolve) => this.#waiters.push(resolve))
    signal?.removeEventListener('abort', wake)
  }

  /** Every waiting fetch looks again. */
  wake(): void {
    this.#changes++
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  /** Moves the position of a partition that is read; false where it is not. */
  seek(topic: string, partition: number, offset: number): boolean {
    const at = this.#slots.findIndex(({ partition: read }) => isNamed(read, topic, partition))
    if (at < 0) return false
    const old = this.#slots[at]
    old.stale = true
    this.#slots[at] = { ...newSlot(old.partition, offset), onChange: old.onChange }
    this.wake()
    return true
  }

  add(partition: Partition, position: number): void {
    const onChange = (): void => {
      if (partition.deleted) this.#topicDeleted(partition.topic)
      else this.wake()
    }
    partition.listeners.add(onChange)
    this.#slots.push({ ...newSlot(partition, position), onChange })
    if (partition.deleted) this.#topicDeleted(partition.topic)
    this.wake()
  }

  remove(which: (partition: Partition) => boolean): void {
    for (const slot of this.#slots) {
      if (!which(slot.partition)) continue
      slot.stale = true
      slot.partition.listeners.delete(slot.onChange)
    }
    this.#slots = this.#slots.filter((slot) => !slot.stale)
    this.#turn = 0
  }

  #topicDeleted(topic: string): void {
    if (!this.#slots.some((slot) => slot.partition.topic === topic)) return
    this.#options.onDeleted(topic)
    this.remove((partition) => partition.topic === topic)
    this.report(topicDeleted({ topic }))
  }

  partitions(): readonly Partition[] {
    return this.#slots.map(({ partition }) => partition)
  }

  /** Where what can be read ends, of partitions that have something behind their position. */
  unread(topic: string): ReadonlyMap<number, number> {
    const unread = this.#slots.filter(
      ({ partition, position }) => partition.topic === topic && position < partition.stableOffset,
    )
    return new Map(unread.map(({ partition }) => [partition.partition, partition.stableOffset]))
  }

  /** The next fetch rejects with it. */
  report(error: unknown): void {
    this.#errors.push(error)
    this.wake()
  }

  /** An error that no fetch has told. */
  takeError(): unknown {
    return this.#errors.shift()
  }

  /** Fetches resolve. */
  close(): void {
    this.#closed = true
    this.wake()
  }
}

function newSlot(partition: Partition, position: number): Omit<Slot, 'onChange'> {
  return {
    partition,
    position,
    segment: undefined,
    at: 0,
    stale: false,
    busy: false,
    parked: false,
  }
}

/** Moves behind ended segments; false when nothing is left to read. */
function skipEnded(slot: Slot): boolean {
  const { partition } = slot
  while (slot.at >= slot.segment!.size) {
    const { segments } = partition
    const next = segments[segments.indexOf(slot.segment!) + 1]
    if (slot.segment!.dropped) {
      slot.segment = undefined
      return false
    }
    if (next === undefined) {
      // Compaction may have left nothing up to the end.
      slot.position = slot.segment!.nextOffset
      return false
    }
    slot.segment = next
    slot.at = 0
  }
  return true
}

export function nameOf({ topic, partition }: Partition): TopicPartition {
  return { topic, partition }
}

function isNamed(read: Partition, topic: string, partition: number): boolean {
  return read.partition === partition && read.topic === topic
}
