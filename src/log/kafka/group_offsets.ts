// The offsets of a group as one of its members commits them: in the name of its generation, so that
// a member that was thrown out can do no harm. Owned by Membership.
import { type Clock, systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { brokerCode } from '../../wire/broker_code.ts'
import type { Connection } from '../../wire/connection.ts'
import { type OffsetCommitAnswer, offsetCommitRequest } from '../../wire/requests/offset_commit.ts'
import { byTopic } from '../by_topic.ts'
import type { StartPosition, TopicPartition } from '../log.ts'
import { transactionBackoff } from './backoff.ts'
import { BrokerRefusal } from './broker_refusal.ts'
import type { Cluster } from './cluster.ts'
import { committedOffsets } from './committed_offsets.ts'
import type { MemberIdentity } from './member_ports.ts'

export interface GroupOffsetsOptions {
  readonly cluster: Cluster
  readonly groupId: string
  readonly instanceId?: string
  /** ms that a commit waits for the end of a rebalance, and is tried again. */
  readonly timeoutMs: number
  readonly clock?: Clock
}

/** In whose name offsets are stored. */
export interface GroupMember extends MemberIdentity {
  readonly groupId: string
  readonly groupInstanceId: string | null
}

export type OffsetTopics = ReturnType<typeof offsetTopics>

/** Asks the group's coordinator to store offsets: at once, or as part of a transaction. */
export type SendOffsets = (
  coordinator: Connection,
  member: GroupMember,
  topics: OffsetTopics,
) => Promise<OffsetCommitAnswer>

const storeNow: SendOffsets = (coordinator, member, topics) =>
  coordinator.request(offsetCommitRequest, { ...member, topics })

const { REBALANCE_IN_PROGRESS, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID } = brokerCode
/** The group goes on to another generation, or has; the membership hears of it. */
const generationErrors: readonly number[] = [
  REBALANCE_IN_PROGRESS,
  ILLEGAL_GENERATION,
  UNKNOWN_MEMBER_ID,
]

export class GroupOffsets {
  readonly #options: GroupOffsetsOptions
  readonly #clock: Clock
  #identity: MemberIdentity | undefined
  /** Those who wait for another identity. */
  readonly #waiting = new Set<() => void>()

  constructor(options: GroupOffsetsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** In whose name is committed from now on; undefined: not a member now. */
  become(identity: MemberIdentity | undefined): void {
    this.#identity = identity
    for (const wake of this.#waiting) wake()
  }

  /**
   * Waits out a rebalance, as long as `mayCommit`. Rejects with LOG_FAILED (try again later, unless
   * the partitions are gone), FENCED, ACCESS_DENIED and others that the coordinator says.
   */
  async commit(
    offsets: readonly StartPosition[],
    mayCommit: () => boolean,
    send = storeNow,
  ): Promise<void> {
    if (offsets.length === 0) return
    const { cluster, groupId, timeoutMs } = this.#options
    const endMs = this.#clock.monotonic() + timeoutMs
    const isCommitted = await cluster.retry(() => this.#commit(offsets, mayCommit, endMs, send), {
      coordinator: { kind: 'group', id: groupId },
      timeoutMs,
      ...(send !== storeNow && { backoff: transactionBackoff }),
    })
    if (!isCommitted)
      throw new EuphorionError(
        'LOG_FAILED',
        `offsets of group '${groupId}' are not committed: their partitions are not this member's now`,
      )
  }

  /** False: the partitions are not ours any more. */
  async #commit(
    offsets: readonly StartPosition[],
    mayCommit: () => boolean,
    endMs: number,
    send: SendOffsets,
  ): Promise<boolean> {
    const { cluster, groupId, instanceId } = this.#options
    while (this.#identity === undefined && mayCommit()) await this.#otherIdentity(endMs)
    const identity = this.#identity
    if (identity === undefined || !mayCommit()) return false
    const coordinator = await cluster.coordinator('group', groupId)
    if (!mayCommit()) return false
    const member = { groupId, ...identity, groupInstanceId: instanceId ?? null }
    const answer = await send(coordinator, member, offsetTopics(offsets))
    const refusals = answer.topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, errorCode }) => ({ topic, partition, errorCode })),
    )
    for (const { topic, partition, errorCode } of refusals) {
      const what = `committing offsets of group '${groupId}'`
      if (!generationErrors.includes(errorCode))
        BrokerRefusal.check(errorCode, what, { topic, partition })
      else {
        if (this.#identity === identity) await this.#otherIdentity(endMs)
        throw new EuphorionError('LOG_FAILED', `${what}: the group is rebalancing`)
      }
    }
    return true
  }

  /** Resolves when there is one, or none any more. LOG_FAILED where nothing comes in time. */
  #otherIdentity(endMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        cancel()
        this.#waiting.delete(wake)
        settle()
      }
      const wake = () => end(resolve)
      this.#waiting.add(wake)
      const leftMs = Math.max(0, endMs - this.#clock.monotonic())
      const message = `not a member of group '${this.#options.groupId}' now`
      const cancel = this.#clock.after(leftMs, () =>
        end(() => reject(new EuphorionError('LOG_FAILED', message))),
      )
    })
  }

  /** By topic and partition; those without a committed offset are left out. */
  committed(
    partitions: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
    const { cluster, groupId } = this.#options
    return committedOffsets(cluster, groupId, partitions)
  }
}

function offsetTopics(offsets: readonly StartPosition[]) {
  return byTopic(offsets, ({ partition, offset }) => ({
    partition,
    committedOffset: offset,
    committedLeaderEpoch: -1,
    committedMetadata: null,
  }))
}
