// Which member of a group gets which partitions: a pure function, called by the group's leader
// (kafka/group_leader.ts).
//
// Topics with equal numbers of partitions and the same subscribers are co-partitioned: partition n
// of all of them is one unit and goes to one member. Units are shared out group by group:
//
//   actives, balanced ─▶ standbys, in other places ─▶ moves: only to where the state is warm
//
// A member that owns more than its quota gives up as much, and nothing else moves. What is to have
// warm state first (KIP-441) is decided anew each round, by what the members tell then.
import type { TopicPartitions } from '../wire/consumer_protocol.ts'
import { placeActives } from './assignor_actives.ts'
import { Moves, type UnitPlan } from './assignor_moves.ts'
import { placeStandbys } from './assignor_standbys.ts'
import { KnownState } from './assignor_state.ts'
import type { MemberState } from './member_state.ts'

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
  readonly takes: ReadonlySet<number>
  /** Of the topics, those that have tables. */
  readonly stateful: readonly string[]
}

/**
 * The assignment that is to be reached, and of it what may be given out now: a partition that
 * another member owns is given to nobody until that one has given it up (KIP-429). `partitions` are
 * the topics that exist.
 */
export function assign(
  members: readonly GroupMember[],
  partitions: ReadonlyMap<string, number>,
): Assignment {
  const ordered = [...members].sort(byName)
  const known = new KnownState(ordered, largest(members, 'acceptableLag'))
  return withhold(ordered, known, shareOut(ordered, known, partitions))
}

function largest(
  members: readonly GroupMember[],
  name: 'standbyReplicas' | 'warmupReplicas' | 'acceptableLag',
): number {
  return members.reduce((most, { state }) => Math.max(most, state[name]), 0)
}

/** Instance ids last longer than member ids, which are new at each start. */
function byName(a: GroupMember, b: GroupMember): number {
  const [left, right] = [a.instanceId ?? a.id, b.instanceId ?? b.id]
  if (left !== right) return left < right ? -1 : 1
  return a.id < b.id ? -1 : 1
}

/** Of one member, by topic. */
interface Targets {
  readonly actives: Map<string, number[]>
  readonly standbys: Map<string, number[]>
  readonly warmups: Map<string, number[]>
}

function shareOut(
  members: readonly GroupMember[],
  known: KnownState,
  partitions: ReadonlyMap<string, number>,
): readonly Targets[] {
  const activeLoads = members.map(() => 0)
  const standbyLoads = members.map(() => 0)
  const moves = new Moves(known, largest(members, 'warmupReplicas'))
  const replicas = largest(members, 'standbyReplicas')
  const planned = unitGroups(members, partitions).map((group) => {
    const owners = placeActives(group, known, activeLoads)
    const wanted = group.stateful.length === 0 ? 0 : Math.min(replicas, group.takers.length - 1)
    const loads = standbyLoads
    const standbys = placeStandbys({ group, members, known, owners, standbys: wanted, loads })
    return { group, plans: moves.plan(group, owners, standbys, wanted) }
  })
  moves.settle()
  const targets = members.map(
    (): Targets => ({ actives: new Map(), standbys: new Map(), warmups: new Map() }),
  )
  for (const { group, plans } of planned) note(targets, group, plans)
  return targets
}

function note(targets: readonly Targets[], group: UnitGroup, plans: readonly UnitPlan[]): void {
  for (const [unit, { active, standbys, warmups }] of plans.entries()) {
    for (const topic of group.topics) append(targets[active].actives, topic, unit)
    for (const topic of group.stateful) {
      for (const member of standbys) append(targets[member].standbys, topic, unit)
      for (const member of warmups) append(targets[member].warmups, topic, unit)
    }
  }
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
  const stateful = new Set(members.flatMap(({ state }) => state.stateful))
  return [...groups.values()]
    .sort((a, b) => a.takers.length - b.takers.length)
    .map((group) => ({
      ...group,
      takes: new Set(group.takers),
      stateful: group.topics.filter((topic) => stateful.has(topic)),
    }))
}

function withhold(
  members: readonly GroupMember[],
  known: KnownState,
  targets: readonly Targets[],
): Assignment {
  let incomplete = false
  const shares = new Map<string, MemberShare>()
  for (const [member, { actives, standbys, warmups }] of targets.entries()) {
    const waits = (topic: string, partition: number): boolean => {
      const owner = known.owner(topic, partition)
      return owner !== undefined && owner !== member
    }
    const givenUp = (topic: string, partition: number): boolean =>
      known.owner(topic, partition) !== member
    const awaited = sorted(actives, waits)
    if (awaited.length > 0) incomplete = true
    // What it copies of a partition that it waits for, it goes on copying.
    const copied = new Set(members[member].state.standbys.flatMap(keys))
    for (const { topic, partitions } of awaited)
      for (const partition of partitions)
        if (copied.has(`${topic}/${partition}`)) append(standbys, topic, partition)
    shares.set(members[member].id, {
      actives: sorted(actives, (topic, partition) => !waits(topic, partition)),
      standbys: sorted(standbys, givenUp),
      warmups: sorted(warmups, givenUp),
    })
  }
  return { shares, incomplete }
}

function keys({ topic, partitions }: TopicPartitions): string[] {
  return partitions.map((partition) => `${topic}/${partition}`)
}

function sorted(
  partitions: ReadonlyMap<string, number[]>,
  wanted: (topic: string, partition: number) => boolean,
): TopicPartitions[] {
  return [...partitions]
    .map(([topic, all]) => ({
      topic,
      partitions: all.filter((each) => wanted(topic, each)).sort((a, b) => a - b),
    }))
    .filter(({ partitions: left }) => left.length > 0)
    .sort((a, b) => (a.topic < b.topic ? -1 : 1))
}

function append(lists: Map<string, number[]>, topic: string, partition: number): void {
  const list = lists.get(topic)
  if (list === undefined) lists.set(topic, [partition])
  else list.push(partition)
}
