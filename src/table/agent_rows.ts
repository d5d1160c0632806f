// The rows of one agents' table that are in memory: what was read or written lately. What is not in
// the store yet is never dropped. Owned by AgentTable.
import type { CacheKey } from './agent_keys.ts'
import type { AgentTablePart } from './agent_part.ts'
import type { Kept } from './agent_values.ts'

/** A key that somebody has read or written. */
export class AgentRow {
  /** Of its keys (agent_row_keys.ts). */
  readonly group: CacheKey
  readonly key: CacheKey
  readonly part: AgentTablePart
  /** Undefined: the table does not have the key. */
  kept: Kept | undefined
  /** As the last cut has it; kept where somebody listens to changes, while it is dirty. */
  before: Kept | undefined
  /** What waits for the store's answer, in order; undefined: `kept` is the value. */
  queue: QueuedCall[] | undefined
  /** Since the clock's hand has passed. */
  isUsed = true
  /** Changed since the last cut took it. */
  isDirty = false
  /** Taken by a cut that is not written yet. */
  isTaken = false
  /** Calls that need it together with others, and have not been made. */
  pins = 0

  constructor(group: CacheKey, key: CacheKey, part: AgentTablePart, kept: Kept | undefined) {
    this.group = group
    this.key = key
    this.part = part
    this.kept = kept
  }

  get mayGo(): boolean {
    return !this.isDirty && !this.isTaken && this.queue === undefined && this.pins === 0
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
  readonly #groups = new Map<CacheKey, Map<CacheKey, AgentRow>>()
  /** The group that was asked last: mostly it is asked again. */
  #lastGroup: CacheKey | undefined
  #lastRows: Map<CacheKey, AgentRow> | undefined
  #ring: AgentRow[] = []
  #hand = 0

  /** More than `max` only while that many are not in the store. */
  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#ring.length
  }

  get(group: CacheKey, key: CacheKey): AgentRow | undefined {
    return this.of(group)?.get(key)
  }

  /** The rows of a group that are in memory. */
  of(group: CacheKey): ReadonlyMap<CacheKey, AgentRow> | undefined {
    if (group !== this.#lastGroup) {
      this.#lastGroup = group
      this.#lastRows = this.#groups.get(group)
    }
    return this.#lastRows
  }

  add(row: AgentRow): void {
    if (this.#ring.length >= this.#max) this.#dropTo(this.#max - 1, LOOKS_MAX)
    const rows = this.of(row.group)
    if (rows === undefined) {
      this.#lastRows = new Map([[row.key, row]])
      this.#groups.set(row.group, this.#lastRows)
    } else this.#lastRows!.set(row.key, row)
    this.#ring.push(row)
  }

  /** It is not known after all: the store did not answer. */
  remove(row: AgentRow): void {
    this.#delete(row)
    this.#ring = this.#ring.filter((each) => each !== row)
  }

  removeAll(part: AgentTablePart): AgentRow[] {
    const gone = this.#ring.filter((row) => row.part === part)
    for (const row of gone) this.#delete(row)
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
    for (let looks = 0; looks < looksMax && this.#ring.length > rows; looks++) {
      if (this.#hand >= ring.length) this.#hand = 0
      const row = ring[this.#hand]
      if (row.isUsed || !row.mayGo) {
        row.isUsed = false
        this.#hand++
        continue
      }
      this.#delete(row)
      row.part.forgot(row)
      ring[this.#hand] = ring[ring.length - 1]
      ring.pop()
    }
  }

  #delete({ group, key }: AgentRow): void {
    const rows = this.#groups.get(group)
    rows?.delete(key)
    if (rows?.size !== 0) return
    this.#groups.delete(group)
    this.#lastGroup = undefined
  }
}
