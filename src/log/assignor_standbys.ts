// Where the standbys of a group of units are to be in the end: called by the assignor once the
// actives are placed. Copies of a unit are in different places, such as hosts, as far as there are
// enough, even at the cost of balance; and in different racks where balance allows it.
import type { GroupMember, UnitGroup } from './assignor.ts'
import type { KnownState } from './assignor_state.ts'
import { fillLevels } from './quotas.ts'

export interface StandbyTask {
  readonly group: UnitGroup
  readonly members: readonly GroupMember[]
  readonly known: KnownState
  /** By unit. */
  readonly owners: readonly number[]
  /** Wanted for each unit: fewer than there are takers. */
  readonly standbys: number
  /** Standbys of each member so far; added to. */
  readonly loads: number[]
}

/** The members that hold a standby of each unit. */
export function placeStandbys(task: StandbyTask): readonly (readonly number[])[] {
  const { group, standbys, loads } = task
  if (standbys <= 0) return task.owners.map(() => [])
  const placement = new Placement(task)
  placement.keep()
  for (let unit = 0; unit < group.partitions; unit++)
    while (placement.holders[unit].length < standbys) placement.add(unit)
  for (const holders of placement.holders) for (const holder of holders) loads[holder]++
  return placement.holders
}

class Placement {
  readonly holders: number[][]
  readonly #task: StandbyTask
  readonly #places: readonly string[]
  readonly #placeCount: number
  /** By unit: copies in each place, the owner's too. */
  readonly #crowds: readonly Map<string, number>[]
  /** By member: how many it may still take. */
  readonly #room = new Map<number, number>()
  /** By member, ascending. */
  readonly #units = new Map<number, number[]>()
  #turn = 0

  constructor(task: StandbyTask) {
    const { owners, members, group } = task
    this.#task = task
    this.#places = members.map(({ id, state }) => (state.place === '' ? id : state.place))
    this.#placeCount = new Set(group.takers.map((member) => this.#places[member])).size
    this.#crowds = owners.map((owner) => new Map([[this.#places[owner], 1]]))
    this.holders = owners.map(() => [])
    for (const member of group.takers) this.#units.set(member, [])
  }

  /** Standbys stay where they are, as far as places and balance allow. */
  keep(): void {
    const { group, known, loads, owners, standbys } = this.#task
    const kept = new Map<number, number[]>(group.takers.map((member) => [member, []]))
    for (let unit = 0; unit < group.partitions; unit++) {
      const crowd = new Map(this.#crowds[unit])
      const chosen: number[] = []
      for (const member of known.copiers(group, unit)) {
        const place = this.#places[member]
        if (chosen.length === standbys || member === owners[unit]) continue
        if ((crowd.get(place) ?? 0) > this.#leastCrowd(unit, crowd, chosen)) continue
        crowd.set(place, (crowd.get(place) ?? 0) + 1)
        kept.get(member)!.push(unit)
        chosen.push(member)
      }
    }
    const quotas = fillLevels(
      group.takers.map((member) => loads[member]),
      group.partitions * standbys,
      group.takers.map((member) => kept.get(member)!.length),
    )
    for (const [index, member] of group.takers.entries()) {
      const units = kept.get(member)!
      this.#room.set(member, quotas[index])
      for (const unit of this.#staying(units, member, quotas[index])) this.#give(unit, member)
    }
  }

  /** Those go first of which others have state. */
  #staying(units: readonly number[], member: number, quota: number): readonly number[] {
    if (units.length <= quota) return units
    const { group, known, owners } = this.#task
    const lag = new Map(
      units.map((unit) => {
        const others = known.holders(group, unit)
        const other = others.find((each) => each.member !== member && each.member !== owners[unit])
        return [unit, other?.lag ?? Number.MAX_SAFE_INTEGER]
      }),
    )
    return [...units].sort((a, b) => lag.get(a)! - lag.get(b)! || a - b).slice(units.length - quota)
  }

  /** One more standby of `unit`, at best where state of it is, else in turns. */
  add(unit: number): void {
    const least = this.#leastCrowd(unit, this.#crowds[unit], this.holders[unit])
    const member =
      this.#withState(unit, least) ?? this.#inTurn(unit, least) ?? this.#bySwap(unit, least)
    this.#give(unit, member ?? this.#leastLoaded(unit, least))
  }

  #withState(unit: number, least: number): number | undefined {
    return this.#stateful(unit).find(
      (member) => this.#hasRoom(member) && this.#mayHold(unit, member, least),
    )
  }

  /** Takers that have state of the unit, the best first. */
  #stateful(unit: number): number[] {
    const { group, known } = this.#task
    return known.holders(group, unit).map(({ member }) => member)
  }

  /** Preferably in another rack than the active. */
  #inTurn(unit: number, least: number): number | undefined {
    const { group, members, owners } = this.#task
    const { rack } = members[owners[unit]]
    let second: number | undefined
    for (let step = 0; step < group.takers.length; step++) {
      const index = (this.#turn + step) % group.takers.length
      const member = group.takers[index]
      if (!this.#hasRoom(member) || !this.#mayHold(unit, member, least)) continue
      if (rack !== undefined && members[member].rack === rack) second ??= index
      else return this.#taken(index)
    }
    return second === undefined ? undefined : this.#taken(second)
  }

  #taken(index: number): number {
    const { takers } = this.#task.group
    this.#turn = (index + 1) % takers.length
    return takers[index]
  }

  /** A full member takes this one and gives another to a member with room. */
  #bySwap(unit: number, least: number): number | undefined {
    const { takers } = this.#task.group
    const roomy = takers.filter((member) => this.#hasRoom(member))
    if (roomy.length === 0) return undefined
    for (const member of takers) {
      if (!this.#mayHold(unit, member, least)) continue
      for (const other of this.#units.get(member)!) {
        const crowd = this.#crowds[other].get(this.#places[member])! - 1
        const heir = roomy.find((each) => this.#mayHold(other, each, crowd))
        if (heir === undefined) continue
        this.#take(other, member)
        this.#give(other, heir)
        return member
      }
    }
    return undefined
  }

  /** Beyond its quota: a copy more, or another place, is worth more than balance. */
  #leastLoaded(unit: number, least: number): number {
    const able = this.#task.group.takers.filter((member) => this.#mayHold(unit, member, least))
    const count = (member: number): number => this.#units.get(member)!.length
    const fewest = Math.min(...able.map(count))
    const known = this.#stateful(unit).find((one) => able.includes(one) && count(one) === fewest)
    return known ?? able.find((member) => count(member) === fewest)!
  }

  #hasRoom(member: number): boolean {
    return this.#room.get(member)! > 0
  }

  /** In a place with no more than `crowd` copies. */
  #mayHold(unit: number, member: number, crowd: number): boolean {
    if (this.#task.owners[unit] === member || this.holders[unit].includes(member)) return false
    return (this.#crowds[unit].get(this.#places[member]) ?? 0) <= crowd
  }

  /** Copies in the place that has fewest of them and could take one more. */
  #leastCrowd(
    unit: number,
    crowd: ReadonlyMap<string, number>,
    holders: readonly number[],
  ): number {
    if (crowd.size < this.#placeCount) return 0
    let least = Number.POSITIVE_INFINITY
    for (const member of this.#task.group.takers) {
      if (this.#task.owners[unit] === member || holders.includes(member)) continue
      least = Math.min(least, crowd.get(this.#places[member]) ?? 0)
    }
    return least
  }

  #give(unit: number, member: number): void {
    this.holders[unit].push(member)
    this.#crowd(unit, member, 1)
    this.#room.set(member, this.#room.get(member)! - 1)
    const units = this.#units.get(member)!
    units.push(unit)
    units.sort((a, b) => a - b)
  }

  #take(unit: number, member: number): void {
    this.holders[unit].splice(this.holders[unit].indexOf(member), 1)
    this.#crowd(unit, member, -1)
    this.#room.set(member, this.#room.get(member)! + 1)
    const units = this.#units.get(member)!
    units.splice(units.indexOf(unit), 1)
  }

  #crowd(unit: number, member: number, more: 1 | -1): void {
    const place = this.#places[member]
    const count = (this.#crowds[unit].get(place) ?? 0) + more
    if (count === 0) this.#crowds[unit].delete(place)
    else this.#crowds[unit].set(place, count)
  }
}
