// Feeds one subscriber's partition: one batch with the sink, a bounded number behind it. Sinks skip
// records that they had already, so a batch that was read twice does no harm. Batches are copied: a
// handler may take as long as it likes, and wait for what another partition has still to fetch, so
// it must not hold regions.
import type { SharedBatch } from '../batch/region.ts'
import type { EventSubscriber, PartitionSink } from './subscriber.ts'

export interface SinkFeedOptions {
  readonly progressed: () => void
  /** Has the partition read from an offset again. */
  readonly rewind: (offset: number) => void
}

export class SinkFeed {
  readonly subscriber: EventSubscriber
  readonly sink: PartitionSink
  readonly #queueMax: number
  readonly #progressed: () => void
  readonly #rewind: (offset: number) => void
  readonly #queue: Uint8Array[] = []
  #busy = false
  #busyBytes = 0

  constructor(
    subscriber: EventSubscriber,
    sink: PartitionSink,
    queueMax: number,
    { progressed, rewind }: SinkFeedOptions,
  ) {
    this.subscriber = subscriber
    this.sink = sink
    this.#queueMax = queueMax
    this.#progressed = progressed
    this.#rewind = rewind
  }

  /** For people. */
  get name(): string | undefined {
    return this.subscriber.name
  }

  /** Bytes of the batches that it has, with the one that the sink works on. */
  get waitingBytes(): number {
    return this.#queue.reduce((sum, payload) => sum + payload.length, this.#busyBytes)
  }

  get hasRoom(): boolean {
    return this.sink.stopped || this.#queue.length < this.#queueMax
  }

  /** What it was given and has not acknowledged is not what its functions wait for. */
  get isWorking(): boolean {
    if (this.sink.stopped) return false
    return this.#busy || this.#queue.length > 0 || this.sink.holds
  }

  offer(batch: SharedBatch, release: () => void): void {
    if (!this.sink.stopped) this.#queue.push(Buffer.from(batch.payload))
    release()
    this.#pump()
  }

  clear(): void {
    this.#queue.length = 0
  }

  #pump(): void {
    if (this.#busy) return
    const payload = this.#queue.shift()
    if (payload === undefined) return
    this.#busy = true
    this.#busyBytes = payload.length
    void this.sink.push(payload).then((whole) => {
      this.#busy = false
      this.#busyBytes = 0
      if (!whole) {
        this.clear()
        this.#rewind(this.sink.acknowledged())
      }
      this.#progressed()
      this.#pump()
    })
  }
}
