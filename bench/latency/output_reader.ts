// Another consumer: reads the topic of results, what is committed only, and sees which events their
// counts have. Run by the bench itself, or by the worker where the log is of one process.
import type { Clock } from '../../src/clock.ts'
import type { Log, LogReader } from '../../src/log/log.ts'
import { decodeBatches } from '../../src/wire/record_batch.ts'
import type { Schedule } from './schedule.ts'
import { type CountRow, type Reading, RowSightings } from './sightings.ts'
import type { Urls } from './urls.ts'

export interface OutputReaderOptions {
  readonly log: Pick<Log, 'reader'>
  readonly topic: string
  readonly schedule: Schedule
  readonly urls: Urls
  readonly clock: Clock
}

const FETCH_BYTES = 1 << 20
/** That wait at once: some wait while others are worked on, so that the log always has a place. */
const FETCHES = 8

export class OutputReader {
  readonly #options: OutputReaderOptions
  readonly #rows: RowSightings
  readonly #stopping = new AbortController()

  constructor(options: OutputReaderOptions) {
    this.#options = options
    this.#rows = new RowSightings(options.schedule, options.urls)
  }

  /** Resolves when every event is in the output. */
  async run(): Promise<void> {
    const { log, topic, schedule } = this.#options
    const reader = await log.reader()
    for (let partition = 0; partition < schedule.options.partitions; partition++)
      reader.add(topic, partition, 0)
    const loops = Array.from({ length: FETCHES }, () => this.#read(reader))
    try {
      await Promise.race([this.#rows.sightings.all, Promise.all(loops)])
    } finally {
      this.#stopping.abort()
      await Promise.allSettled(loops)
      await reader.close()
    }
  }

  /** Throws unless the output is right. */
  read(): Reading {
    return this.#rows.read()
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #read(reader: LogReader): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stopping
    const target = new Uint8Array(FETCH_BYTES)
    while (!signal.aborted) {
      const fetched = await reader.fetch(target, () => true, signal)
      const atMs = clock.monotonic()
      if (fetched.kind === 'closed') return
      if (fetched.kind === 'too-small') throw new Error('a batch of the output is too large')
      for (const { value } of decodeBatches(target.subarray(0, fetched.bytes)))
        this.#rows.see(JSON.parse(Buffer.from(value!).toString()) as CountRow, atMs)
    }
  }
}
