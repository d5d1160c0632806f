// Where the standbys of a group of units go: called by the assignor once the actives are placed. A
// standby is never in the place of its active nor of another standby of the same unit.
import type { GroupMember, KnownState, UnitGroup } from './assignor.ts'
import { fillLevels } from './quotas.ts'

export interface StandbyTask {
  readonly group: UnitGroup
  readonly members: readonly GroupMember[]
  readonly known: KnownState
  /** By unit. */
  readonly owners: readonly number[]
  /** Wanted for each unit. */
  readonly standbys: number
  /** Standbys of each member so far; added to. */
  readonly loads: number[]
}

/** The members that hold a standby of each unit. */
export function placeStandbys(task: StandbyTask): readonly (readonly number[])[] {
  const { group, members, standbys, loads } = task
  const places = new Set(group.takers.map((member) => placeOf(members[member])))
  const wanted = Math.min(standbys, places.size - 1)
  if (wanted <= 0) return task.owners.map(() => [])
  const placement = new Placement(task, wanted)
  placement.keep()
  for (let unit = 0; unit < group.partitions; unit++)
    while (placement.holders[unit].length < wanted) placement.add(unit)
  for (const holders of placement.holders) for (const holder of holders) loads[holder]++
  return placement.holders
}

function placeOf(member: GroupMember): string {
  return member.state.place === '' ? member.id : member.state.place
}

class Placement {
  readonly holders: number[][]
  readonly #task: StandbyTask
  readonly #wanted: number
  readonly #places: readonly string[]
  /** By member: how many it may still take. */
  readonly #room = new Map<number, number>()
  /** By member, ascending. */
  readonly #units = new Map<number, number[]>()
  #turn = 0

  constructor(task: StandbyTask, wanted: number) {
    this.#task = task
    this.#wanted = wanted
    this.#places = task.members.map(placeOf)
    this.holders = task.owners.map(() => [])
    for (const member of task.group.takers) this.#units.set(member, [])
  }

  /** Standbys stay where they are, as far as balance allows. */
  keep(): void {
    const { group, known, loads } = this.#task
    const kept = new Map<number, number[]>(group.takers.map((member) => [member, []]))
    const takes = (member: number): boolean => kept.has(member)
    for (let unit = 0; unit < group.partitions; unit++) {
      const places = [this.#places[this.#task.owners[unit]]]
      for (const { member } of known.unitHolders(group, unit, takes)) {
        if (places.length > this.#wanted || places.includes(this.#places[member])) continue
        places.push(this.#places[member])
        kept.get(member)!.push(unit)
      }
    }
    const quotas = fillLevels(
      group.takers.map((member) => loads[member]),
      group.partitions * this.#wanted,
      group.takers.map((member) => kept.get(member)!.length),
    )
    for (const [index, member] of group.takers.entries()) {
      const units = kept.get(member)!
      this.#room.set(member, quotas[index])
      for (const unit of units.slice(Math.max(0, units.length - quotas[index])))
        this.#give(unit, member)
    }
  }

  /** One more standby of `unit`, at best where state of it is, else in turns. */
  add(unit: number): void {
    const member = this.#withState(unit) ?? this.#inTurn(unit) ?? this.#bySwap(unit)
    this.#give(unit, member ?? this.#leastLoaded(unit))
  }

  #withState(unit: number): number | undefined {
    return this.#stateful(unit).find(
      (member) => this.#hasRoom(member) && this.#mayHold(unit, member),
    )
  }

  /** Takers that have, or had until now, state of the unit. */
  #stateful(unit: number): number[] {
    const { group, known } = this.#task
    const takes = (member: number): boolean => this.#units.has(member)
    const holders = known.unitHolders(group, unit, takes).map(({ member }) => member)
    const owner = known.unitOwner(group, unit, takes)
    return owner < 0 ? holders : [owner, ...holders]
  }

  /** Preferably in another rack than the active. */
  #inTurn(unit: number): number | undefined {
    const { group, members, owners } = this.#task
    const { rack } = members[owners[unit]]
    let second: number | undefined
    for (let step = 0; step < group.takers.length; step++) {
      const index = (this.#turn + step) % group.takers.length
      const member = group.takers[index]
      if (!this.#hasRoom(member) || !this.#mayHold(unit, member)) continue
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
  #bySwap(unit: number): number | undefined {
    const { takers } = this.#task.group
    const roomy = takers.filter((member) => this.#hasRoom(member))
    for (const member of takers) {
      if (!this.#mayHold(unit, member)) continue
      for (const other of this.#units.get(member)!) {
        const heir = roomy.find((each) => this.#mayHold(other, each))
        if (heir === undefined) continue
        this.#take(other, member)
        this.#give(other, heir)
        return member
      }
    }
    return undefined
  }

  /** Beyond its quota: a copy more is worth more than balance. */
  #leastLoaded(unit: number): number {
    const able = this.#task.group.takers.filter((member) => this.#mayHold(unit, member))
    const count = (member: number): number => this.#units.get(member)!.length
    const least = Math.min(...able.map(count))
    const known = this.#stateful(unit).find((each) => able.includes(each) && count(each) === least)
    return known ?? able.find((member) => count(member) === least)!
  }

  #hasRoom(member: number): boolean {
    return this.#room.get(member)! > 0
  }

  #mayHold(unit: number, member: number): boolean {
    const place = this.#places[member]
    if (this.#places[this.#task.owners[unit]] === place) return false
    return this.holders[unit].every((holder) => this.#places[holder] !== place)
  }

  #give(unit: number, member: number): void {
    this.holders[unit].push(member)
    this.#room.set(member, this.#room.get(member)! - 1)
    const units = this.#units.get(member)!
    units.push(unit)
    units.sort((a, b) => a - b)
  }

  #take(unit: number, member: number): void {
    this.holders[unit].splice(this.holders[unit].indexOf(member), 1)
    this.#room.set(member, this.#room.get(member)! + 1)
    const units = this.#units.get(member)!
    units.splice(units.indexOf(unit), 1)
  }
}
