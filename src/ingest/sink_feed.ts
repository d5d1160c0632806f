// Feeds one subscriber's partition: one batch with the sink, a bounded number behind it. Sinks skip
// records that they had already, so a batch that was read twice does no harm.
import type { SharedBatch } from '../batch/region.ts'
import type { PartitionSink } from './subscriber.ts'

interface Entry {
  readonly batch: SharedBatch
  readonly release: () => void
}

export class SinkFeed {
  readonly sink: PartitionSink
  readonly #queueMax: number
  readonly #progressed: () => void
  readonly #rewind: (offset: number) => void
  readonly #queue: Entry[] = []
  #busy = false

  /** `rewind` has the partition read from an offset again. */
  constructor(
    sink: PartitionSink,
    queueMax: number,
    { progressed, rewind }: { progressed: () => void; rewind: (offset: number) => void },
  ) {
    this.sink = sink
    this.#queueMax = queueMax
    this.#progressed = progressed
    this.#rewind = rewind
  }

  get hasRoom(): boolean {
    return this.sink.stopped || this.#queue.length < this.#queueMax
  }

  offer(batch: SharedBatch, release: () => void): void {
    this.#queue.push({ batch, release })
    this.#pump()
  }

  clear(): void {
    for (const entry of this.#queue.splice(0)) entry.release()
  }

  #pump(): void {
    if (this.#busy) return
    const entry = this.#queue.shift()
    if (entry === undefined) return
    this.#busy = true
    void this.sink.push(entry.batch.payload).then((whole) => {
      this.#busy = false
      entry.release()
      if (!whole) {
        this.clear()
        this.#rewind(this.sink.acknowledged())
      }
      this.#progressed()
      this.#pump()
    })
  }
}
