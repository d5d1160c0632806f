// A consumer that sees only what a pace has let be readable: its fetches are as large as what is
// due. Given to the engine by runs of `tune` at a rate.
import { type Clock, pause } from '../clock.ts'
import type { FetchResult, LogConsumer, StartPosition, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import { BatchCursor } from '../wire/batch_header.ts'
import type { Pace } from './pace.ts'
import type { SampledTopic } from './sample_spec.ts'

/** How often a fetch that waits looks whether something has become due, ms. */
const LOOK_MS = 2
/** What a record is taken to have before the first was seen. */
const RECORD_BYTES = 100
const FETCH_BYTES_MIN = 4096
/** Records are not all of one size. */
const ROOM = 1.1

interface Place extends TopicPartition {
  /** Next to be fetched. */
  offset: number
  /** Of its last batch. */
  batchRecords: number
  /** A fetch has it. */
  isTaken: boolean
}

export class PacedConsumer implements LogConsumer {
  readonly inner: LogConsumer
  readonly #pace: Pace
  readonly #clock: Clock
  readonly #places = new Map<string, Place>()
  readonly #cursor = new BatchCursor(new Uint8Array(0))
  readonly reconnect?: LogConsumer['reconnect']
  readonly rejoin?: LogConsumer['rejoin']
  #recordBytes = RECORD_BYTES
  #ticking: Promise<void> | undefined
  #isClosed = false

  constructor(inner: LogConsumer, sample: readonly SampledTopic[], pace: Pace, clock: Clock) {
    this.inner = inner
    this.#pace = pace
    this.#clock = clock
    for (const { topic, partitions } of sample)
      for (const { partition, earliest } of partitions) {
        const place = { topic, partition, offset: earliest, batchRecords: 1, isTaken: false }
        this.#places.set(partitionKey(place), place)
      }
    if (inner.reconnect) this.reconnect = (...place) => inner.reconnect?.(...place)
    if (inner.rejoin) this.rejoin = (reason) => inner.rejoin?.(reason)
  }

  async fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult> {
    while (!this.#isClosed && signal?.aborted !== true) {
      const place = this.#mostDue(wants)
      if (place === undefined) await this.#tick()
      else return this.#fetchOf(place, target, wants, signal)
    }
    return { kind: 'closed' }
  }

  /** One timer for all that wait: their number must not cost anything. */
  #tick(): Promise<void> {
    this.#ticking ??= pause(this.#clock, LOOK_MS).then(() => {
      this.#ticking = undefined
    })
    return this.#ticking
  }

  /** Of the partitions that are wanted, the one with most to read; every one is asked about. */
  #mostDue(wants: (topic: string, partition: number) => boolean): Place | undefined {
    let best: Place | undefined
    let most = 0
    for (const place of this.#places.values()) {
      const { topic, partition, isTaken } = place
      if (!wants(topic, partition) || isTaken) continue
      const due = this.#due(place)
      if (due > most) [best, most] = [place, due]
    }
    return best
  }

  /** Records; 0 while less is due than a batch of the partition has: it comes as a whole. */
  #due({ topic, partition, offset, batchRecords }: Place): number {
    const end = this.#pace.end(topic, partition)
    if (end === undefined) return 0
    const due = end.offset - offset
    return due >= batchRecords || end.isLast ? due : 0
  }

  async #fetchOf(
    place: Place,
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult> {
    const { topic, partition } = place
    const isIt = (name: string, index: number): boolean =>
      name === topic && index === partition && wants(name, index)
    const due = this.#due(place) * this.#recordBytes * ROOM
    const room = Math.min(target.length, Math.max(FETCH_BYTES_MIN, Math.ceil(due)))
    place.isTaken = true
    try {
      let result = await this.inner.fetch(target.subarray(0, room), isIt, signal)
      // a batch is read whole, also where not all of it is due
      if (result.kind === 'too-small' && result.neededBytes <= target.length)
        result = await this.inner.fetch(target.subarray(0, result.neededBytes), isIt, signal)
      if (result.kind === 'batches') this.#fetched(place, target.subarray(0, result.bytes))
      // the first batch of a partition, whose size nobody knew, or one that is larger than the last
      while (this.#isEarly(place) && !this.#isClosed && signal?.aborted !== true) await this.#tick()
      return result
    } finally {
      place.isTaken = false
    }
  }

  #isEarly({ topic, partition, offset }: Place): boolean {
    const end = this.#pace.end(topic, partition)
    return end !== undefined && !end.isLast && end.offset < offset
  }

  #fetched(place: Place, bytes: Uint8Array): void {
    const cursor = this.#cursor
    cursor.reset(bytes, 0, bytes.length)
    let records = 0
    while (cursor.next()) {
      const { recordCount, lastOffset } = cursor
      records += recordCount
      place.offset = lastOffset + 1
      place.batchRecords = recordCount
      this.#pace.fetched(place.topic, place.partition, lastOffset, recordCount)
    }
    if (records > 0) this.#recordBytes = bytes.length / records
  }

  seek(topic: string, partition: number, offset: number): void {
    const place = this.#places.get(partitionKey({ topic, partition }))
    if (place !== undefined) place.offset = offset
    this.inner.seek(topic, partition, offset)
  }

  wake(): void {
    this.inner.wake()
  }

  commit(offsets: readonly StartPosition[]): Promise<void> {
    return this.inner.commit(offsets)
  }

  subscribe(topics: readonly string[]): Promise<void> {
    return this.inner.subscribe(topics)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.inner.close()
  }
}
