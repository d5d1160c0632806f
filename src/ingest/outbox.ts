// The records of one partition on their way: a batch that is being filled, full ones that wait, and
// at most one that is being appended.
//
//   add() ─▶ [filling] ─full─▶ [sealed, sealed …] ─▶ (append) ─▶ receipts
//                └── linger is over, and nothing is ahead ──┘
//
// Made by Sender.

import { EuphorionError } from '../errors.ts'
import type { LogHeader, LogProducer, StoredBatch } from '../log/log.ts'
import type { BatchWriter } from '../wire/batch_writer.ts'
import type { Compression } from '../wire/compression.ts'
import { decodeBatches, encodeBatch } from '../wire/record_batch.ts'
import type { Receipt } from './receipt.ts'

const BATCH_RECORDS_MAX = 100_000
const RECORD_OVERHEAD_BYTES = 32
const HEADER_OVERHEAD_BYTES = 10

/** Places in Outbox.stored. */
export const storedAt = { records: 0, bytes: 1, refused: 2 } as const

/** What the outboxes of a sender share. */
export interface OutboxPorts {
  readonly producer: LogProducer
  readonly compression: Compression
  /** A batch is full at this size. */
  readonly batchBytes: number
  takeWriter(): BatchWriter
  giveWriter(writer: BatchWriter): void
  /** Calls `flush` once when records have waited for long enough. */
  later(flush: () => void): void
  refused(topic: string, error: unknown): void
  /** So many bytes are no longer on their way. */
  freed(bytes: number): void
}

/** Who waits for records of a batch: `counts[i]` of them, one after the other, for receipts[i]. */
class Filling {
  readonly writer: BatchWriter
  readonly receipts: Receipt[] = []
  readonly counts: number[] = []
  bytes = 0

  constructor(writer: BatchWriter) {
    this.writer = writer
  }
}

export class Outbox {
  readonly topic: string
  readonly partition: number
  /** Records and bytes stored, and batches refused (`storedAt`), for metrics. */
  readonly stored = new Float64Array(3)
  readonly #ports: OutboxPorts
  #filling: Filling | undefined
  readonly #sealed: Filling[] = []
  #isLingering = false
  #running: Promise<void> | undefined
  #appending: Promise<void> | undefined
  #added = 0
  #settled = 0

  constructor(topic: string, partition: number, ports: OutboxPorts) {
    this.topic = topic
    this.partition = partition
    this.#ports = ports
  }

  /** Takes a copy; returns the bytes that it counts for until it is settled. */
  add(
    receipt: Receipt,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers: readonly LogHeader[] | undefined,
    keyLength: number = key === null ? -1 : key.length,
    valueLength: number = value === null ? -1 : value.length,
  ): number {
    const bytes =
      RECORD_OVERHEAD_BYTES +
      (keyLength > 0 ? keyLength : 0) +
      (valueLength > 0 ? valueLength : 0) +
      (headers === undefined ? 0 : headerBytes(headers))
    const { batchBytes } = this.#ports
    if (this.#filling !== undefined && this.#filling.writer.size + bytes > batchBytes) this.#seal()
    this.#filling ??= new Filling(this.#ports.takeWriter())
    const { writer, receipts, counts } = this.#filling
    writer.append(key, value, timestamp, headers, keyLength, valueLength)
    const last = receipts.length - 1
    if (last >= 0 && receipts[last] === receipt) counts[last]++
    else {
      receipts.push(receipt)
      counts.push(1)
    }
    this.#filling.bytes += bytes
    this.#added++
    if (writer.count >= BATCH_RECORDS_MAX) this.#seal()
    else if (this.#running === undefined && !this.#isLingering) {
      this.#isLingering = true
      this.#ports.later(this.#lingered)
    }
    return bytes
  }

  readonly #lingered = (): void => {
    this.#isLingering = false
    this.flush()
  }

  /** Sends what there is, as soon as nothing is ahead of it. */
  flush(): void {
    if (this.#filling !== undefined || this.#sealed.length > 0) this.#running ??= this.#run()
  }

  /** Resolves when all that was added before is stored or refused. Never rejects. */
  async settled(): Promise<void> {
    const added = this.#added
    this.flush()
    while (this.#settled < added) await this.#appending
  }

  #seal(): void {
    this.#sealed.push(this.#filling!)
    this.#filling = undefined
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    // What is added in the same turn goes along.
    await undefined
    for (;;) {
      if (this.#sealed.length === 0) {
        if (this.#filling === undefined) break
        this.#seal()
      }
      const sealed = this.#sealed.shift()!
      this.#appending = this.#append(sealed)
      await this.#appending
    }
    this.#running = undefined
  }

  async #append(filled: Filling): Promise<void> {
    const records = filled.writer.count
    const settle = new Settlement(filled)
    try {
      const batch = filled.writer.finish({ compression: this.#ports.compression })
      await this.#store(batch, records, settle)
    } catch (error) {
      settle.rest(error)
    }
    this.#settled += records
    this.#ports.giveWriter(filled.writer)
    this.#ports.freed(filled.bytes)
  }

  /** Settles the records. A batch that is too large for the topic is sent in halves. */
  async #store(batch: Uint8Array, records: number, settle: Settlement): Promise<void> {
    let stored: StoredBatch
    try {
      stored = await this.#ports.producer.appendBatch(this.topic, this.partition, batch)
    } catch (error) {
      const isLarge = error instanceof EuphorionError && error.code === 'RECORD_TOO_LARGE'
      if (isLarge && records > 1) await this.#storeHalves(batch, settle)
      else {
        this.stored[storedAt.refused]++
        this.#ports.refused(this.topic, error)
        settle.failed(records, error)
      }
      return
    }
    this.stored[storedAt.records] += records
    this.stored[storedAt.bytes] += batch.length
    settle.stored(records, stored)
  }

  async #storeHalves(batch: Uint8Array, settle: Settlement): Promise<void> {
    const records = decodeBatches(batch, { checkCrc: false })
    const { compression } = this.#ports
    const half = records.length >> 1
    for (const part of [records.slice(0, half), records.slice(half)])
      await this.#store(encodeBatch(part, { compression }), part.length, settle)
  }
}

/** Tells the receipts of a batch what became of its records, in their order. */
class Settlement {
  readonly #filled: Filling
  #at = 0
  #told = 0

  constructor(filled: Filling) {
    this.#filled = filled
  }

  stored(records: number, { offset, appendTimeMs }: StoredBatch): void {
    let next = offset
    this.#each(records, (receipt, count) => {
      receipt.stored(count, next, appendTimeMs)
      if (offset >= 0) next += count
    })
  }

  failed(records: number, error: unknown): void {
    this.#each(records, (receipt, count) => receipt.failed(count, error))
  }

  /** Those that were not told yet: they could not even be compressed. */
  rest(error: unknown): void {
    const { counts } = this.#filled
    const left = counts.slice(this.#at).reduce((sum, count) => sum + count, -this.#told)
    this.failed(left, error)
  }

  #each(records: number, tell: (receipt: Receipt, count: number) => void): void {
    const { receipts, counts } = this.#filled
    let left = records
    while (left > 0) {
      const count = Math.min(left, counts[this.#at] - this.#told)
      tell(receipts[this.#at], count)
      left -= count
      this.#told += count
      if (this.#told < counts[this.#at]) continue
      this.#told = 0
      this.#at++
    }
  }
}

function headerBytes(headers: readonly LogHeader[]): number {
  let bytes = 0
  for (const { key, value } of headers)
    bytes += HEADER_OVERHEAD_BYTES + Buffer.byteLength(key) + (value?.length ?? 0)
  return bytes
}
