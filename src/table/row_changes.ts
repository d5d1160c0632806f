// Tells a program what a cut has changed in a table of agents, after the cut, in the order in which
// it was written. Owned by RowTable, where somebody listens.
import type { CacheKey } from './agent_keys.ts'
import type { Kept } from './agent_values.ts'

/** A row that a cut has stored. */
export interface RowChange {
  readonly group: CacheKey
  readonly key: CacheKey
  /** As the cut before had it. */
  readonly before: Kept | undefined
  readonly after: Kept | undefined
}

/** Changes that wait for who listens; what comes then is not told. */
const CHANGES_MAX = 200_000

export class RowChanges {
  readonly #tell: (change: RowChange) => unknown
  readonly #failed: (error: unknown) => void
  #waiting: RowChange[] = []
  #isTelling = false
  /** Changes that nobody was told of, since too many waited. */
  missed = 0

  constructor(tell: (change: RowChange) => unknown, failed: (error: unknown) => void) {
    this.#tell = tell
    this.#failed = failed
  }

  add(changes: readonly RowChange[]): void {
    const room = CHANGES_MAX - this.#waiting.length
    const told = changes.length > room ? changes.slice(0, room) : changes
    this.missed += changes.length - told.length
    for (const change of told) this.#waiting.push(change)
    if (!this.#isTelling) void this.#tellAll()
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = true
    while (this.#waiting.length > 0) {
      const changes = this.#waiting
      this.#waiting = []
      for (const change of changes) {
        try {
          await this.#tell(change)
        } catch (error) {
          this.#failed(error)
        }
      }
    }
    this.#isTelling = false
  }
}
