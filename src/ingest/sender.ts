// Sends records: what is sent while an append of the partition is on its way goes out together as
// the next batch. Used by topic.send(), by sinks of agents and by the dead-letter topic.
import { EuphorionError } from '../errors.ts'
import type { LogProducer, LogRecord } from '../log/log.ts'

const BATCH_RECORDS_MAX = 10_000
const BATCH_BYTES_MAX = 512 * 1024
const RECORD_OVERHEAD_BYTES = 32
const HEADER_OVERHEAD_BYTES = 10

export interface SenderOptions {
  /** Records sent and not yet stored; one more rejects. */
  readonly recordsMax: number
}

interface Waiting {
  readonly record: LogRecord
  readonly resolve: (offset: number) => void
  readonly reject: (error: unknown) => void
}

/** Records of one partition in the order of send(); at most one append is on its way. */
class Outbox {
  waiting: Waiting[] = []
  sent = 0
  settled = 0
  running: Promise<void> | undefined
  appending: Promise<void> | undefined
}

export class Sender {
  readonly #producer: LogProducer
  readonly #recordsMax: number
  readonly #outboxes = new Map<string, Outbox>()
  #pending = 0

  constructor(producer: LogProducer, options: SenderOptions) {
    this.#producer = producer
    this.#recordsMax = options.recordsMax
  }

  /** Records not yet stored. */
  get pending(): number {
    return this.#pending
  }

  /**
   * Resolves with the record's offset once it is stored. Records of one partition keep their order.
   * Rejects with LOG_FAILED when `recordsMax` wait: await what you send.
   */
  send(
    topic: string,
    partition: number,
    record: LogRecord,
    recordsMax = this.#recordsMax,
  ): Promise<number> {
    if (this.#pending >= recordsMax) {
      const wait = `${this.#pending} records wait to be stored`
      const message = `${wait}; await send(), or raise sendBufferRecords`
      return Promise.reject(
        new EuphorionError('LOG_FAILED', message, { place: { topic, partition } }),
      )
    }
    this.#pending++
    const id = `${topic} ${partition}`
    let outbox = this.#outboxes.get(id)
    if (outbox === undefined) this.#outboxes.set(id, (outbox = new Outbox()))
    const target = outbox
    return new Promise((resolve, reject) => {
      target.waiting.push({ record, resolve, reject })
      target.sent++
      target.running ??= this.#drain(target, topic, partition)
    })
  }

  /** Resolves when everything sent before is stored or refused. Never rejects: senders know. */
  async flush(): Promise<void> {
    const marks = [...this.#outboxes.values()].map((outbox) => ({ outbox, sent: outbox.sent }))
    for (const { outbox, sent } of marks) {
      while (outbox.settled < sent) await outbox.appending
    }
  }

  async close(): Promise<void> {
    await this.flush()
    await this.#producer.close()
  }

  async #drain(outbox: Outbox, topic: string, partition: number): Promise<void> {
    await undefined
    while (outbox.waiting.length > 0) {
      const batch = outbox.waiting.splice(0, batchLength(outbox.waiting))
      outbox.appending = this.#append(topic, partition, batch)
      await outbox.appending
      this.#pending -= batch.length
      outbox.settled += batch.length
    }
    outbox.running = undefined
  }

  async #append(topic: string, partition: number, batch: readonly Waiting[]): Promise<void> {
    try {
      const records = batch.map((each) => each.record)
      const first = await this.#producer.append(topic, partition, records)
      for (const [index, each] of batch.entries()) each.resolve(first + index)
    } catch (error) {
      for (const each of batch) each.reject(error)
    }
  }
}

/** How many of the waiting records fit in one batch; at least one. */
function batchLength(waiting: readonly Waiting[]): number {
  let bytes = 0
  let count = 0
  for (const { record } of waiting) {
    bytes += RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0)
    for (const { key, value } of record.headers ?? [])
      bytes += HEADER_OVERHEAD_BYTES + Buffer.byteLength(key) + (value?.length ?? 0)
    if (count > 0 && (bytes > BATCH_BYTES_MAX || count >= BATCH_RECORDS_MAX)) break
    count++
  }
  return count
}
