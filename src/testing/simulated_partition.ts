// A partition of the simulated cluster, as Kafka's UnifiedLog keeps one: batches, what producers
// have written, transactions that are open, and those that were aborted. Owned by the cluster.
import type { Random } from '../clock.ts'
import { emptyAborted } from '../log/aborted.ts'
import type { TopicConfig } from '../log/log.ts'
import {
  attribute,
  BatchCursor,
  headerAt,
  writeInt16,
  writeInt32,
  writeInt64,
} from '../wire/batch_header.ts'
import { BatchWriter } from '../wire/batch_writer.ts'
import { brokerCode } from '../wire/broker_code.ts'
import { crc32c } from '../wire/crc32c.ts'
import { compacted } from './compaction.ts'

/** A stored batch, and of its header what is asked for again and again. */
export interface StoredBytes {
  readonly bytes: Uint8Array
  readonly first: number
  readonly last: number
  readonly producerId: number
  readonly isControl: boolean
  /** When its tombstones may go; set by the first compaction that has seen them. */
  readonly horizonMs?: number | undefined
}

export interface AbortedRange {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the marker. */
  readonly lastOffset: number
}

export interface Appended {
  readonly errorCode: number
  readonly offset: number
}

interface SentBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly offset: number
}

interface ProducerState {
  epoch: number
  /** The last five, oldest first. */
  batches: SentBatch[]
}

const sequenceSpan = 2 ** 31
const batchesKept = 5
const noOffset = -1
const nothing = new Uint8Array(0)

export class SimulatedPartition {
  readonly topic: string
  readonly partition: number
  readonly config: TopicConfig
  #batches: StoredBytes[] = []
  /** Everything that was ever stored. */
  readonly #history: StoredBytes[] = []
  #start = 0
  #next = 0
  readonly #producers = new Map<number, ProducerState>()
  /** First offsets of transactions that are open here, by producer. */
  readonly #open = new Map<number, number>()
  #aborted: AbortedRange[] = []
  isDeleted = false
  readonly #changed: () => void

  constructor(topic: string, partition: number, config: TopicConfig, changed: () => void) {
    this.topic = topic
    this.partition = partition
    this.config = config
    this.#changed = changed
  }

  get startOffset(): number {
    return this.#start
  }

  get nextOffset(): number {
    return this.#next
  }

  /** Below it everything is decided (the last stable offset). */
  get stableOffset(): number {
    if (this.#open.size === 0) return this.#next
    return Math.min(this.#next, ...this.#open.values())
  }

  /** Stores a copy of one RecordBatch; -1 for the offset of one that is not known any more. */
  append(batch: Uint8Array): Appended {
    const cursor = new BatchCursor(batch)
    cursor.next()
    const { producerId, producerEpoch: epoch, baseSequence, recordCount } = cursor
    if (batch.length > (this.config.maxMessageBytes ?? Number.POSITIVE_INFINITY))
      return refused(brokerCode.MESSAGE_TOO_LARGE)
    const lastSequence = (baseSequence + recordCount - 1) % sequenceSpan
    if (producerId >= 0) {
      const known = this.#verdict(producerId, epoch, baseSequence, lastSequence)
      if (known !== undefined) return known
    }
    const offset = this.#next
    this.#store(batch, offset, offset + recordCount - 1)
    if (producerId >= 0) {
      const sent = { firstSequence: baseSequence, lastSequence, offset }
      this.#note(producerId, epoch, sent)
      const isTransactional = (cursor.attributes & attribute.transactional) !== 0
      if (isTransactional && !this.#open.has(producerId)) this.#open.set(producerId, offset)
    }
    this.#changed()
    return { errorCode: brokerCode.NONE, offset }
  }

  /** Undefined for the next batch of a producer, as ProducerAppendInfo decides it. */
  #verdict(
    producerId: number,
    epoch: number,
    firstSequence: number,
    lastSequence: number,
  ): Appended | undefined {
    const state = this.#producers.get(producerId)
    if (state === undefined) return undefined
    if (epoch < state.epoch) return refused(brokerCode.INVALID_PRODUCER_EPOCH)
    if (epoch > state.epoch)
      return firstSequence === 0 ? undefined : refused(brokerCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    for (const sent of state.batches)
      if (sent.firstSequence === firstSequence && sent.lastSequence === lastSequence)
        return { errorCode: brokerCode.NONE, offset: sent.offset }
    const last = state.batches.at(-1)
    const expected = last === undefined ? 0 : (last.lastSequence + 1) % sequenceSpan
    if (firstSequence === expected) return undefined
    return last !== undefined && firstSequence < expected
      ? refused(brokerCode.DUPLICATE_SEQUENCE_NUMBER)
      : refused(brokerCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  }

  #note(producerId: number, epoch: number, sent: SentBatch): void {
    const state = this.#producers.get(producerId)
    const before = state?.epoch === epoch ? state.batches.slice(1 - batchesKept) : []
    this.#producers.set(producerId, { epoch, batches: [...before, sent] })
  }

  #store(batch: Uint8Array, first: number, last: number): void {
    const bytes = batch.slice()
    writeInt64(bytes, headerAt.baseOffset, first)
    writeInt32(bytes, headerAt.leaderEpoch, 0)
    const cursor = new BatchCursor(bytes)
    cursor.next()
    const isControl = (cursor.attributes & attribute.control) !== 0
    const stored = { bytes, first, last, producerId: cursor.producerId, isControl }
    this.#history.push(stored)
    this.#batches.push(stored)
    this.#next = last + 1
  }

  /** Ends a producer's transaction here; a marker of an older epoch says nothing. */
  mark(producerId: number, epoch: number, isCommit: boolean, nowMs: number): void {
    const state = this.#producers.get(producerId)
    if (state !== undefined && epoch < state.epoch) return
    const offset = this.#next
    this.#store(marker(producerId, epoch, isCommit, nowMs), offset, offset)
    const batches = state?.epoch === epoch ? state.batches : []
    this.#producers.set(producerId, { epoch, batches })
    const firstOffset = this.#open.get(producerId)
    this.#open.delete(producerId)
    if (firstOffset !== undefined && !isCommit)
      this.#aborted.push({ producerId, firstOffset, lastOffset: offset })
    this.#changed()
  }

  /**
   * Whole batches from the one that holds `offset`, up to about `maxBytes`, at least one. Not to be
   * written to.
   */
  read(offset: number, maxBytes: number, isCommitted: boolean): Uint8Array {
    const end = isCommitted ? this.stableOffset : this.#next
    if (offset >= end) return nothing
    const parts: Uint8Array[] = []
    let bytes = 0
    let upTo = offset
    for (let at = this.#indexOf(offset); at < this.#batches.length; at++) {
      const batch = this.#batches[at]
      if (batch.first >= end || (bytes > 0 && bytes + batch.bytes.length > maxBytes)) break
      parts.push(batch.bytes)
      bytes += batch.bytes.length
      upTo = batch.last + 1
    }
    const aborted = this.#aborted.filter(
      ({ firstOffset, lastOffset }) => lastOffset >= offset && firstOffset < upTo,
    )
    if (parts.length === 1 && aborted.length === 0) return parts[0]
    const all = concatenated(parts)
    if (!isCommitted) return all
    return all.subarray(0, emptyAborted(all, all.length, aborted))
  }

  /** All that was ever committed, whatever compaction and retention have taken since. */
  history(): Uint8Array {
    const decided = this.#history.filter(({ first }) => first < this.stableOffset)
    const all = concatenated(decided.map(({ bytes }) => bytes))
    return all.subarray(0, emptyAborted(all, all.length, this.#aborted))
  }

  /** Index of the first batch that ends at `offset` or behind it. */
  #indexOf(offset: number): number {
    let low = 0
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#batches[middle].last < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Cleans up to some place below the last stable offset. Answers the batches that went. */
  compact(nowMs: number, random: Random): number {
    const end = Math.min(this.#indexOf(this.stableOffset), this.#batches.length - 1)
    if (end < 1) return 0
    const upTo = this.#batches[1 + Math.floor(random() * end)].first
    const before = this.#batches.length
    const { deleteRetentionMs = 86_400_000 } = this.config
    const aborted = this.#aborted
    this.#batches = compacted(this.#batches, { upTo, aborted, nowMs, deleteRetentionMs })
    return before - this.#batches.length
  }

  /** Lets go of what is older than the retention; answers the new beginning. */
  retain(nowMs: number): number {
    const { retentionMs = -1 } = this.config
    if (retentionMs < 0) return this.#start
    const stable = this.stableOffset
    const kept = this.#batches.findIndex(
      ({ bytes, last }) => last >= stable || maxTimestamp(bytes) >= nowMs - retentionMs,
    )
    if (kept > 0) {
      this.#start = this.#batches[kept].first
      this.#batches = this.#batches.slice(kept)
    }
    return this.#start
  }
}

function refused(errorCode: number): Appended {
  return { errorCode, offset: noOffset }
}

function maxTimestamp(bytes: Uint8Array): number {
  const cursor = new BatchCursor(bytes)
  cursor.next()
  return cursor.maxTimestamp
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** A control batch: key is version and type, value version and the coordinator's epoch. */
function marker(producerId: number, epoch: number, isCommit: boolean, nowMs: number): Uint8Array {
  const writer = new BatchWriter(1024)
  writer.append(Uint8Array.of(0, 0, 0, isCommit ? 1 : 0), new Uint8Array(6), nowMs)
  const batch = writer.finish({ producerId, producerEpoch: epoch })
  writeInt16(batch, headerAt.attributes, attribute.transactional | attribute.control)
  writeInt32(batch, headerAt.crc, crc32c(batch.subarray(headerAt.attributes)))
  return batch
}
