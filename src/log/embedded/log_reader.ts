// Reads partitions of the embedded log of this process without a group; what slots.ts does, for
// whoever says which ones from where.
import { EuphorionError } from '../../errors.ts'
import type { FetchResult, LogReader, ReaderOptions } from '../log.ts'
import type { FileCache } from './file_cache.ts'
import { Slots } from './slots.ts'
import type { Topics } from './topics.ts'

export class EmbeddedReader implements LogReader {
  readonly #topics: Topics
  readonly #slots: Slots
  readonly #onClosed: () => void

  constructor(
    topics: Topics,
    files: FileCache,
    { maxBytes = 1024 * 1024 }: ReaderOptions,
    onClosed: () => void,
  ) {
    this.#topics = topics
    this.#onClosed = onClosed
    this.#slots = new Slots(files, {
      maxBytes,
      offsetOutOfRange: 'error',
      outOfRangeOnce: true,
      onDeleted: () => undefined,
    })
  }

  add(topic: string, partition: number, offset: number): void {
    if (this.#slots.seek(topic, partition, offset)) return
    try {
      this.#slots.add(this.#topics.partition(topic, partition), offset)
    } catch (error) {
      // As from a log that learns of it only when it fetches.
      if (!(error instanceof EuphorionError)) throw error
      this.#slots.report(error)
    }
  }

  remove(topic: string, partition: number): void {
    this.#slots.remove((read) => read.topic === topic && read.partition === partition)
  }

  fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult> {
    return this.#slots.fetch(target, wants, signal)
  }

  wake(): void {
    this.#slots.wake()
  }

  async close(): Promise<void> {
    this.#slots.close()
    this.#slots.remove(() => true)
    this.#onClosed()
  }
}
