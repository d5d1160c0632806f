// Reads partitions of the simulated cluster without a group: what is committed only. Made by the
// simulated log.

import { topicDeleted } from '../log/failures.ts'
import type { FetchResult, LogReader } from '../log/log.ts'
import type { SimulatedCluster } from './simulated_cluster.ts'
import { SimulatedFetcher } from './simulated_fetcher.ts'
import type { SimulatedProcess } from './simulated_process.ts'

export interface SimulatedReaderOptions {
  readonly cluster: SimulatedCluster
  readonly process: SimulatedProcess
  readonly maxBytes: number
  readonly isCommitted: boolean
  readonly closed: (reader: LogReader) => void
}

export class SimulatedReader implements LogReader {
  readonly #fetcher: SimulatedFetcher
  readonly #closed: (reader: LogReader) => void

  constructor({ cluster, process, maxBytes, isCommitted, closed }: SimulatedReaderOptions) {
    this.#closed = closed
    this.#fetcher = new SimulatedFetcher({
      cluster,
      process,
      maxBytes,
      isCommitted,
      offsetOutOfRange: 'error',
      topicLost: (topic) => this.#fetcher.fail(topicDeleted({ topic })),
    })
  }

  add(topic: string, partition: number, offset: number): void {
    this.#fetcher.add({ topic, partition }, offset)
  }

  remove(topic: string, partition: number): void {
    this.#fetcher.remove((each) => each.topic === topic && each.partition === partition)
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

  async close(): Promise<void> {
    this.#fetcher.close()
    this.#closed(this)
  }
}
