// The rows of one agents' table that are in memory: what was read or written lately. What is not in
// the store yet is never dropped. Owned by AgentTable.
import type { CacheKey } from './agent_keys.ts'
import type { AgentTablePart } from './agent_part.ts'
import type { Kept } from './agent_values.ts'

/** A key that somebody has read or written. */
export class AgentRow {
  readonly key: CacheKey
  readonly part: AgentTablePart
  /** Undefined: the table does not have the key. */
  kept: Kept | undefined
  /** What waits for the store's answer, in order; undefined: `kept` is the value. */
  queue: QueuedCall[] | undefined
  /** Since the clock's hand has passed. */
  isUsed = true
  /** Changed since the last cut took it. */
  isDirty = false
  /** Taken by a cut that is not written yet. */
  isTaken = false

  constructor(key: CacheKey, part: AgentTablePart, kept: Kept | undefined) {
    this.key = key
    this.part = part
    this.kept = kept
  }

  get mayGo(): boolean {
    return !this.isDirty && !this.isTaken && this.queue === undefined
  }
}

/** A call that waits for a row. */
interface QueuedCall {
  run(): void
  fail(error: unknown): void
}

/** Rows that the hand looks at for each one that comes. */
const LOOKS_MAX = 16

/** A clock: each row has a second chance, and a hit costs one store. */
export class AgentRows {
  readonly #max: number
  readonly #rows = new Map<CacheKey, AgentRow>()
  #ring: AgentRow[] = []
  #hand = 0

  /** More than `max` only while that many are not in the store. */
  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#rows.size
  }

  get(key: CacheKey): AgentRow | undefined {
    return this.#rows.get(key)
  }

  add(row: AgentRow): void {
    if (this.#rows.size >= this.#max) this.#dropTo(this.#max - 1, LOOKS_MAX)
    this.#rows.set(row.key, row)
    this.#ring.push(row)
  }

  /** It is not known after all: the store did not answer. */
  remove(row: AgentRow): void {
    this.#rows.delete(row.key)
    this.#ring = this.#ring.filter((each) => each !== row)
  }

  removeAll(part: AgentTablePart): AgentRow[] {
    const gone = this.#ring.filter((row) => row.part === part)
    for (const row of gone) this.#rows.delete(row.key)
    this.#ring = this.#ring.filter((row) => row.part !== part)
    return gone
  }

  /** Rows that were more than `max` because they were not in the store are there now. */
  trim(): void {
    this.#dropTo(this.#max, 2 * this.#ring.length)
  }

  /** Gives each row that was used a second chance. */
  #dropTo(rows: number, looksMax: number): void {
    const ring = this.#ring
    for (let looks = 0; looks < looksMax && this.#rows.size > rows; looks++) {
      if (this.#hand >= ring.length) this.#hand = 0
      const row = ring[this.#hand]
      if (row.isUsed || !row.mayGo) {
        row.isUsed = false
        this.#hand++
        continue
      }
      this.#rows.delete(row.key)
      row.part.forgot(row)
      ring[this.#hand] = ring[ring.length - 1]
      ring.pop()
    }
  }
}
