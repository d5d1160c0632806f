// A member of a consumer group as a state machine: joins, is assigned, beats, joins again, leaves.
// Cooperative (KIP-429: what is not revoked is never given up) and, with an instance id, static
// (KIP-345). Knows no sockets and no threads; run by membership_thread.ts, and by tests against a
// simulated coordinator.
//
//             ┌──────────── rejoin: asked by the group, or something was released ◀──┐
//             ▼                                                                      │
//   start ─▶ JoinGroup ─▶ SyncGroup ─▶ Heartbeat … ──────────────────────────────────┤
//             ▲  (the leader assigns)      │ unknown member, illegal generation      │
//             └────────── all is lost ◀────┘        not there, loading: a pause ─────┘
import { type Random, systemRandom } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { brokerCode } from '../../wire/broker_code.ts'
import { brokerError, brokerFailure } from '../../wire/broker_error.ts'
import { decodeAssignment, encodeSubscription } from '../../wire/consumer_protocol.ts'
import type { RequestType } from '../../wire/request.ts'
import { type HeartbeatBody, heartbeatRequest } from '../../wire/requests/heartbeat.ts'
import { type JoinGroupAnswer, joinGroupRequest } from '../../wire/requests/join_group.ts'
import { leaveGroupRequest } from '../../wire/requests/leave_group.ts'
import { syncGroupRequest } from '../../wire/requests/sync_group.ts'
import {
  decodeShareNotes,
  encodeLocalState,
  type ShareNotes,
  type ToldFacts,
} from '../member_state.ts'
import { Awaited } from './awaited.ts'
import { pauseMs } from './backoff.ts'
import { declaredOf, GroupLeader } from './group_leader.ts'
import { groupNews } from './group_news.ts'
import { eachOf, Holdings } from './holdings.ts'
import { KnownIds } from './known_ids.ts'
import type { MemberOptions, MemberPorts } from './member_ports.ts'

const assignorName = 'euphorion'
const protocolType = 'consumer'
/** The coordinator answers JoinGroup at the latest after the rebalance timeout. */
const joinGraceMs = 5000
const backoff = { firstMs: 50, mostMs: 1000 }
const awaitingBebeganMs = 200
/** A word with the coordinator when leaving; after that it notices by itself. */
const leaveTimeoutMs = 2000

const { NONE, MEMBER_ID_REQUIRED, REBALANCE_IN_PROGRESS } = brokerCode
const { UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION } = brokerCode

export class GroupMember {
  readonly #options: MemberOptions
  readonly #ports: MemberPorts
  readonly #random: Random
  readonly #holdings: Holdings
  readonly #leader: GroupLeader
  readonly #known: KnownIds
  readonly #awaited: Awaited
  /** What it was last told to copy. */
  #standbys: ShareNotes['standbys'] = []
  #topics: readonly string[]
  #facts: ToldFacts
  #memberId = ''
  #generation = -1
  #failures = 0
  /** Why to join again, once something asks for it. */
  #reason: string | undefined = 'it starts'
  #state: 'running' | 'suspended' | 'closing' | 'ended' = 'running'
  #isClosing = false
  #wake: () => void = () => undefined
  #running: Promise<void> = Promise.resolve()

  constructor(options: MemberOptions, ports: MemberPorts) {
    this.#options = options
    this.#ports = ports
    this.#random = ports.random ?? systemRandom
    this.#topics = options.topics
    this.#facts = options.facts
    this.#known = new KnownIds(ports.clock)
    this.#awaited = new Awaited(ports.clock, this.#random, options.sessionTimeoutMs)
    this.#leader = new GroupLeader(ports, options.metadataIntervalMs)
    this.#holdings = new Holdings({
      clock: ports.clock,
      assigned: (added) => ports.assigned(added),
      revoked: (gone, lost) => ports.revoked(gone, lost),
      // Who closes leaves, or comes back soon: in both cases another round is of no use.
      released: () => {
        if (this.#state !== 'closing') this.#rejoin('partitions were given up')
      },
    })
  }

  /** ms that a revoke has not been answered. */
  get revokingMs(): number {
    return this.#holdings.revokingMs
  }

  start(): void {
    this.#running = this.#run()
  }

  subscribe(topics: readonly string[]): void {
    this.#topics = topics
    this.#holdings.keepTopics(topics)
    this.#rejoin('the topics are others')
  }

  /** What it tells from the next round on: soon, where more of it changed than what it holds. */
  tell(facts: ToldFacts): void {
    const before = this.#facts
    this.#facts = facts
    if (declaredOf([], facts) !== declaredOf([], before))
      this.rejoin('what it tells of itself is other than before')
  }

  /** Joins again, unless it gives up everything anyway. */
  rejoin(reason: string): void {
    if (this.#state === 'running') this.#rejoin(reason)
  }

  /** Leaves the group, also as a static member, and all is lost; until resume(). */
  suspend(): void {
    if (this.#state !== 'running') return
    this.#state = 'suspended'
    this.#interrupt()
  }

  resume(): void {
    if (this.#state !== 'suspended' || this.#isClosing) return
    this.#state = 'running'
    this.#interrupt()
  }

  /**
   * Gives up everything, then leaves: a static member only if told so, since it is to come back.
   * While the engine gives things up it goes on beating.
   */
  async close(leave = this.#options.instanceId === undefined): Promise<void> {
    if (this.#state === 'ended') return
    const wasSuspended = this.#state === 'suspended'
    this.#isClosing = true
    // Who has left already stays away.
    if (!wasSuspended) this.#state = 'closing'
    this.#holdings.aim([])
    await this.#holdings.settled()
    this.#state = 'ended'
    this.#interrupt()
    await this.#running
    if (leave && !wasSuspended) await this.#leave('the consumer is closed')
    this.#ports.identity(undefined)
  }

  async #run(): Promise<void> {
    while (this.#state !== 'ended') {
      try {
        if (this.#state === 'suspended') await this.#stayAway()
        else if (this.#reason === undefined) await this.#beat()
        else await this.#join(this.#reason)
      } catch (error) {
        // No coordinator, or none that answers. Whether we are still members, it will tell.
        if (error instanceof EuphorionError && !error.retriable) this.#fail(error)
        else if (this.#active) await this.#pause()
      }
    }
  }

  get #active(): boolean {
    return this.#state === 'running' || this.#state === 'closing'
  }

  async #stayAway(): Promise<void> {
    this.#lose()
    await this.#leave('its main thread stands still')
    this.#memberId = ''
    while (this.#state === 'suspended') await this.#sleep(this.#options.sessionTimeoutMs)
    this.#reason = 'its main thread goes on'
  }

  /** One round: JoinGroup and SyncGroup. Leaves a reason where another has to follow. */
  async #join(reason: string): Promise<void> {
    this.#reason = undefined
    const beganMs = this.#ports.clock.monotonic()
    try {
      const answer = await this.#askToJoin(reason)
      this.#memberId = answer.memberId || this.#memberId
      if (answer.errorCode === MEMBER_ID_REQUIRED) this.#reason = reason
      else if (await this.#passes(answer.errorCode, 'joining'))
        await this.#sync(answer, reason, beganMs)
      else this.#reason ??= reason
    } catch (error) {
      this.#reason ??= reason
      throw error
    }
  }

  #askToJoin(reason: string): Promise<JoinGroupAnswer> {
    const { groupId, instanceId, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const body = {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      groupInstanceId: instanceId ?? null,
      protocolType,
      protocols: [{ name: assignorName, metadata: this.#subscription() }],
      reason,
    }
    return this.#ask(joinGroupRequest, body, rebalanceTimeoutMs + joinGraceMs)
  }

  #subscription(): Uint8Array {
    return encodeSubscription({
      topics: this.#topics,
      userData: encodeLocalState({
        ...this.#facts,
        place: this.#options.place,
        standbys: this.#standbys,
        known: this.#known.told,
      }),
      ownedPartitions: this.#holdings.owned,
      generationId: this.#generation,
      rackId: this.#options.rack ?? null,
    })
  }

  async #sync(joined: JoinGroupAnswer, reason: string, beganMs: number): Promise<void> {
    const isLeader = joined.leader === joined.memberId
    const assignments = isLeader ? await this.#leader.lead(joined) : this.#leader.follow()
    const answer = await this.#ask(syncGroupRequest, {
      ...this.#sender(joined.generationId),
      protocolType: joined.protocolType,
      protocolName: joined.protocolName,
      assignments,
    })
    if (!(await this.#passes(answer.errorCode, 'taking its share'))) {
      this.#reason ??= 'the group went on'
      return
    }
    const { assignedPartitions, userData } = decodeAssignment(answer.assignment)
    const isNew = this.#generation < 0
    this.#generation = joined.generationId
    const { memberId, generationId } = joined
    this.#ports.identity({ memberId, generationId })
    const share = eachOf(assignedPartitions).filter(({ topic }) => this.#topics.includes(topic))
    const notes = decodeShareNotes(userData)
    this.#note(notes, isNew)
    const ms = Math.round(this.#ports.clock.monotonic() - beganMs)
    this.#ports.joined({ reason, generation: generationId, ms, ...this.#leader.news })
    if (this.#state !== 'running') return
    this.#standbys = notes.standbys
    this.#ports.group(groupNews(notes, share))
    this.#holdings.aim(share)
  }

  #note(notes: ShareNotes, isNew: boolean): void {
    const { incomplete, layout, declared } = notes
    if (declared !== 0) this.#known.note(notes.witnessed, notes.departed)
    this.#awaited.note(notes)
    this.#leader.assigned(layout)
    // A static member that comes back as another one starts no rebalance by itself.
    if (declared !== 0 && declared !== declaredOf(this.#topics, this.#facts))
      this.#rejoin('its topics, or what it tells, are others than the leader knew')
    // The others may be waiting for what it had before it came back.
    if (incomplete && isNew && this.#options.instanceId !== undefined)
      this.#rejoin('it came back with nothing to give up')
  }

  /** Heartbeats, until there is a reason to join again. */
  async #beat(): Promise<void> {
    while (this.#active && this.#reason === undefined) {
      await this.#sleep(this.#bebeganMs())
      if (!this.#active || this.#reason !== undefined) return
      const answer = await this.#ask(heartbeatRequest, this.#sender(this.#generation))
      if (!(await this.#passes(answer.errorCode, 'beating'))) continue
      const reason = this.#awaited.reason(this.#facts)
      if (reason !== undefined) this.#rejoin(reason)
      this.#leader.look((news) => this.#rejoin(news))
    }
  }

  /** Faster while a round is to follow soon: what moves is nobody's until all have heard of it. */
  #bebeganMs(): number {
    const { heartbeatIntervalMs } = this.#options
    return this.#awaited.isIncomplete
      ? Math.min(awaitingBebeganMs, heartbeatIntervalMs)
      : heartbeatIntervalMs
  }

  #sender(generationId: number): HeartbeatBody {
    const { groupId, instanceId } = this.#options
    return {
      groupId,
      generationId,
      memberId: this.#memberId,
      groupInstanceId: instanceId ?? null,
    }
  }

  /** True where there is no error; otherwise all that it asks for has been done. */
  async #passes(errorCode: number, doing: string): Promise<boolean> {
    switch (errorCode) {
      case NONE:
        this.#failures = 0
        return true
      case REBALANCE_IN_PROGRESS:
        this.#rejoin('the group rebalances')
        return false
      case UNKNOWN_MEMBER_ID:
        this.#memberId = ''
        this.#lose()
        this.#rejoin('it was thrown out')
        return false
      case ILLEGAL_GENERATION:
        this.#lose()
        this.#rejoin('the group went on without it')
        return false
    }
    const { retriable, lookUp } = brokerError(errorCode)!
    if (!retriable) {
      this.#fail(brokerFailure(errorCode, `${doing} in group '${this.#options.groupId}'`)!)
      return false
    }
    if (lookUp === 'coordinator') this.#ports.reconnect()
    await this.#pause()
    return false
  }

  #fail(error: EuphorionError): void {
    if (!this.#active) return
    this.#state = 'ended'
    this.#lose()
    this.#ports.failed(error)
  }

  #lose(): void {
    this.#generation = -1
    this.#ports.identity(undefined)
    this.#holdings.lose()
  }

  #rejoin(reason: string): void {
    this.#reason ??= reason
    this.#wake()
  }

  /** Whatever it waits for, it looks again. */
  #interrupt(): void {
    this.#wake()
    this.#ports.reconnect()
  }

  async #leave(reason: string): Promise<void> {
    const { groupId, instanceId } = this.#options
    if (this.#memberId === '' && instanceId === undefined) return
    const member = { memberId: this.#memberId, groupInstanceId: instanceId ?? null, reason }
    try {
      const body = { groupId, members: [member] }
      await this.#ports.ask(leaveGroupRequest, body, leaveTimeoutMs)
    } catch {
      // It will be missed after the session timeout.
    }
  }

  /** Beats must not wait so long that the session is over. */
  #ask<Q, A>(
    type: RequestType<Q, A>,
    body: Q,
    timeoutMs = Math.max(1000, this.#options.sessionTimeoutMs / 2),
  ): Promise<A> {
    return this.#ports.ask(type, body, timeoutMs)
  }

  #pause(): Promise<void> {
    this.#failures++
    return this.#sleep(pauseMs(backoff, this.#failures, this.#random))
  }

  /** Resolves after `ms`, or when something wakes it. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#ports.clock.after(ms, () => this.#wake())
      this.#wake = () => {
        cancel()
        this.#wake = () => undefined
        resolve()
      }
    })
  }
}
