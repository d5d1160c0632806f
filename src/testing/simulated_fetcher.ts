// Reads partitions of the simulated cluster into a few buffered bytes each, and gives them out as
// LogConsumer.fetch says. Owned by the simulated consumer and reader.
import { outOfRange } from '../log/failures.ts'
import type { FetchResult, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import { BatchCursor } from '../wire/batch_header.ts'
import type { SimulatedCluster } from './simulated_cluster.ts'
import type { SimulatedConnection } from './simulated_connection.ts'
import type { SimulatedPartition } from './simulated_partition.ts'
import type { SimulatedProcess } from './simulated_process.ts'

export interface FetcherOptions {
  readonly cluster: SimulatedCluster
  readonly process: SimulatedProcess
  readonly maxBytes: number
  readonly isCommitted: boolean
  readonly offsetOutOfRange: 'earliest' | 'latest' | 'error'
  readonly topicLost: (topic: string) => void
}

/** Replaced when its position is moved: what is on its way for it does not count then. */
interface Slot extends TopicPartition {
  readonly key: string
  position: number
  /** Whole batches that were not given out yet. */
  bytes: Uint8Array
  highWatermark: number
  /** Outside the log, and said so: waits for a seek. */
  isStuck: boolean
}

type Wants = (topic: string, partition: number) => boolean

const nothing = new Uint8Array(0)
const RETRY_MS = 50

export class SimulatedFetcher {
  readonly #options: FetcherOptions
  readonly #connection: SimulatedConnection
  #slots: Slot[] = []
  #turn = 0
  readonly #errors: unknown[] = []
  readonly #waiters = new Set<() => void>()
  /** Partitions that somebody was last heard to want. */
  readonly #wanted = new Set<string>()
  /** Looks again on the broker's side of a fetch under way. */
  #lookAgain: () => void = () => undefined
  /** So far. */
  #wakes = 0
  #isPolling = false
  /** Questions so far; a broker that still looks for an older one stops. */
  #polls = 0
  #isClosed = false

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#connection = options.cluster.connect(options.process)
  }

  add({ topic, partition }: TopicPartition, position: number): void {
    this.remove((each) => each.topic === topic && each.partition === partition)
    const fresh = { bytes: nothing, highWatermark: 0, isStuck: false }
    this.#slots.push({
      topic,
      partition,
      key: partitionKey({ topic, partition }),
      position,
      ...fresh,
    })
    this.wake()
  }

  remove(which: (place: TopicPartition) => boolean): void {
    this.#slots = this.#slots.filter((slot) => !which(slot))
  }

  /** False where the partition is not read. */
  seek(topic: string, partition: number, position: number): boolean {
    const at = this.#slots.findIndex((each) => each.topic === topic && each.partition === partition)
    if (at < 0) return false
    const fresh = { bytes: nothing, highWatermark: 0, isStuck: false }
    this.#slots[at] = { topic, partition, key: this.#slots[at].key, position, ...fresh }
    this.wake()
    return true
  }

  /** The next fetch rejects with it. */
  fail(error: unknown): void {
    this.#errors.push(error)
    this.wake()
  }

  wake(): void {
    this.#wakes++
    for (const waiter of [...this.#waiters]) waiter()
    this.#lookAgain()
  }

  close(): void {
    this.#isClosed = true
    this.#options.cluster.disconnect(this.#options.process, this.#connection)
    this.wake()
  }

  async fetch(target: Uint8Array, wants: Wants, signal?: AbortSignal): Promise<FetchResult> {
    for (;;) {
      if (this.#isClosed || signal?.aborted) return { kind: 'closed' }
      if (this.#errors.length > 0) throw this.#errors.shift()
      const wakes = this.#wakes
      const slot = this.#nextSlot(wants)
      if (slot !== undefined) return this.#give(slot, target)
      this.#poll()
      if (wakes === this.#wakes) await this.#nextChange(signal)
    }
  }

  #nextChange(signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiters.add(wake)
      signal?.addEventListener('abort', wake)
    })
  }

  #nextSlot(wants: Wants): Slot | undefined {
    let found: Slot | undefined
    const slots = [...this.#slots]
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[(this.#turn + i) % slots.length]
      const isWanted = wants(slot.topic, slot.partition)
      if (isWanted) this.#wanted.add(slot.key)
      else this.#wanted.delete(slot.key)
      if (!isWanted || found !== undefined) continue
      const isLive = this.#slots.includes(slot)
      if (isLive && slot.bytes.length > 0) {
        found = slot
        this.#turn = (this.#turn + i + 1) % slots.length
      }
    }
    return found
  }

  #give(slot: Slot, target: Uint8Array): FetchResult {
    const { topic, partition, highWatermark, bytes } = slot
    const batches = new BatchCursor(bytes)
    let end = 0
    let next = slot.position
    while (batches.next() && batches.at <= target.length) {
      end = batches.at
      next = batches.lastOffset + 1
    }
    if (end === 0) {
      batches.reset(bytes, 0, bytes.length)
      batches.next()
      // it stays wanted, and others are given meanwhile
      return { kind: 'too-small', topic, partition, neededBytes: batches.size }
    }
    target.set(bytes.subarray(0, end))
    slot.bytes = bytes.subarray(end)
    slot.position = next
    this.#poll()
    return { kind: 'batches', topic, partition, bytes: end, highWatermark }
  }

  /** One question is on its way at a time, for all that is wanted and not there. */
  #poll(): void {
    if (this.#isClosed || this.#hungry().length === 0) return
    if (this.#isPolling) {
      // what is wanted since then, the question under way is about too
      this.#lookAgain()
      return
    }
    this.#isPolling = true
    const poll = ++this.#polls
    const { process, cluster } = this.#options
    this.#connection
      .request('Fetch', () => this.#await(poll))
      .then(
        (found) => {
          this.#isPolling = false
          for (const each of found) this.#arrived(each)
          this.wake()
          this.#poll()
        },
        () => {
          const again = (): void => {
            this.#isPolling = false
            this.#poll()
          }
          process.clock.after(RETRY_MS * (1 + cluster.random()), again)
        },
      )
  }

  #hungry(): Slot[] {
    return this.#slots.filter(
      (slot) => !slot.isStuck && slot.bytes.length === 0 && this.#wanted.has(slot.key),
    )
  }

  /** On the broker: waits until one of them has something. */
  #await(poll: number): Promise<Fetched[]> {
    const { cluster, process } = this.#options
    // one that was lost and arrives late answers nobody
    if (poll !== this.#polls) return Promise.resolve([])
    return new Promise((resolve) => {
      let unlisten = (): void => undefined
      const look = (): void => {
        const isOver = this.#isClosed || process.isDead || poll !== this.#polls
        const found: Fetched[] = []
        for (const slot of isOver ? [] : this.#hungry()) {
          const fetched = this.#look(slot)
          if (fetched !== undefined) found.push(fetched)
        }
        if (found.length === 0 && !isOver) return
        unlisten()
        if (poll === this.#polls) this.#lookAgain = () => undefined
        resolve(found)
      }
      unlisten = cluster.listen(look)
      this.#lookAgain = look
      look()
    })
  }

  #look(slot: Slot): Fetched | undefined {
    const { cluster, isCommitted, maxBytes } = this.#options
    let partition: SimulatedPartition
    try {
      partition = cluster.partition(slot)
    } catch {
      return { slot, what: 'deleted' }
    }
    const { startOffset, nextOffset, stableOffset } = partition
    const { position } = slot
    if (position < startOffset || position > nextOffset)
      return { slot, what: 'outside', startOffset, nextOffset }
    const bytes = partition.read(position, maxBytes, isCommitted)
    if (bytes.length === 0) return undefined
    return { slot, what: 'bytes', bytes, highWatermark: Math.max(stableOffset, nextOffset) }
  }

  #arrived(fetched: Fetched): void {
    const { slot } = fetched
    if (this.#isClosed || !this.#slots.includes(slot)) return
    if (fetched.what === 'bytes') {
      slot.bytes = fetched.bytes
      slot.highWatermark = fetched.highWatermark
    } else if (fetched.what === 'deleted') {
      this.remove(({ topic }) => topic === slot.topic)
      this.#options.topicLost(slot.topic)
    } else this.#outside(slot, fetched.startOffset, fetched.nextOffset)
  }

  #outside(slot: Slot, earliest: number, latest: number): void {
    const { offsetOutOfRange } = this.#options
    const { topic, partition, position } = slot
    if (offsetOutOfRange !== 'error') {
      this.seek(topic, partition, offsetOutOfRange === 'earliest' ? earliest : latest)
      return
    }
    slot.isStuck = true
    this.#errors.push(outOfRange(slot, position, { partition, earliest, latest }))
  }
}

type Fetched =
  | { slot: Slot; what: 'deleted' }
  | { slot: Slot; what: 'outside'; startOffset: number; nextOffset: number }
  | { slot: Slot; what: 'bytes'; bytes: Uint8Array; highWatermark: number }
