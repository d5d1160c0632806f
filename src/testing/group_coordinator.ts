// The coordinator of one consumer group in a simulated cluster, after Kafka's: members join, are
// waited for, get their shares, are missed and thrown out. What it knows outlives its broker as of
// the last round that ended. Owned by the cluster.
import type { Clock } from '../clock.ts'
import { brokerCode } from '../wire/broker_code.ts'
import type { HeartbeatBody } from '../wire/requests/heartbeat.ts'
import type { JoinGroupAnswer, JoinGroupBody } from '../wire/requests/join_group.ts'
import type { LeaveGroupBody } from '../wire/requests/leave_group.ts'
import type { SyncGroupAnswer, SyncGroupBody } from '../wire/requests/sync_group.ts'

interface Member {
  id: string
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  metadata: Buffer
  assignment: Buffer
  join?: ((answer: JoinGroupAnswer) => void) | undefined
  sync?: ((answer: SyncGroupAnswer) => void) | undefined
  cancelExpiry: () => void
}

/** What a new broker reads of the group. */
interface Stored {
  readonly generation: number
  readonly leader: string
  readonly members: readonly Member[]
}

const empty = Buffer.alloc(0)

export class GroupCoordinator {
  generation = 0
  readonly #trace: (text: string) => void
  readonly #clock: Clock
  readonly #members = new Map<string, Member>()
  readonly #pending = new Set<string>()
  #state: 'preparing' | 'completing' | 'stable' = 'stable'
  #leader = ''
  #lastId = 0
  #cancelWait: () => void = () => {}
  #stored: Stored = { generation: 0, leader: '', members: [] }

  /** Timers of `clock` fire while the broker is up. */
  constructor(clock: Clock, trace: (text: string) => void) {
    this.#clock = clock
    this.#trace = trace
  }

  get size(): number {
    return this.#members.size
  }

  /** Another broker took over: rounds that had not ended are forgotten, and all were just heard. */
  restart(): void {
    this.#cancelWait()
    for (const member of this.#members.values()) member.cancelExpiry()
    this.#members.clear()
    this.#pending.clear()
    this.#state = 'stable'
    this.generation = this.#stored.generation
    this.#leader = this.#stored.leader
    for (const stored of this.#stored.members) {
      const member = { ...stored }
      this.#members.set(member.id, member)
      this.#heard(member)
    }
  }

  /** What a commit of offsets in the name of this membership is answered with. */
  commitRefusal(sender: HeartbeatBody, isTransactional: boolean): number {
    const refusal = this.#refusal(sender)
    const isCompleting = this.#state === 'completing' && !isTransactional
    return refusal === brokerCode.NONE && isCompleting ? brokerCode.REBALANCE_IN_PROGRESS : refusal
  }

  #store(): void {
    const members = [...this.#members.values()].map((member) => ({
      ...member,
      join: undefined,
      sync: undefined,
      cancelExpiry: () => {},
    }))
    this.#stored = { generation: this.generation, leader: this.#leader, members }
  }

  ask(name: string, body: unknown): unknown {
    switch (name) {
      case 'JoinGroup':
        return this.#join(body as JoinGroupBody)
      case 'SyncGroup':
        return this.#sync(body as SyncGroupBody)
      case 'Heartbeat':
        return this.#heartbeat(body as HeartbeatBody)
      default:
        return this.#leave(body as LeaveGroupBody)
    }
  }

  #join(body: JoinGroupBody): Promise<JoinGroupAnswer> | JoinGroupAnswer {
    const metadata = Buffer.from(body.protocols[0].metadata)
    const { memberId, groupInstanceId } = body
    const twin = [...this.#members.values()].find(
      ({ instanceId }) => instanceId !== null && instanceId === groupInstanceId,
    )
    if (twin !== undefined && memberId === '') return this.#replace(twin, metadata)
    if (twin !== undefined && twin.id !== memberId)
      return refused(brokerCode.FENCED_INSTANCE_ID, memberId)
    if (memberId === '' && groupInstanceId === null) {
      const id = `member-${++this.#lastId}`
      this.#pending.add(id)
      return refused(brokerCode.MEMBER_ID_REQUIRED, id)
    }
    let member = this.#members.get(memberId)
    if (member === undefined) {
      if (groupInstanceId === null && !this.#pending.delete(memberId))
        return refused(brokerCode.UNKNOWN_MEMBER_ID, memberId)
      if (groupInstanceId !== null && memberId !== '')
        return refused(brokerCode.UNKNOWN_MEMBER_ID, memberId)
      member = this.#add(memberId || `static-${++this.#lastId}`, groupInstanceId, body, metadata)
    } else if (
      this.#state !== 'preparing' &&
      member.metadata.equals(metadata) &&
      !(this.#state === 'stable' && member.id === this.#leader)
    )
      return this.#current(member, false)
    member.metadata = metadata
    return this.#wait(member)
  }

  #add(id: string, instanceId: string | null, body: JoinGroupBody, metadata: Buffer): Member {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = body
    const member: Member = {
      id,
      instanceId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      metadata,
      assignment: empty,
      cancelExpiry: () => {},
    }
    this.#members.set(id, member)
    return member
  }

  /** A static member came back: in a stable group nothing happens. */
  #replace(member: Member, metadata: Buffer): Promise<JoinGroupAnswer> | JoinGroupAnswer {
    this.#members.delete(member.id)
    member.join?.(refused(brokerCode.FENCED_INSTANCE_ID, member.id))
    member.sync?.(shareOf(empty, brokerCode.FENCED_INSTANCE_ID))
    const wasLeader = member.id === this.#leader
    member.id = `static-${++this.#lastId}`
    member.join = undefined
    member.sync = undefined
    member.metadata = metadata
    this.#members.set(member.id, member)
    if (wasLeader) this.#leader = member.id
    this.#heard(member)
    if (this.#state === 'stable') this.#store()
    return this.#state === 'stable' ? this.#current(member, wasLeader) : this.#wait(member)
  }

  #current(member: Member, skipAssignment: boolean): JoinGroupAnswer {
    this.#heard(member)
    return {
      ...refused(brokerCode.NONE, member.id),
      generationId: this.generation,
      protocolType: 'consumer',
      protocolName: 'euphorion',
      leader: this.#leader,
      skipAssignment,
      members: member.id === this.#leader ? this.#listed() : [],
    }
  }

  #listed(): JoinGroupAnswer['members'] {
    return [...this.#members.values()].map(({ id, instanceId, metadata }) => ({
      memberId: id,
      groupInstanceId: instanceId,
      metadata: Buffer.from(metadata),
    }))
  }

  #wait(member: Member): Promise<JoinGroupAnswer> {
    member.cancelExpiry()
    this.#prepare()
    return new Promise((resolve) => {
      member.join?.(refused(brokerCode.UNKNOWN_MEMBER_ID, member.id))
      member.join = resolve
      this.#completeIfAllCame()
    })
  }

  #prepare(): void {
    if (this.#state === 'preparing') return
    this.#state = 'preparing'
    for (const member of this.#members.values()) {
      if (member.sync === undefined) continue
      member.sync(shareOf(empty, brokerCode.REBALANCE_IN_PROGRESS))
      member.sync = undefined
      this.#heard(member)
    }
    const waitMs = Math.max(
      0,
      ...[...this.#members.values()].map((each) => each.rebalanceTimeoutMs),
    )
    this.#cancelWait()
    this.#cancelWait = this.#clock.after(waitMs, () => {
      for (const member of [...this.#members.values()])
        if (member.join === undefined && member.instanceId === null) this.#remove(member)
      this.#complete()
    })
  }

  #completeIfAllCame(): void {
    if (this.#state !== 'preparing') return
    if ([...this.#members.values()].every(({ join }) => join !== undefined)) this.#complete()
  }

  #complete(): void {
    this.#cancelWait()
    if (this.#members.size === 0) return
    this.generation++
    this.#state = 'completing'
    if (this.#members.get(this.#leader)?.join === undefined)
      this.#leader = [...this.#members.values()].find(({ join }) => join !== undefined)?.id ?? ''
    for (const member of this.#members.values()) {
      const join = member.join
      member.join = undefined
      // A static member that did not come is kept, but the group went on without it.
      if (join === undefined) continue
      this.#heard(member)
      join(this.#current(member, false))
    }
  }

  #sync(body: SyncGroupBody): Promise<SyncGroupAnswer> | SyncGroupAnswer {
    const refusal = this.#refusal(body)
    if (refusal !== brokerCode.NONE) return shareOf(empty, refusal)
    const member = this.#members.get(body.memberId)!
    if (this.#state === 'preparing') return shareOf(empty, brokerCode.REBALANCE_IN_PROGRESS)
    this.#heard(member)
    if (this.#state === 'stable') return shareOf(member.assignment)
    return new Promise((resolve) => {
      member.sync = resolve
      member.cancelExpiry()
      if (body.memberId !== this.#leader) return
      this.#state = 'stable'
      for (const each of this.#members.values()) {
        const part = body.assignments.find(({ memberId }) => memberId === each.id)
        each.assignment = Buffer.from(part?.assignment ?? empty)
        each.sync?.(shareOf(each.assignment))
        each.sync = undefined
        this.#heard(each)
      }
      this.#store()
      this.#trace(`the group is stable in generation ${this.generation}`)
    })
  }

  #heartbeat(body: HeartbeatBody): { throttleTimeMs: number; errorCode: number } {
    const refusal = this.#refusal(body)
    if (refusal === brokerCode.NONE) this.#heard(this.#members.get(body.memberId)!)
    const isPreparing = this.#state === 'preparing'
    const errorCode =
      refusal === brokerCode.NONE && isPreparing ? brokerCode.REBALANCE_IN_PROGRESS : refusal
    return { throttleTimeMs: 0, errorCode }
  }

  #refusal({ memberId, generationId, groupInstanceId }: HeartbeatBody): number {
    const twin = [...this.#members.values()].find(
      ({ instanceId }) => instanceId !== null && instanceId === groupInstanceId,
    )
    if (twin !== undefined && twin.id !== memberId) return brokerCode.FENCED_INSTANCE_ID
    if (!this.#members.has(memberId)) return brokerCode.UNKNOWN_MEMBER_ID
    return generationId === this.generation ? brokerCode.NONE : brokerCode.ILLEGAL_GENERATION
  }

  #leave({ members }: LeaveGroupBody): { throttleTimeMs: number; errorCode: number } {
    for (const { memberId, groupInstanceId } of members) {
      const member =
        this.#members.get(memberId) ??
        [...this.#members.values()].find(
          ({ instanceId }) => instanceId !== null && instanceId === groupInstanceId,
        )
      if (member !== undefined) this.#goes(member)
    }
    return { throttleTimeMs: 0, errorCode: brokerCode.NONE }
  }

  /** A sign of life. */
  #heard(member: Member): void {
    member.cancelExpiry()
    member.cancelExpiry = this.#clock.after(member.sessionTimeoutMs, () => this.#goes(member))
  }

  #goes(member: Member): void {
    this.#remove(member)
    if (this.#members.size === 0) return
    this.#prepare()
    this.#completeIfAllCame()
  }

  #remove(member: Member): void {
    member.cancelExpiry()
    this.#members.delete(member.id)
    member.join?.(refused(brokerCode.UNKNOWN_MEMBER_ID, member.id))
    member.sync?.(shareOf(empty, brokerCode.UNKNOWN_MEMBER_ID))
    this.#trace(`the group goes on without ${member.id}`)
  }
}

function refused(errorCode: number, memberId: string): JoinGroupAnswer {
  return {
    throttleTimeMs: 0,
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

function shareOf(assignment: Buffer, errorCode: number = brokerCode.NONE): SyncGroupAnswer {
  return { throttleTimeMs: 0, errorCode, protocolType: null, protocolName: null, assignment }
}
