// What senders learn of records that are stored: one receipt per send(), one per partition of a
// sendMany(). Batches of the sender settle them.
import { EuphorionError } from '../errors.ts'

/** Where a record was stored. */
export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  /** -1 where a repeated request was answered too late for the log to know it. */
  readonly offset: number
  /** ms since the epoch; the log's own where the topic has log-append time. */
  readonly timestamp: number
}

/** What of a sendMany() is in one partition. */
export interface PartitionStored {
  readonly partition: number
  readonly records: number
  /** Offsets of the first and the last of them; records of others may lie between. */
  readonly firstOffset: number
  readonly lastOffset: number
}

/** What a sendMany() has stored. */
export interface ManyStored {
  readonly topic: string
  readonly records: number
  /** Partitions that got records, by number. */
  readonly partitions: readonly PartitionStored[]
}

/** Waits for records that follow each other in a batch; told in pieces where a batch is split. */
export interface Receipt {
  stored(records: number, offset: number, appendTimeMs: number | undefined): void
  failed(records: number, error: unknown): void
}

/** Records that are not settled. */
export interface PendingCount {
  pending: number
}

/** One record of send(). */
export class RecordReceipt implements Receipt {
  readonly #topic: string
  readonly #partition: number
  readonly #timestamp: number
  readonly #count: PendingCount
  readonly #resolve: (metadata: RecordMetadata) => void
  readonly #reject: (error: unknown) => void

  constructor(
    topic: string,
    partition: number,
    timestamp: number,
    count: PendingCount,
    resolve: (metadata: RecordMetadata) => void,
    reject: (error: unknown) => void,
  ) {
    this.#topic = topic
    this.#partition = partition
    this.#timestamp = timestamp
    this.#count = count
    this.#resolve = resolve
    this.#reject = reject
  }

  stored(_records: number, offset: number, appendTimeMs: number | undefined): void {
    this.#count.pending--
    const timestamp = appendTimeMs ?? this.#timestamp
    this.#resolve({ topic: this.#topic, partition: this.#partition, offset, timestamp })
  }

  failed(_records: number, error: unknown): void {
    this.#count.pending--
    this.#reject(error)
  }
}

/** Everything of one sendMany(). */
export class ManyReceipt {
  readonly #topic: string
  readonly #partitions = new Map<number, PartitionReceipt>()
  #waiting = 0
  #resolve: (() => void) | undefined
  /** The first one. */
  error: unknown

  constructor(topic: string) {
    this.#topic = topic
  }

  /** Who is to be told of records of the partition. */
  of(partition: number): PartitionReceipt {
    let receipt = this.#partitions.get(partition)
    if (receipt === undefined) {
      receipt = new PartitionReceipt(this, partition)
      this.#partitions.set(partition, receipt)
    }
    return receipt
  }

  /** One more record is on its way. */
  added(): void {
    this.#waiting++
  }

  told(records: number, error: unknown): void {
    this.error ??= error
    this.#waiting -= records
    if (this.#waiting === 0) this.#resolve?.()
  }

  /** Resolves when all that was added is stored or refused; to be called once. */
  settled(): Promise<void> {
    if (this.#waiting === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get result(): ManyStored {
    const partitions = [...this.#partitions.values()]
      .filter(({ records }) => records > 0)
      .map(({ partition, records, firstOffset, lastOffset }) => ({
        partition,
        records,
        firstOffset,
        lastOffset,
      }))
      .sort((a, b) => a.partition - b.partition)
    const records = partitions.reduce((sum, each) => sum + each.records, 0)
    return { topic: this.#topic, records, partitions }
  }

  /** Throws the first failure of the log, saying how many of the records are stored. */
  throwFailure(records: number): void {
    if (this.error === undefined) return
    const { error } = this
    const known = error instanceof EuphorionError
    const reason = error instanceof Error ? error.message : String(error)
    throw new EuphorionError(
      known ? error.code : 'LOG_FAILED',
      `${this.result.records} of ${records} records are stored, others are not: ${reason}`,
      { cause: error, place: known ? error.place : { topic: this.#topic } },
    )
  }
}

class PartitionReceipt implements Receipt, PartitionStored {
  readonly partition: number
  records = 0
  firstOffset = -1
  lastOffset = -1
  readonly #whole: ManyReceipt

  constructor(whole: ManyReceipt, partition: number) {
    this.#whole = whole
    this.partition = partition
  }

  stored(records: number, offset: number): void {
    if (this.firstOffset < 0) this.firstOffset = offset
    if (offset >= 0) this.lastOffset = offset + records - 1
    this.records += records
    this.#whole.told(records, undefined)
  }

  failed(records: number, error: unknown): void {
    this.#whole.told(records, error)
  }
}
