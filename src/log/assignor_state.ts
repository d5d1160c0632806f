// What the members of a group told of themselves, as the assignor asks for it: who owns what, and
// whose copy of its state lacks how much.
import type { GroupMember, UnitGroup } from './assignor.ts'

/** Local state of a unit: the member that has it, and how many records it lacks. */
export interface StateHolder {
  readonly member: number
  /** 0: no more than is acceptable. */
  readonly lag: number
}

/** A topic's state that a member has nothing of: more than any lag that is told. */
const missing = 2 ** 40

export class KnownState {
  readonly #owners = new Map<string, Map<number, { member: number; generation: number }>>()
  /** Topic → partition → member → lag, as told. */
  readonly #lags = new Map<string, Map<number, Map<number, number>>>()
  /** Topic → partition → members that copy its state. */
  readonly #copies = new Map<string, Map<number, number[]>>()
  readonly #acceptableLag: number

  constructor(members: readonly GroupMember[], acceptableLag: number) {
    this.#acceptableLag = acceptableLag
    for (const [member, { state }] of members.entries()) {
      for (const { topic, partitions } of state.owned) {
        const owners = entry(this.#owners, topic, () => new Map())
        for (const partition of partitions) {
          const claim = owners.get(partition)
          // Two owners: the one of the older generation has been thrown out and does not know it.
          if (claim === undefined || claim.generation < state.generation)
            owners.set(partition, { member, generation: state.generation })
        }
      }
      for (const { topic, partition, lag } of state.held) {
        const lags = entry(this.#lags, topic, () => new Map<number, Map<number, number>>())
        entry(lags, partition, () => new Map()).set(member, Math.min(lag, missing - 1))
      }
      for (const { topic, partitions } of state.standbys) {
        const copies = entry(this.#copies, topic, () => new Map<number, number[]>())
        for (const each of new Set(partitions)) entry(copies, each, () => []).push(member)
      }
    }
  }

  owner(topic: string, partition: number): number | undefined {
    return this.#owners.get(topic)?.get(partition)?.member
  }

  /** The taker that owns the unit in most of its topics; -1 for none. */
  unitOwner(group: UnitGroup, unit: number): number {
    let best = -1
    let most = 0
    const counts = new Map<number, number>()
    for (const topic of group.topics) {
      const owner = this.owner(topic, unit)
      if (owner === undefined || !group.takes.has(owner)) continue
      const count = (counts.get(owner) ?? 0) + 1
      counts.set(owner, count)
      if (count > most || (count === most && owner < best)) {
        best = owner
        most = count
      }
    }
    return best
  }

  /** Takers that copy the state of the unit for it, those that lack least first. */
  copiers(group: UnitGroup, unit: number): number[] {
    const copiers = new Set<number>()
    for (const topic of group.stateful)
      for (const member of this.#copies.get(topic)?.get(unit) ?? [])
        if (group.takes.has(member)) copiers.add(member)
    return [...copiers].sort((a, b) => this.lag(group, unit, a) - this.lag(group, unit, b) || a - b)
  }

  /** Takers with any state of the unit, those that lack least first. */
  holders(group: UnitGroup, unit: number): StateHolder[] {
    const members = new Set<number>()
    for (const topic of group.stateful) {
      const owner = this.owner(topic, unit)
      if (owner !== undefined) members.add(owner)
      for (const member of this.#lags.get(topic)?.get(unit)?.keys() ?? []) members.add(member)
    }
    return [...members]
      .filter((member) => group.takes.has(member))
      .map((member) => ({ member, lag: this.lag(group, unit, member) }))
      .sort((a, b) => a.lag - b.lag || a.member - b.member)
  }

  /** What the member lacks of the unit's state; 0 where that is acceptable. */
  lag(group: UnitGroup, unit: number, member: number): number {
    const lag = this.#told(group, unit, member)
    return lag <= this.#acceptableLag ? 0 : lag
  }

  /** Whether it lacks no more than `times` what is acceptable. */
  isNear(group: UnitGroup, unit: number, member: number, times: number): boolean {
    return this.#told(group, unit, member) <= this.#acceptableLag * times
  }

  /** Its lags added up. Who owns a topic and tells none has all of it. */
  #told(group: UnitGroup, unit: number, member: number): number {
    let sum = 0
    for (const topic of group.stateful)
      sum +=
        this.#lags.get(topic)?.get(unit)?.get(member) ??
        (this.owner(topic, unit) === member ? 0 : missing)
    return sum
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
