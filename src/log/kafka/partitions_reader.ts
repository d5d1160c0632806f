// Reads partitions by itself, what is committed only: the fetcher of a consumer without a group.
// Made by KafkaLog.
import { topicDeleted } from '../failures.ts'
import type { FetchResult, LogReader } from '../log.ts'
import { Fetcher, type FetcherOptions } from './fetcher.ts'

export class PartitionsReader implements LogReader {
  readonly #fetcher: Fetcher
  readonly #onClosed: () => void

  constructor(
    options: Omit<FetcherOptions, 'offsetOutOfRange' | 'topicLost'>,
    onClosed: () => void,
  ) {
    this.#onClosed = onClosed
    this.#fetcher = new Fetcher({
      ...options,
      offsetOutOfRange: 'error',
      topicLost: (topic) => this.#fetcher.fail(topicDeleted({ topic })),
    })
  }

  add(topic: string, partition: number, offset: number): void {
    if (!this.#fetcher.seek(topic, partition, offset))
      this.#fetcher.add({ topic, partition }, offset)
  }

  remove(topic: string, partition: number): void {
    this.#fetcher.remove((place) => place.topic === topic && place.partition === partition)
  }

  fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult> {
    return this.#fetcher.fetch(target, wants, signal)
  }

  wake(): void {
    this.#fetcher.wake()
  }

  reconnect(topic: string, partition: number): void {
    this.#fetcher.reconnect(topic, partition)
  }

  async close(): Promise<void> {
    this.#fetcher.close()
    this.#onClosed()
  }
}
