// What the leader of a group does beside being a member: assigns the partitions, and looks whether
// topics or partitions came or went. Owned by GroupMember.
import type { Clock } from '../../clock.ts'
import {
  type ConsumerSubscription,
  decodeSubscription,
  encodeAssignment,
} from '../../wire/consumer_protocol.ts'
import { crc32c } from '../../wire/crc32c.ts'
import type { JoinGroupAnswer } from '../../wire/requests/join_group.ts'
import type { SyncGroupBody } from '../../wire/requests/sync_group.ts'
import { type Assignment, assign, type GroupMember } from '../assignor.ts'
import {
  decodeLocalState,
  encodeShareNotes,
  type HostShare,
  noNotes,
  type ToldFacts,
} from '../member_state.ts'
import { departedOf, witnesses } from './known_ids.ts'

export interface LeaderPorts {
  readonly clock: Clock
  partitions(topics: readonly string[]): Promise<ReadonlyMap<string, number>>
}

type Assignments = SyncGroupBody['assignments']

/** Why a round came, as the leader sees it: how many members there are, and which are others. */
interface LeaderNews {
  readonly members: number
  readonly came: readonly string[]
  readonly left: readonly string[]
}

/** A round of the group, as one member sees it. */
export interface JoinedNews extends Partial<LeaderNews> {
  readonly reason: string
  readonly generation: number
  /** What it took, most of it waiting for others. */
  readonly ms: number
}

/**
 * Kafka keeps a group as one record, of at most 1 MB as it comes: what hosts have goes to each
 * member, and is left out where that would be more than this in all.
 */
const hostsBytesMax = 256 * 1024

export class GroupLeader {
  readonly #ports: LeaderPorts
  readonly #intervalMs: number
  /** Of all members; empty: we are not the leader. */
  #topics: readonly string[] = []
  /** Of the partitions that were assigned, perhaps by our predecessor; 0: unknown. */
  #layout = 0
  /** A difference that was seen once: a broker that starts may not know all topics yet. */
  #suspected = 0
  #lookedAtMs = 0
  #looking = false
  /** Instance ids, or member ids, of the round before; empty: it was not ours. */
  #names: readonly string[] = []
  /** Of this round; undefined: another one leads. */
  news: LeaderNews | undefined

  constructor(ports: LeaderPorts, intervalMs: number) {
    this.#ports = ports
    this.#intervalMs = intervalMs
  }

  /** Another one leads. */
  follow(): Assignments {
    this.#topics = []
    this.#names = []
    this.news = undefined
    return []
  }

  #tell(names: readonly string[]): void {
    const before = this.#names
    this.#names = names
    const isFirst = before.length === 0
    this.news = {
      members: names.length,
      came: isFirst ? [] : names.filter((name) => !before.includes(name)),
      left: before.filter((name) => !names.includes(name)),
    }
  }

  /** Rejects when the numbers of partitions cannot be had. */
  async lead(joined: JoinGroupAnswer): Promise<Assignments> {
    const members = joined.members.map(({ memberId, groupInstanceId, metadata }) =>
      groupMember(memberId, groupInstanceId, metadata),
    )
    this.#topics = [...new Set(members.flatMap(({ topics }) => topics))].sort()
    this.#tell(joined.members.map((each) => each.groupInstanceId ?? each.memberId))
    this.#suspected = 0
    this.#lookedAtMs = this.#ports.clock.monotonic()
    // It came back, and what it assigned before stands (KIP-814).
    if (joined.skipAssignment) return []
    const partitions = await this.#ports.partitions(this.#topics)
    return encoded(members, assign(members, partitions), layoutOf(partitions))
  }

  /** What the current assignment was made for. */
  assigned(layout: number): void {
    this.#layout = layout
  }

  /** Once in a while, as leader: says when the partitions are others than those assigned. */
  look(changed: (news: string) => void): void {
    const { clock } = this.#ports
    if (this.#topics.length === 0 || this.#looking) return
    if (clock.monotonic() - this.#lookedAtMs < this.#intervalMs) return
    const topics = this.#topics
    this.#looking = true
    this.#ports
      .partitions(topics)
      .then((partitions) => {
        if (topics === this.#topics && this.#differs(layoutOf(partitions)))
          changed('topics or partitions came or went')
      })
      .catch(() => undefined)
      .finally(() => {
        this.#looking = false
        this.#lookedAtMs = clock.monotonic()
      })
  }

  #differs(now: number): boolean {
    const isSeenTwice = this.#suspected === now
    this.#suspected = now
    return isSeenTwice && now !== this.#layout
  }
}

function encoded(
  members: readonly GroupMember[],
  { shares, incomplete }: Assignment,
  layout: number,
): Assignments {
  const states = members.map(({ state }) => state)
  const departed = departedOf(states)
  const witnessed = witnesses(states)
  const hosts = hostsOf(members, shares)
  return members.map(({ id, topics, state }) => {
    const { actives, standbys, warmups } = shares.get(id)!
    const userData = encodeShareNotes({
      incomplete,
      layout,
      declared: declaredOf(topics, state),
      standbys,
      warmups,
      witnessed: witnessed(state.transactionalId),
      departed,
      hosts,
    })
    return {
      memberId: id,
      assignment: encodeAssignment({ assignedPartitions: actives, userData }),
    }
  })
}

/** Only topics that have tables can be asked for. */
function hostsOf(members: readonly GroupMember[], shares: Assignment['shares']): HostShare[] {
  const stateful = new Set(members.flatMap(({ state }) => state.stateful))
  const hosts = members
    .filter(({ state }) => state.address !== '')
    .map(({ id, state }) => {
      const { actives, standbys } = shares.get(id)!
      return {
        address: state.address,
        actives: actives.filter(({ topic }) => stateful.has(topic)),
        standbys,
      }
    })
  const bytes = encodeShareNotes({ ...noNotes, hosts }).length
  return bytes * members.length > hostsBytesMax ? [] : hosts
}

/** A member whose bytes cannot be read takes nothing, and does not stop the others. */
function groupMember(id: string, instanceId: string | null, metadata: Buffer): GroupMember {
  let told: ConsumerSubscription
  try {
    told = decodeSubscription(metadata)
  } catch {
    const state = { ...decodeLocalState(null), generation: -1, owned: [] }
    return { id, topics: [], state }
  }
  return {
    id,
    ...(instanceId === null ? {} : { instanceId }),
    ...(told.rackId === null ? {} : { rack: told.rackId }),
    topics: [...new Set(told.topics)],
    state: {
      ...decodeLocalState(told.userData),
      generation: told.generationId,
      owned: told.ownedPartitions,
    },
  }
}

/** A checksum of the topics and of what stays the same of the facts; never 0. */
export function declaredOf(
  topics: readonly string[],
  { held: _held, ...facts }: ToldFacts,
): number {
  const { transactionalId, address, standbyReplicas, warmupReplicas, acceptableLag } = facts
  const told = [transactionalId, address, standbyReplicas, warmupReplicas, acceptableLag]
  const sorted = [[...topics].sort(), [...facts.stateful].sort(), told]
  return crc32c(Buffer.from(JSON.stringify(sorted))) || 1
}

function layoutOf(partitions: ReadonlyMap<string, number>): number {
  const sorted = [...partitions].sort(([a], [b]) => (a < b ? -1 : 1))
  return crc32c(Buffer.from(JSON.stringify(sorted)))
}
