// How far restores have come, for the log, for statistics and for a person at a terminal. Called by
// Recovery.
import type { Clock } from '../clock.ts'
import type { TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'

/** A table of a partition that is being restored from its changelog. */
export interface RecoveryFacts extends TopicPartition {
  readonly table: string
  /** Records copied. */
  readonly rows: number
  /** Offsets to go through: at least as many as there are records. */
  readonly of: number
  readonly rowsPerSecond: number
  readonly ms: number
}

export interface ProgressOf extends TopicPartition {
  readonly table: string
  /** Records copied since it began. */
  readonly rows: () => number
  readonly of: number
}

interface Entry extends ProgressOf {
  readonly beganMs: number
}

const TELL_EVERY_MS = 5000
/** A restore of fewer records is over before it can be read of. */
const QUIET_RECORDS = 1000

export class RecoveryProgress {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #entries = new Set<Entry>()
  #cancel: (() => void) | undefined

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Returns what is to be called when it is over, with whether it has succeeded. */
  begin(restored: ProgressOf): (succeeded: boolean) => void {
    const entry: Entry = { ...restored, beganMs: this.#clock.monotonic() }
    this.#entries.add(entry)
    this.#tell(entry, 'restoring a table from its changelog')
    this.#cancel ??= this.#schedule()
    return (succeeded) => {
      this.#entries.delete(entry)
      this.#tell(entry, succeeded ? 'restored a table' : 'a restore was broken off')
      if (this.#entries.size === 0) this.close()
    }
  }

  facts(): RecoveryFacts[] {
    return [...this.#entries].map((entry) => this.#factsOf(entry))
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #schedule(): () => void {
    return this.#clock.after(TELL_EVERY_MS, () => {
      for (const entry of this.#entries) this.#tell(entry, 'restoring')
      this.#cancel = this.#schedule()
    })
  }

  #tell(entry: Entry, message: string): void {
    const level = entry.of < QUIET_RECORDS ? 'debug' : 'info'
    this.#logger[level]({ ...this.#factsOf(entry) }, message)
  }

  #factsOf({ table, topic, partition, rows, of, beganMs }: Entry): RecoveryFacts {
    const ms = Math.round(this.#clock.monotonic() - beganMs)
    const copied = rows()
    const rowsPerSecond = Math.round(copied / Math.max(0.001, ms / 1000))
    return { table, topic, partition, rows: copied, of, rowsPerSecond, ms }
  }
}
