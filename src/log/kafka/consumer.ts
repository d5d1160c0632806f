// A member of a group that reads Kafka by the wire: the membership says which partitions, the
// fetcher reads them. Made by KafkaLog.
import { EuphorionError } from '../../errors.ts'
import type {
  ConsumerOptions,
  FetchResult,
  LogConsumer,
  PartitionOffsets,
  StartPosition,
  TopicPartition,
} from '../log.ts'
import { Fetcher, type FetcherOptions } from './fetcher.ts'
import { Membership, type MembershipOptions } from './membership.ts'

export interface KafkaConsumerPorts {
  readonly fetcher: Omit<FetcherOptions, 'offsetOutOfRange' | 'offsets' | 'topicLost'>
  readonly membership: Omit<
    MembershipOptions,
    'groupId' | 'topics' | 'onAssigned' | 'onRevoked' | 'onJoined' | 'onFailed'
  >
  readonly offsets: (topic: string) => Promise<readonly PartitionOffsets[]>
  readonly closed: (consumer: LogConsumer) => void
}

interface Begin extends TopicPartition {
  readonly offset: number | undefined
}

export class KafkaConsumer implements LogConsumer {
  readonly #options: ConsumerOptions
  readonly #ports: KafkaConsumerPorts
  readonly #fetcher: Fetcher
  readonly #membership: Membership
  /** Topics that were deleted while this consumer read them. */
  readonly #lost = new Set<string>()
  #held: TopicPartition[] = []
  #closing: Promise<void> | undefined

  constructor(options: ConsumerOptions, ports: KafkaConsumerPorts) {
    this.#options = options
    this.#ports = ports
    this.#fetcher = new Fetcher({
      ...ports.fetcher,
      offsets: ports.offsets,
      offsetOutOfRange: options.offsetOutOfRange ?? 'earliest',
      topicLost: (topic) => this.#topicLost(topic),
    })
    this.#membership = new Membership({
      ...ports.membership,
      groupId: options.groupId,
      topics: options.topics,
      onAssigned: (added) => this.#assigned(added),
      onRevoked: (gone, lost) => this.#revoked(gone, lost),
      onJoined: (news) => {
        const { groupId: group, logger } = this.#options
        logger?.info({ group, ...news }, 'joined the group')
      },
      onFailed: (error) => this.#fetcher.fail(error),
    })
  }

  /** Joining goes on behind it. */
  start(): Promise<void> {
    return this.#membership.start()
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

  /** Offsets of a deleted topic would have one made anew with its name begin in the middle. */
  async commit(offsets: readonly StartPosition[]): Promise<void> {
    const kept = offsets.filter(({ topic }) => !this.#lost.has(topic))
    if (kept.length > 0) await this.#membership.commit(kept)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // nothing is given out any more; what a revoke has to say, the membership's close says
    this.#fetcher.close()
    try {
      await this.#membership.close()
    } finally {
      this.#ports.closed(this)
    }
  }

  async #assigned(added: readonly TopicPartition[]): Promise<void> {
    if (this.#closing !== undefined) return
    const committed = await this.#insist(() => this.#membership.committed(added))
    const places = added.map(({ topic, partition }) => ({
      topic,
      partition,
      committed: committed.get(topic)?.get(partition),
    }))
    this.#held.push(...added)
    const starts = await this.#options.onAssigned(places)
    const begins = places.map(({ topic, partition, committed: offset }) => {
      const start = starts.find((each) => each.topic === topic && each.partition === partition)
      return { topic, partition, offset: start?.offset ?? offset }
    })
    for (const begin of await this.#insist(() => this.#located(begins)))
      if (this.#isHeld(begin)) this.#fetcher.add(begin, begin.offset)
  }

  /**
   * Asks until there is an answer, also from a cluster that is away for long: partitions that were
   * given to this member would be read by nobody else.
   */
  async #insist<T>(question: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await question()
      } catch (error) {
        const isPassing = error instanceof EuphorionError && error.retriable
        if (!isPassing || this.#closing !== undefined) throw error
      }
    }
  }

  /** Those without an offset begin where startFrom says; each topic is asked for once. */
  async #located(begins: readonly Begin[]): Promise<StartPosition[]> {
    const { startFrom = 'earliest' } = this.#options
    const open = begins.filter(({ offset }) => offset === undefined)
    const edges = new Map<string, readonly PartitionOffsets[]>()
    const ask = async (topic: string) => edges.set(topic, await this.#ports.offsets(topic))
    await Promise.all([...new Set(open.map(({ topic }) => topic))].map(ask))
    return begins.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      offset: offset ?? edges.get(topic)![partition][startFrom],
    }))
  }

  async #revoked(gone: readonly TopicPartition[], lost: boolean): Promise<void> {
    const isGone = ({ topic, partition }: TopicPartition): boolean =>
      gone.some((each) => each.topic === topic && each.partition === partition)
    this.#fetcher.remove(isGone)
    const revoked = this.#held.filter(isGone)
    this.#held = this.#held.filter((place) => !isGone(place))
    if (revoked.length > 0) await this.#options.onRevoked(revoked, lost)
  }

  #isHeld({ topic, partition }: TopicPartition): boolean {
    return this.#held.some((each) => each.topic === topic && each.partition === partition)
  }

  #topicLost(topic: string): void {
    if (this.#lost.has(topic)) return
    this.#lost.add(topic)
    this.#membership.subscribe(this.#options.topics.filter((each) => !this.#lost.has(each)))
    const message = `topic ${topic} was deleted while it was read`
    this.#fetcher.fail(new EuphorionError('TOPIC_DELETED', message, { place: { topic } }))
  }
}
