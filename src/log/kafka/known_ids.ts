// Transactional ids of a group's members, told on from round to round, so that those who are left
// know whom to fence when somebody is gone. Each member remembers a few of the others, all that are
// gone are told to all. Used by GroupMember and by GroupLeader.
import type { Clock } from '../../clock.ts'
import type { KnownId, LocalState } from '../member_state.ts'

/**
 * Others that a member remembers: an id is forgotten if so many members die together with it.
 */
const witnessedMax = 8
const departedMax = 32
/** Brokers let no transaction live longer (transaction.max.timeout.ms): there is nothing to end. */
const rememberedMs = 15 * 60_000

/** What one member remembers. */
export class KnownIds {
  readonly #clock: Clock
  /** Id → when it was last in a round. */
  #ids: ReadonlyMap<string, number> = new Map()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get told(): KnownId[] {
    const now = this.#clock.monotonic()
    return [...this.#ids]
      .map(([id, atMs]) => ({ id, goneMs: Math.round(now - atMs) }))
      .filter(({ goneMs }) => goneMs <= rememberedMs)
  }

  note(witnessed: readonly string[], departed: readonly KnownId[]): void {
    const now = this.#clock.monotonic()
    this.#ids = new Map([
      ...departed.map(({ id, goneMs }) => [id, now - goneMs] as const),
      ...witnessed.map((id) => [id, now] as const),
    ])
  }
}

/** By what all members remember: the latest first. */
export function departedOf(members: readonly LocalState[]): KnownId[] {
  const present = new Set(members.map(({ transactionalId }) => transactionalId))
  const gone = new Map<string, number>()
  for (const { known } of members)
    for (const { id, goneMs } of known)
      if (!present.has(id) && goneMs <= rememberedMs)
        gone.set(id, Math.max(goneMs, gone.get(id) ?? 0))
  return [...gone]
    .map(([id, goneMs]) => ({ id, goneMs }))
    .sort((a, b) => a.goneMs - b.goneMs || (a.id < b.id ? -1 : 1))
    .slice(0, departedMax)
}

/** Whom each member is to remember: those that come after it, in a ring. */
export function witnesses(members: readonly LocalState[]): (own: string) => string[] {
  const ids = [...new Set(members.map(({ transactionalId }) => transactionalId))]
    .filter((id) => id !== '')
    .sort()
  return (own) => {
    const after = ids.findIndex((id) => id > own)
    const ring = after < 0 ? ids : [...ids.slice(after), ...ids.slice(0, after)]
    return ring.filter((id) => id !== own).slice(0, witnessedMax)
  }
}
