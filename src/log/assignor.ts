// Which member of a group gets which partitions: a pure function, called by the group's leader
// (kafka/member.ts).
//
// Topics with equal numbers of partitions and the same subscribers are co-partitioned: partition n
// of all of them is one unit and goes to one member. Units are shared out group by group:
//
//   quotas (balanced) ─▶ keep what is owned ─▶ the rest to who has its state ─▶ the rest in turns
//
// A member that owns more than its quota gives up the lowest numbers. Nothing else moves.
import type { TopicPartitions } from '../wire/consumer_protocol.ts'
import { placeStandbys } from './assignor_standbys.ts'
import type { MemberState } from './member_state.ts'
import { fillLevels } from './quotas.ts'

export interface GroupMember {
  readonly id: string
  /** Of a static member (KIP-345). */
  readonly instanceId?: string
  readonly rack?: string
  readonly topics: readonly string[]
  readonly state: MemberState
}

export interface MemberShare {
  readonly actives: readonly TopicPartitions[]
  readonly standbys: readonly TopicPartitions[]
  /** Of the standbys: once they are warm, partitions move. */
  readonly warmups: readonly TopicPartitions[]
}

export interface Assignment {
  /** By id of the member; every member has a share. */
  readonly shares: ReadonlyMap<string, MemberShare>
  /** Something waits for its owner to give it up: another round has to follow. */
  readonly incomplete: boolean
}

/** Topics that share their fate, and who takes part. */
export interface UnitGroup {
  readonly topics: readonly string[]
  readonly partitions: number
  /** Indexes of members, ascending. */
  readonly takers: readonly number[]
}

/** Local state of a unit: the member that has it, and how many records it lacks. */
export interface StateHolder {
  readonly member: number
  readonly lag: number
}

/** What all members told, by partition. */
export class KnownState {
  readonly #owners = new Map<string, Map<number, { member: number; generation: number }>>()
  readonly #holders = new Map<string, Map<number, StateHolder[]>>()

  constructor(members: readonly GroupMember[]) {
    for (const [member, { state }] of members.entries()) {
      for (const { topic, partitions } of state.owned) {
        const owners = submap(this.#owners, topic)
        for (const partition of partitions) {
          const claim = owners.get(partition)
          // Two owners: the one of the older generation has been thrown out and does not know it.
          if (claim === undefined || claim.generation < state.generation)
            owners.set(partition, { member, generation: state.generation })
        }
      }
      for (const { topic, partition, lag } of state.held) {
        const holders = submap(this.#holders, topic)
        const known = holders.get(partition)
        if (known === undefined) holders.set(partition, [{ member, lag }])
        else if (known.at(-1)!.member !== member) known.push({ member, lag })
      }
    }
  }

  owner(topic: string, partition: number): number | undefined {
    return this.#owners.get(topic)?.get(partition)?.member
  }

  /** The taker that owns the unit in most of its topics; -1 for none. */
  unitOwner(group: UnitGroup, partition: number, takes: (member: number) => boolean): number {
    let best = -1
    let most = 0
    const counts = new Map<number, number>()
    for (const topic of group.topics) {
      const owner = this.owner(topic, partition)
      if (owner === undefined || !takes(owner)) continue
      const count = (counts.get(owner) ?? 0) + 1
      counts.set(owner, count)
      if (count > most || (count === most && owner < best)) {
        best = owner
        most = count
      }
    }
    return best
  }

  /** Takers with state of the unit, the most advanced first. A member's lags are added up. */
  unitHolders(
    group: UnitGroup,
    partition: number,
    takes: (member: number) => boolean,
  ): StateHolder[] {
    const lags = new Map<number, number>()
    for (const topic of group.topics)
      for (const { member, lag } of this.#holders.get(topic)?.get(partition) ?? [])
        if (takes(member)) lags.set(member, (lags.get(member) ?? 0) + lag)
    return [...lags]
      .map(([member, lag]) => ({ member, lag }))
      .sort((a, b) => a.lag - b.lag || a.member - b.member)
  }
}

/**
 * The assignment that is to be reached, and of it what may be given out now: a partition that
 * another member owns is given to nobody until that one has given it up (KIP-429). `partitions` are
 * the topics that exist; `standbys` the copies of a unit besides the active one, fewer where there
 * are not enough places.
 */
export function assign(
  members: readonly GroupMember[],
  partitions: ReadonlyMap<string, number>,
  standbys = Math.max(0, ...members.map(({ state }) => state.standbyReplicas)),
): Assignment {
  const ordered = [...members].sort(byName)
  const known = new KnownState(ordered)
  return withhold(ordered, known, shareOut(ordered, known, partitions, standbys))
}

/** Instance ids last longer than member ids, which are new at each start. */
function byName(a: GroupMember, b: GroupMember): number {
  const [left, right] = [a.instanceId ?? a.id, b.instanceId ?? b.id]
  if (left !== right) return left < right ? -1 : 1
  return a.id < b.id ? -1 : 1
}

interface Targets {
  readonly actives: Map<string, number[]>
  readonly standbys: Map<string, number[]>
}

function shareOut(
  members: readonly GroupMember[],
  known: KnownState,
  partitions: ReadonlyMap<string, number>,
  standbys: number,
): readonly Targets[] {
  const targets = members.map((): Targets => ({ actives: new Map(), standbys: new Map() }))
  const activeLoads = members.map(() => 0)
  const standbyLoads = members.map(() => 0)
  for (const group of unitGroups(members, partitions)) {
    const owners = placeActives(group, known, activeLoads)
    const holders = placeStandbys({ group, members, known, owners, standbys, loads: standbyLoads })
    for (const topic of group.topics)
      for (let partition = 0; partition < group.partitions; partition++) {
        append(targets[owners[partition]].actives, topic, partition)
        for (const holder of holders[partition]) append(targets[holder].standbys, topic, partition)
      }
  }
  return targets
}

/** Those with few takers first, so that who takes more can make up for it. */
function unitGroups(
  members: readonly GroupMember[],
  partitions: ReadonlyMap<string, number>,
): UnitGroup[] {
  const takers = new Map<string, Set<number>>()
  for (const [member, { topics }] of members.entries())
    for (const topic of topics)
      if ((partitions.get(topic) ?? 0) > 0)
        takers.set(topic, (takers.get(topic) ?? new Set()).add(member))
  const groups = new Map<string, { topics: string[]; partitions: number; takers: number[] }>()
  for (const topic of [...takers.keys()].sort()) {
    const [count, who] = [partitions.get(topic)!, [...takers.get(topic)!]]
    const name = `${count}:${who.join()}`
    const group = groups.get(name)
    if (group !== undefined) group.topics.push(topic)
    else groups.set(name, { topics: [topic], partitions: count, takers: who })
  }
  return [...groups.values()].sort((a, b) => a.takers.length - b.takers.length)
}

/** The owner of each unit; adds to the loads. */
function placeActives(group: UnitGroup, known: KnownState, loads: number[]): number[] {
  const { partitions, takers } = group
  const taking = new Set(takers)
  const takes = (member: number): boolean => taking.has(member)
  const owned = new Map<number, number[]>(takers.map((member) => [member, []]))
  for (let unit = 0; unit < partitions; unit++)
    owned.get(known.unitOwner(group, unit, takes))?.push(unit)
  const room = fillLevels(
    takers.map((member) => loads[member]),
    partitions,
    takers.map((member) => owned.get(member)!.length),
  )
  const owners = new Array<number>(partitions).fill(-1)
  for (const [index, member] of takers.entries()) {
    const units = owned.get(member)!
    loads[member] += room[index]
    for (const unit of units.slice(Math.max(0, units.length - room[index]))) {
      owners[unit] = member
      room[index]--
    }
  }
  const indexes = new Map(takers.map((member, index) => [member, index]))
  for (let unit = 0; unit < partitions; unit++) {
    if (owners[unit] >= 0) continue
    const holders = known.unitHolders(group, unit, takes)
    const holder = holders.find(({ member }) => room[indexes.get(member)!] > 0)
    if (holder === undefined) continue
    owners[unit] = holder.member
    room[indexes.get(holder.member)!]--
  }
  let turn = 0
  for (let unit = 0; unit < partitions; unit++) {
    if (owners[unit] >= 0) continue
    while (room[turn] === 0) turn = (turn + 1) % takers.length
    owners[unit] = takers[turn]
    room[turn]--
    turn = (turn + 1) % takers.length
  }
  return owners
}

function withhold(
  members: readonly GroupMember[],
  known: KnownState,
  targets: readonly Targets[],
): Assignment {
  let incomplete = false
  const shares = new Map<string, MemberShare>()
  for (const [member, { actives, standbys }] of targets.entries()) {
    const free = (topic: string, partition: number): boolean => {
      const owner = known.owner(topic, partition)
      if (owner === undefined || owner === member) return true
      incomplete = true
      return false
    }
    const givenUp = (topic: string, partition: number): boolean =>
      known.owner(topic, partition) !== member
    shares.set(members[member].id, {
      actives: sorted(actives, free),
      standbys: sorted(standbys, givenUp),
      warmups: [],
    })
  }
  return { shares, incomplete }
}

function sorted(
  partitions: ReadonlyMap<string, number[]>,
  wanted: (topic: string, partition: number) => boolean,
): TopicPartitions[] {
  return [...partitions]
    .map(([topic, all]) => ({ topic, partitions: all.filter((each) => wanted(topic, each)) }))
    .filter(({ partitions: left }) => left.length > 0)
    .sort((a, b) => (a.topic < b.topic ? -1 : 1))
}

function submap<V>(maps: Map<string, Map<number, V>>, topic: string): Map<number, V> {
  let map = maps.get(topic)
  if (map === undefined) {
    map = new Map()
    maps.set(topic, map)
  }
  return map
}

function append(lists: Map<string, number[]>, topic: string, partition: number): void {
  const list = lists.get(topic)
  if (list === undefined) lists.set(topic, [partition])
  else list.push(partition)
}
