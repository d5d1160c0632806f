// Appends of one partition that wait to be written, and the groups that are made of them: batches
// checked, recognised when sent twice, and given their offsets. Used by partition.ts alone.
import { EuphorionError } from '../../errors.ts'
import {
  attribute,
  BatchCursor,
  headerAt,
  writeInt32,
  writeInt64,
} from '../../wire/batch_header.ts'
import type { ResolvedTopicConfig } from './options.ts'
import type { ProducerStates } from './producer_states.ts'
import { type Segment, segmentOffsetsMax } from './segment.ts'

interface PendingAppend {
  /**
   * Makes the batches, in bytes that the log may change and keep. Undefined asks for a new segment.
   */
  readonly encode: (() => Uint8Array) | undefined
  /** What it makes belongs to a transaction, or ends one. */
  readonly transactional: boolean
  readonly resolve: (offset: number) => void
  readonly reject: (error: unknown) => void
  bytes: Uint8Array | undefined
}

/** Appends that are written with one call. */
export interface AppendGroup {
  readonly buffers: Uint8Array[]
  readonly placed: { append: PendingAppend; offset: number }[]
  /** Those of the buffers that belong to transactions. */
  readonly transactional: Uint8Array[]
  bytes: number
  nextOffset: number
  /** The segment must end before the next append, which does not fit it or asks for that. */
  full: boolean
}

/** Where a group goes. */
export interface AppendTarget {
  readonly topic: string
  readonly partition: number
  readonly active: Segment
  readonly nextOffset: number
  readonly config: ResolvedTopicConfig
}

const groupBytesMax = 4 * 1024 * 1024
const groupAppendsMax = 512
const transactionBits = attribute.transactional | attribute.control

export class AppendQueue {
  readonly #target: AppendTarget
  readonly #producers: ProducerStates
  readonly #max: number
  readonly #cursor = new BatchCursor(new Uint8Array(0))
  #waiting: PendingAppend[] = []

  constructor(target: AppendTarget, producers: ProducerStates, pendingAppendsMax: number) {
    this.#target = target
    this.#producers = producers
    this.#max = pendingAppendsMax
  }

  get empty(): boolean {
    return this.#waiting.length === 0
  }

  /** Resolves when the partition has written it. LOG_FAILED when too many wait. */
  push(encode: (() => Uint8Array) | undefined, transactional = false): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= this.#max)
        reject(
          this.#failed(`${this.#waiting.length} appends wait to be written; await some of them`),
        )
      else this.#waiting.push({ encode, transactional, resolve, reject, bytes: undefined })
    })
  }

  /** Encodes and places waiting appends until the group or the segment is full. */
  take(refusal: EuphorionError | undefined): AppendGroup {
    const { nextOffset } = this.#target
    const group: AppendGroup = {
      buffers: [],
      placed: [],
      transactional: [],
      bytes: 0,
      nextOffset,
      full: false,
    }
    let taken = 0
    while (taken < this.#waiting.length && taken < groupAppendsMax && group.bytes < groupBytesMax) {
      const append = this.#waiting[taken]
      try {
        if (refusal) throw refusal
        append.bytes ??= append.encode?.()
        group.full = append.bytes === undefined || !this.#fits(append.bytes, group)
        if (group.full) break
        group.placed.push({ append, offset: this.#assign(append, append.bytes!, group) })
      } catch (error) {
        append.reject(error)
      }
      taken++
    }
    this.#waiting.splice(0, taken)
    return group
  }

  /** The segment that a full group asked for is there, or could not be made. */
  ended(error?: unknown): void {
    const first = this.#waiting[0]
    if (error === undefined && first.encode !== undefined) return
    this.#waiting.shift()
    if (error === undefined) first.resolve(this.#target.nextOffset)
    else first.reject(error)
  }

  #fits(bytes: Uint8Array, group: AppendGroup): boolean {
    const { active, config } = this.#target
    const used = active.size + group.bytes
    if (used === 0) return true
    if (used + bytes.length > config.segmentBytes) return false
    // A record takes more than a byte, so this bounds the offsets too.
    return group.nextOffset - active.baseOffset + bytes.length < segmentOffsetsMax
  }

  /** Gives the batches their offsets, or finds that they are stored already. */
  #assign({ transactional }: PendingAppend, bytes: Uint8Array, group: AppendGroup): number {
    const batch = this.#cursor
    batch.reset(bytes, 0, bytes.length)
    const first = group.nextOffset
    let offset = first
    while (batch.next()) {
      if (batch.size > this.#target.config.maxMessageBytes) throw this.#tooLarge(batch.size)
      const count = batch.lastOffset - batch.baseOffset + 1
      if (count < 1) throw this.#failed('a batch without records')
      if (!transactional && (batch.attributes & transactionBits) !== 0)
        throw this.#failed('a batch of a transaction, which no transaction appends')
      if (batch.producerId >= 0 && !transactional) {
        if (batch.start > 0 || batch.at < bytes.length)
          throw this.#failed('batches of an idempotent producer are appended one by one')
        const { producerId, producerEpoch, baseSequence } = batch
        const stored = this.#producers.find(producerId, producerEpoch, baseSequence, count)
        if (stored !== undefined) return stored
        this.#producers.note(producerId, producerEpoch, baseSequence, count, offset, true)
      }
      writeInt64(bytes, batch.start + headerAt.baseOffset, offset)
      writeInt32(bytes, batch.start + headerAt.leaderEpoch, 0)
      offset += count
    }
    if (batch.at !== bytes.length) throw this.#failed('what was appended are not whole batches')
    group.buffers.push(bytes)
    if (transactional) group.transactional.push(bytes)
    group.bytes += bytes.length
    group.nextOffset = offset
    return first
  }

  #tooLarge(bytes: number): EuphorionError {
    const { topic, partition, config } = this.#target
    const message = `a batch of ${bytes} bytes; the topic allows ${config.maxMessageBytes}`
    return new EuphorionError('RECORD_TOO_LARGE', message, { place: { topic, partition } })
  }

  #failed(message: string): EuphorionError {
    const { topic, partition } = this.#target
    return new EuphorionError('LOG_FAILED', message, { place: { topic, partition } })
  }
}
