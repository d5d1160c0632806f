// A member of a group that reads the embedded log: preads segment files straight into the caller's
// memory and reads nothing of them but batch headers.
import { EuphorionError } from '../../errors.ts'
import { BatchCursor, batchHeaderBytes } from '../../wire/batch_header.ts'
import type {
  ConsumerOptions,
  FetchResult,
  GroupView,
  LogConsumer,
  MemberFacts,
  StartPosition,
} from '../log.ts'
import type { FileCache } from './file_cache.ts'
import { readAt } from './files.ts'
import type { Group, GroupMember } from './group.ts'
import type { GroupOffsets } from './group_offsets.ts'
import type { Partition } from './partition.ts'
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
}

export interface ConsumerParts {
  readonly options: ConsumerOptions
  readonly group: Group
  readonly offsets: GroupOffsets
  readonly files: FileCache
  readonly onClosed: () => void
}

const closedResult: FetchResult = { kind: 'closed' }

export class EmbeddedConsumer implements LogConsumer, GroupMember {
  readonly topics: readonly string[]
  readonly facts: MemberFacts | undefined
  readonly #options: ConsumerOptions
  readonly #group: Group
  readonly #offsets: GroupOffsets
  readonly #files: FileCache
  readonly #onClosed: () => void
  readonly #maxBytes: number
  #slots: Slot[] = []
  #turn = 0
  /** Errors that a fetch has to report, each once. */
  readonly #errors: unknown[] = []
  /** Topics that were deleted while this consumer read them. */
  readonly #deleted = new Set<string>()
  #waiter: (() => void) | undefined
  #changed = false
  #closing: Promise<void> | undefined
  readonly #cursor = new BatchCursor(new Uint8Array(0))
  readonly #header = new Uint8Array(batchHeaderBytes)

  constructor({ options, group, offsets, files, onClosed }: ConsumerParts) {
    this.topics = [...new Set(options.topics)]
    this.facts = options.member
    this.#options = options
    this.#group = group
    this.#offsets = offsets
    this.#files = files
    this.#onClosed = onClosed
    this.#maxBytes = options.maxBytes ?? 1024 * 1024
  }

  async fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult> {
    for (;;) {
      if (this.#closing || signal?.aborted) return closedResult
      if (this.#errors.length > 0) throw this.#errors.shift()
      this.#changed = false
      const slot = this.#nextSlot(wants)
      if (slot !== undefined) {
        const result = await this.#read(slot, target)
        if (result !== undefined) return result
      } else if (!this.#changed) await this.#wait(signal)
    }
  }

  #nextSlot(wants: (topic: string, partition: number) => boolean): Slot | undefined {
    const slots = this.#slots
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[(this.#turn + i) % slots.length]
      const { partition } = slot
      if (!wants(partition.topic, partition.partition)) continue
      if (slot.stale || slot.position === partition.nextOffset) continue
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
    const cursor = this.#cursor
    const available = segment.size - at
    // A target that does not even hold a header: the header alone tells what is needed.
    const bytes = target.length < batchHeaderBytes ? this.#header : target
    let count = Math.min(available, bytes.length, Math.max(this.#maxBytes, batchHeaderBytes))
    for (;;) {
      cursor.reset(bytes, 0, await readAt(fd, bytes, 0, count, at))
      if (slot.stale) return undefined
      if (cursor.next()) return this.#taken(slot, cursor)
      const { needed } = cursor
      if (cursor.broken || needed === 0 || needed > available) throw partition.corrupt(segment, at)
      if (needed > target.length)
        return { kind: 'too-small', ...nameOf(partition), neededBytes: needed }
      count = needed
    }
  }

  /** The cursor is at the first of the whole batches that were read. */
  #taken(slot: Slot, cursor: BatchCursor): FetchResult {
    while (cursor.next());
    slot.position = cursor.lastOffset + 1
    slot.at += cursor.at
    this.#turn = (this.#turn + 1) % this.#slots.length
    return {
      kind: 'batches',
      topic: slot.partition.topic,
      partition: slot.partition.partition,
      bytes: cursor.at,
      highWatermark: slot.partition.nextOffset,
    }
  }

  /** Moves a position outside the log as the options say. */
  #inRange(slot: Slot): boolean {
    const { partition, position } = slot
    const { startOffset, nextOffset } = partition
    if (position >= startOffset && position <= nextOffset) return true
    const reset = this.#options.offsetOutOfRange ?? 'earliest'
    if (reset === 'error')
      throw new EuphorionError(
        'OFFSET_OUT_OF_RANGE',
        `offset ${position} is not in the log, which has ${startOffset} to ${nextOffset}`,
        { place: { ...nameOf(partition), offset: position } },
      )
    slot.position = reset === 'earliest' ? startOffset : nextOffset
    return slot.position < nextOffset
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const wake = (): void => this.#signal()
    signal?.addEventListener('abort', wake, { once: true })
    await new Promise<void>((resolve) => {
      this.#waiter = resolve
    })
    signal?.removeEventListener('abort', wake)
  }

  #signal(): void {
    this.#changed = true
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.()
  }

  wake(): void {
    this.#signal()
  }

  seek(topic: string, partition: number, offset: number): void {
    const at = this.#slots.findIndex(
      (slot) => slot.partition.topic === topic && slot.partition.partition === partition,
    )
    if (at < 0) {
      const message = `${topic}/${partition} is not assigned to this consumer`
      throw new EuphorionError('TOPIC_UNKNOWN', message, { place: { topic, partition } })
    }
    const old = this.#slots[at]
    old.stale = true
    this.#slots[at] = { ...old, position: offset, segment: undefined, at: 0, stale: false }
    this.#signal()
  }

  /** Offsets of a deleted topic would have one made anew with its name begin in the middle. */
  commit(offsets: readonly StartPosition[]): Promise<void> {
    const kept = offsets.filter(({ topic }) => !this.#deleted.has(topic))
    return this.#offsets.commit(this.#options.groupId, kept)
  }

  close(): Promise<void> {
    this.#closing ??= this.#group.leave(this).then(() => {
      this.#onClosed()
      if (this.#errors.length > 0) throw this.#errors.shift()
    })
    this.#signal()
    return this.#closing
  }

  told(view: GroupView): void {
    if (this.#closing === undefined) this.#options.onGroup?.(view)
  }

  owned(): readonly Partition[] {
    return this.#slots.map((slot) => slot.partition)
  }

  async revoke(partitions: readonly Partition[]): Promise<void> {
    this.#remove((partition) => partitions.includes(partition))
    if (partitions.length === 0) return
    try {
      await this.#options.onRevoked(partitions.map(nameOf))
    } catch (error) {
      this.#report(error)
    }
  }

  async assign(partitions: readonly Partition[]): Promise<void> {
    if (this.#closing) return
    const { groupId, onAssigned, startFrom = 'earliest' } = this.#options
    const begins = partitions.map((partition) => ({
      ...nameOf(partition),
      committed: this.#offsets.of(groupId, partition.topic).get(partition.partition),
    }))
    try {
      const starts = await onAssigned(begins)
      for (const [i, partition] of partitions.entries()) {
        const { topic, partition: number, committed } = begins[i]
        const start = starts.find((s) => s.topic === topic && s.partition === number)
        const { startOffset, nextOffset } = partition
        const otherwise = startFrom === 'earliest' ? startOffset : nextOffset
        this.#add(partition, start?.offset ?? committed ?? otherwise)
      }
    } catch (error) {
      this.#report(error)
    }
    this.#signal()
  }

  #add(partition: Partition, position: number): void {
    const onChange = (): void => {
      if (partition.deleted) this.#topicDeleted(partition.topic)
      else this.#signal()
    }
    partition.listeners.add(onChange)
    this.#slots.push({ partition, onChange, position, segment: undefined, at: 0, stale: false })
    if (partition.deleted) this.#topicDeleted(partition.topic)
  }

  #remove(which: (partition: Partition) => boolean): void {
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
    this.#deleted.add(topic)
    this.#remove((partition) => partition.topic === topic)
    const message = `topic ${topic} was deleted while it was read`
    this.#report(new EuphorionError('TOPIC_DELETED', message, { place: { topic } }))
  }

  #report(error: unknown): void {
    this.#errors.push(error)
    this.#signal()
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

function nameOf(partition: Partition): { topic: string; partition: number } {
  return { topic: partition.topic, partition: partition.partition }
}
