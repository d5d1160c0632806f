// Appends records to the embedded log of this process. One call is one batch, written with whatever
// else waits for that partition.
import { EuphorionError } from '../../errors.ts'
import { encodeBatch } from '../../wire/record_batch.ts'
import type { Compression, LogProducer, LogRecord, StoredBatch } from '../log.ts'
import type { Topics } from './topics.ts'

export class EmbeddedProducer implements LogProducer {
  readonly #topics: Topics
  readonly #compression: Compression
  readonly #onClosed: () => void
  readonly #pending = new Set<Promise<number>>()
  #closed = false

  constructor(topics: Topics, compression: Compression, onClosed: () => void) {
    this.#topics = topics
    this.#compression = compression
    this.#onClosed = onClosed
  }

  async append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    if (this.#closed) throw new EuphorionError('LOG_FAILED', 'the producer was closed')
    const target = this.#topics.partition(topic, partition)
    if (records.length === 0) return target.nextOffset
    const compression = this.#compression
    return this.#tracked(target.append(() => encodeBatch(records, { compression })))
  }

  async appendBatch(topic: string, partition: number, batch: Uint8Array): Promise<StoredBatch> {
    if (this.#closed) throw new EuphorionError('LOG_FAILED', 'the producer was closed')
    const target = this.#topics.partition(topic, partition)
    return { offset: await this.#tracked(target.append(() => batch)) }
  }

  async #tracked(stored: Promise<number>): Promise<number> {
    this.#pending.add(stored)
    try {
      return await stored
    } finally {
      this.#pending.delete(stored)
    }
  }

  /** Resolves when what was appended is stored. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#pending)
    this.#onClosed()
  }
}
