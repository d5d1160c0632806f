// What a member of a group is told, and what it asks of those who run it: the thread of a
// membership, or a simulation.
import type { Clock, Random } from '../../clock.ts'
import type { EuphorionError } from '../../errors.ts'
import type { RequestType } from '../../wire/request.ts'
import type { TopicPartition } from '../log.ts'
import type { ToldFacts } from '../member_state.ts'
import type { JoinedNews } from './group_leader.ts'
import type { GroupNews } from './group_news.ts'

export interface MemberOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /** Makes the member static. */
  readonly instanceId?: string
  readonly rack?: string
  /** Standbys are in another place than their active, where there is one. '': the member's own. */
  readonly place: string
  /** As long as nothing else is told. */
  readonly facts: ToldFacts
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
  /** How often the leader looks whether topics or partitions came or went. */
  readonly metadataIntervalMs: number
}

/** By which offsets are committed. */
export interface MemberIdentity {
  readonly memberId: string
  readonly generationId: number
}

export interface MemberPorts {
  readonly clock: Clock
  readonly random?: Random
  /** Asks the group's coordinator. Rejects when there is none, or no answer in time. */
  ask<Q, A>(type: RequestType<Q, A>, body: Q, timeoutMs: number): Promise<A>
  /** Looks for the coordinator anew, by a new connection: what is under way is rejected. */
  reconnect(): void
  /** Numbers of partitions, as they are now; topics that do not exist are left out. */
  partitions(topics: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Of each round, before what it assigns. */
  group(news: GroupNews): void
  assigned(added: readonly TopicPartition[]): Promise<void>
  revoked(gone: readonly TopicPartition[], lost: boolean): Promise<void>
  /** Comes before whatever it assigns; undefined: no member any more. */
  identity(identity: MemberIdentity | undefined): void
  /** For people. */
  joined(news: JoinedNews): void
  /** The member has ended, for good. */
  failed(error: EuphorionError): void
}
