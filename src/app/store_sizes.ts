// How large the stores of open partitions are on the disk. Directories are looked at behind a
// reading of metrics; what was found is seen by the next one.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'

/** A store has some dozens of files, and is no different a second later. */
const LOOK_EVERY_MS = 30_000

export class StoreSizes {
  readonly #clock: Clock
  readonly #pathOf: (place: TopicPartition) => string
  #sizes = new Map<string, number>()
  #lookedMs = Number.NEGATIVE_INFINITY
  #isLooking = false

  constructor(clock: Clock, pathOf: (place: TopicPartition) => string) {
    this.#clock = clock
    this.#pathOf = pathOf
  }

  /** Bytes; undefined: not looked at yet, or there is no directory. */
  of(place: TopicPartition): number | undefined {
    return this.#sizes.get(partitionKey(place))
  }

  look(places: readonly TopicPartition[]): void {
    const now = this.#clock.monotonic()
    if (this.#isLooking || places.length === 0 || now - this.#lookedMs < LOOK_EVERY_MS) return
    this.#lookedMs = now
    this.#isLooking = true
    void this.#look(places).finally(() => {
      this.#isLooking = false
    })
  }

  /** One after the other: the threads that read files are the stores' too. */
  async #look(places: readonly TopicPartition[]): Promise<void> {
    const sizes = new Map<string, number>()
    for (const place of places) {
      const bytes = await directoryBytes(this.#pathOf(place)).catch(() => undefined)
      if (bytes !== undefined) sizes.set(partitionKey(place), bytes)
    }
    this.#sizes = sizes
  }
}

async function directoryBytes(path: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(path)) {
    // compaction may have deleted it meanwhile
    bytes += await stat(join(path, name)).then(
      ({ size }) => size,
      () => 0,
    )
  }
  return bytes
}
