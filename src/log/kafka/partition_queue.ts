// The batches of one partition that wait for their turn, and how the next one is numbered. At most
// the first is on its way, so numbers follow each other whatever happens. Owned by KafkaProducer.
import { recordCountOf, stampProducer } from '../../wire/batch_header.ts'
import type { StoredBatch } from '../log.ts'
import type { ProducerIdentity } from './producer_session.ts'

/** A batch that was appended and is not settled. */
export interface PendingBatch {
  /** Called when it is sent first: what waits takes no memory of ours. */
  readonly encode: () => Uint8Array
  /** Monotonic ms; later it is not sent again. */
  readonly deadlineMs: number
  readonly resolve: (stored: StoredBatch) => void
  readonly reject: (error: unknown) => void
}

const sequences = 2 ** 31

export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  /** The first is on its way, or about to be, while `isBusy`. */
  readonly waiting: PendingBatch[] = []
  isBusy = false
  /** Of the first batch, in a row. */
  failures = 0
  /** What the first batch was sent as; undefined: not yet, or it is to be numbered anew. */
  bytes: Uint8Array | undefined
  /** The first batch has been sent under its number: it may be stored. */
  isSent = false
  #identity: ProducerIdentity | undefined
  #sequence = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get identity(): ProducerIdentity | undefined {
    return this.#identity
  }

  /** Numbers the first batch, unless it has its number. */
  stamp(current: ProducerIdentity): Uint8Array {
    if (this.isSent) return this.bytes!
    this.bytes ??= this.waiting[0].encode()
    if (this.#identity !== current) {
      this.#identity = current
      this.#sequence = 0
    }
    const { producerId, epoch, isTransactional } = current
    stampProducer(this.bytes, producerId, epoch, this.#sequence, isTransactional)
    this.isSent = true
    return this.bytes
  }

  /** The first batch gets its number anew when it is sent next. */
  renumber(): void {
    this.isSent = false
  }

  /** Takes the first batch away. */
  settle(isStored: boolean): PendingBatch {
    if (isStored) this.#sequence = (this.#sequence + recordCountOf(this.bytes!)) % sequences
    this.bytes = undefined
    this.isSent = false
    this.isBusy = false
    this.failures = 0
    return this.waiting.shift()!
  }
}
