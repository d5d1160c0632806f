// A member of a group on the simulated cluster: the Kafka driver's own GroupMember speaks with the
// group's coordinator, as it does in its thread; here are the engine's side of it and the commits.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { AwaitedState } from '../log/awaited_state.ts'
import { topicDeleted } from '../log/failures.ts'
import { beginnings } from '../log/kafka/beginnings.ts'
import type { GroupNews } from '../log/kafka/group_news.ts'
import { GroupMember } from '../log/kafka/member.ts'
import type { MemberIdentity } from '../log/kafka/member_ports.ts'
import type {
  ConsumerOptions,
  FetchResult,
  LogConsumer,
  PartitionOffsets,
  StartPosition,
  TopicPartition,
} from '../log/log.ts'
import { noFacts, type ToldFacts } from '../log/member_state.ts'
import { partitionKey } from '../log/partition_key.ts'
import { brokerCode } from '../wire/broker_code.ts'
import { brokerFailure } from '../wire/broker_error.ts'
import type { HeartbeatBody } from '../wire/requests/heartbeat.ts'
import type { SimulatedCluster } from './simulated_cluster.ts'
import type { SimulatedConnection } from './simulated_connection.ts'
import { SimulatedFetcher } from './simulated_fetcher.ts'
import type { SimulatedProcess } from './simulated_process.ts'

/** Of the settings with these names. */
export interface SimulatedMembership {
  readonly instanceId?: string | undefined
  readonly rack?: string | undefined
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
  readonly progressTimeoutMs: number
}

export interface SimulatedConsumerPorts {
  readonly cluster: SimulatedCluster
  readonly process: SimulatedProcess
  readonly membership: SimulatedMembership
  readonly isCommitted: boolean
  readonly offsets: (topic: string) => Promise<readonly PartitionOffsets[]>
  readonly committed: (
    groupId: string,
    places: readonly TopicPartition[],
  ) => Promise<ReadonlyMap<string, ReadonlyMap<number, number>>>
  readonly closed: (consumer: SimulatedConsumer) => void
}

const METADATA_MS = 5000
const LOOK_MS = 1000
/** Within the time that a main thread may stand still. */
const LOOKS_MAX = 300
const RETRY_MS = 20
const COMMIT_MS_MAX = 10_000
const maxBytesDefault = 1024 * 1024
/** Held by the engine still, and no more by the group. */
const neverCommitted = 0

export class SimulatedConsumer implements LogConsumer {
  readonly groupId: string
  readonly #options: ConsumerOptions
  readonly #ports: SimulatedConsumerPorts
  readonly #clock: Clock
  readonly #connection: SimulatedConnection
  readonly #fetcher: SimulatedFetcher
  readonly #member: GroupMember
  #identity: MemberIdentity | undefined
  /** What may be committed: by a number, another one when a partition comes again. */
  readonly #held = new Map<string, number>()
  #topics: readonly string[]
  readonly #lost = new Set<string>()
  readonly #givenUp = new AwaitedState()
  #told = 0
  /** Keys of those that were last told. */
  #standbys = ''
  #work: Promise<void> = Promise.resolve()
  #cancelLook: () => void = () => undefined
  #closing: Promise<void> | undefined
  #closeError: unknown

  constructor(options: ConsumerOptions, ports: SimulatedConsumerPorts) {
    const { cluster, process, isCommitted } = ports
    this.groupId = options.groupId
    this.#options = options
    this.#ports = ports
    this.#topics = options.topics
    this.#clock = process.clock
    this.#connection = cluster.connect(process)
    this.#fetcher = new SimulatedFetcher({
      cluster,
      process,
      isCommitted,
      maxBytes: options.maxBytes ?? maxBytesDefault,
      offsetOutOfRange: options.offsetOutOfRange ?? 'earliest',
      topicLost: (topic) => this.#topicLost(topic),
    })
    this.#member = this.#makeMember()
  }

  #makeMember(): GroupMember {
    const { cluster, membership } = this.#ports
    const { instanceId, rack, progressTimeoutMs: _, ...times } = membership
    return new GroupMember(
      {
        ...times,
        groupId: this.groupId,
        topics: this.#options.topics,
        ...(instanceId === undefined ? {} : { instanceId }),
        ...(rack === undefined ? {} : { rack }),
        place: '',
        facts: this.#facts(),
        metadataIntervalMs: METADATA_MS,
      },
      {
        clock: this.#clock,
        random: cluster.random,
        ask: (type, body, timeoutMs) => {
          const ask = () => cluster.group(this.groupId).ask(type.name, body)
          return this.#connection.request(type.name, ask as () => never, timeoutMs)
        },
        reconnect: () => this.#connection.drop(),
        partitions: (topics) =>
          this.#connection.request('Metadata', () => {
            const known = cluster.topics().filter(({ name }) => topics.includes(name))
            return new Map(known.map(({ name, partitions }) => [name, partitions]))
          }),
        group: (news) => this.#toldGroup(news),
        assigned: (added) => this.#added(added),
        revoked: (gone, lost) => this.#gone(gone, lost),
        identity: (identity) => this.#become(identity),
        joined: (news) => {
          this.#options.logger?.info({ group: this.groupId, ...news }, 'joined the group')
        },
        failed: (error) => this.#fetcher.fail(error),
      },
    )
  }

  start(): void {
    this.#member.start()
    this.#look()
  }

  /** A revoke that takes too long is as bad as a process that hangs: others wait for it. */
  #look(): void {
    const { progressTimeoutMs } = this.#ports.membership
    this.#tellFacts()
    if (this.#member.revokingMs >= progressTimeoutMs) this.#member.suspend()
    else this.#member.resume()
    const lookMs = Math.max(LOOK_MS, progressTimeoutMs / LOOKS_MAX)
    this.#cancelLook = this.#clock.after(lookMs, () => this.#look())
  }

  #facts(): ToldFacts {
    const { member } = this.#options
    if (member === undefined) return noFacts
    const { transactionalId, address, stateful, standbyReplicas } = member
    const { warmupReplicas, acceptableLag } = member
    const own = { transactionalId, address, stateful, standbyReplicas }
    return { ...own, warmupReplicas, acceptableLag, held: member.held() }
  }

  #tellFacts(): void {
    if (this.#options.member !== undefined) this.#member.tell(this.#facts())
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    if (this.#closing !== undefined) return
    for (const topic of topics) if (!this.#topics.includes(topic)) this.#lost.delete(topic)
    this.#topics = [...new Set(topics)]
    this.#member.subscribe(this.#topics.filter((each) => !this.#lost.has(each)))
    await this.#givenUp.until(() =>
      [...this.#held.keys()].every((key) => topics.includes(placeOf(key).topic)),
    )
  }

  rejoin(reason: string): void {
    this.#tellFacts()
    this.#member.rejoin(reason)
  }

  #toldGroup({ view, standbys }: GroupNews): void {
    if (this.#closing !== undefined) return
    const { onGroup, onStandbys } = this.#options
    onGroup?.(view)
    const keys = standbys.map(partitionKey).join()
    if (keys === this.#standbys) return
    this.#standbys = keys
    onStandbys?.(standbys)
  }

  fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult> {
    return this.#fetcher.fetch(target, wants, signal)
  }

  wake(): void {
    this.#fetcher.wake()
  }

  seek(topic: string, partition: number, offset: number): void {
    if (this.#fetcher.seek(topic, partition, offset)) return
    const message = `${topic}/${partition} is not assigned to this consumer`
    throw new EuphorionError('TOPIC_UNKNOWN', message, { place: { topic, partition } })
  }

  async commit(offsets: readonly StartPosition[]): Promise<void> {
    const kept = offsets.filter(({ topic }) => !this.#lost.has(topic))
    if (kept.length === 0) return
    const { cluster } = this.#ports
    await this.commitAs(kept, (member) =>
      this.#connection.request('OffsetCommit', () => cluster.commitOffsets(member, kept)),
    )
  }

  /**
   * Has offsets stored in the name of this membership; waits out a rebalance and lost connections
   * while the partitions stay this member's. Rejects with LOG_FAILED, or what `ask` refuses.
   */
  async commitAs(
    offsets: readonly StartPosition[],
    ask: (member: HeartbeatBody) => Promise<number>,
  ): Promise<void> {
    const endMs = this.#clock.monotonic() + COMMIT_MS_MAX
    const holds = offsets.map((each) => this.#held.get(partitionKey(each)))
    const isHeld = () =>
      offsets.every((each, i) => holds[i] && this.#held.get(partitionKey(each)) === holds[i])
    const what = `committing offsets of group '${this.groupId}'`
    while (isHeld() && this.#clock.monotonic() < endMs) {
      const identity = this.#identity
      if (identity !== undefined) {
        const errorCode = await this.#asked(ask, identity)
        if (errorCode === brokerCode.NONE) return
        const failure = brokerFailure(errorCode, what)!
        if (!passing.includes(errorCode)) throw failure
      }
      await this.#pause(RETRY_MS)
    }
    throw new EuphorionError('LOG_FAILED', `${what}: their partitions are not this member's now`)
  }

  async #asked(
    ask: (member: HeartbeatBody) => Promise<number>,
    identity: MemberIdentity,
  ): Promise<number> {
    const { instanceId } = this.#ports.membership
    try {
      const { groupId } = this
      return await ask({ groupId, ...identity, groupInstanceId: instanceId ?? null })
    } catch (error) {
      if (!isPassing(error)) throw error
      return brokerCode.COORDINATOR_NOT_AVAILABLE
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#fetcher.close()
    await this.#member.close()
    this.#cancelLook()
    const left = [...this.#held.keys()].map(placeOf)
    if (left.length > 0) await this.#gone(left, true)
    await this.#work
    this.#ports.cluster.disconnect(this.#ports.process, this.#connection)
    this.#ports.closed(this)
    if (this.#closeError !== undefined) throw this.#closeError
  }

  #become(identity: MemberIdentity | undefined): void {
    this.#identity = identity
    if (identity === undefined)
      for (const key of this.#held.keys()) this.#held.set(key, neverCommitted)
  }

  #added(added: readonly TopicPartition[]): Promise<void> {
    this.#told++
    for (const each of added) this.#held.set(partitionKey(each), this.#told)
    return this.#call(() => this.#begin(added))
  }

  async #begin(added: readonly TopicPartition[]): Promise<void> {
    if (this.#closing !== undefined) return
    const { onAssigned, startFrom } = this.#options
    const begins = await beginnings(added, {
      onAssigned,
      ...(startFrom && { startFrom }),
      clock: this.#clock,
      committed: (places) => this.#ports.committed(this.groupId, places),
      offsets: this.#ports.offsets,
      isOver: () => this.#closing !== undefined,
      topicLost: (topic) => this.#topicLost(topic),
    })
    for (const begin of begins)
      if (this.#held.has(partitionKey(begin)) && !this.#lost.has(begin.topic))
        this.#fetcher.add(begin, begin.offset)
  }

  #gone(gone: readonly TopicPartition[], lost: boolean): Promise<void> {
    const keys = new Set(gone.map(partitionKey))
    const forget = () => {
      for (const key of keys) this.#held.delete(key)
    }
    if (lost) forget()
    return this.#call(async () => {
      this.#fetcher.remove((place) => keys.has(partitionKey(place)))
      try {
        await this.#options.onRevoked(gone, lost)
      } finally {
        if (!lost) forget()
        this.#givenUp.changed()
      }
    })
  }

  /** After what was called before; never rejects. */
  #call(call: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(call).catch((error: unknown) => {
      if (this.#closing === undefined) this.#fetcher.fail(error)
      else this.#closeError ??= error
    })
    return this.#work
  }

  #topicLost(topic: string): void {
    if (this.#lost.has(topic)) return
    this.#lost.add(topic)
    this.#member.subscribe(this.#topics.filter((each) => !this.#lost.has(each)))
    this.#fetcher.fail(topicDeleted({ topic }))
  }
}

/** The group goes on to another generation, or another broker has it: the member hears of it. */
const passing: readonly number[] = [
  brokerCode.REBALANCE_IN_PROGRESS,
  brokerCode.ILLEGAL_GENERATION,
  brokerCode.UNKNOWN_MEMBER_ID,
  brokerCode.COORDINATOR_NOT_AVAILABLE,
  brokerCode.CONCURRENT_TRANSACTIONS,
]

/** Nobody knows whether it was done: the same may be asked again. */
export function isPassing(error: unknown): boolean {
  return error instanceof EuphorionError && error.code === 'BROKER_UNREACHABLE'
}

function placeOf(key: string): TopicPartition {
  const slash = key.lastIndexOf('/')
  return { topic: key.slice(0, slash), partition: Number(key.slice(slash + 1)) }
}
