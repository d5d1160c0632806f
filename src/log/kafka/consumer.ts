// A member of a group that reads Kafka by the wire: the membership says which partitions, the
// fetcher reads them. Made by KafkaLog.

import { EuphorionError } from '../../errors.ts'
import { AwaitedState } from '../awaited_state.ts'
import { topicDeleted } from '../failures.ts'
import type {
  ConsumerOptions,
  FetchResult,
  LogConsumer,
  PartitionOffsets,
  StartPosition,
  TopicPartition,
} from '../log.ts'
import { partitionKey } from '../partition_key.ts'
import { beginnings } from './beginnings.ts'
import { Fetcher, type FetcherOptions } from './fetcher.ts'
import { GroupListener } from './group_news.ts'
import type { SendOffsets } from './group_offsets.ts'
import { Membership, type MembershipOptions } from './membership.ts'

export interface KafkaConsumerPorts {
  readonly fetcher: Omit<FetcherOptions, 'offsetOutOfRange' | 'offsets' | 'topicLost'>
  readonly membership: Omit<
    MembershipOptions,
    | 'groupId'
    | 'topics'
    | 'facts'
    | 'onGroup'
    | 'onAssigned'
    | 'onRevoked'
    | 'onJoined'
    | 'onFailed'
  >
  readonly offsets: (topic: string) => Promise<readonly PartitionOffsets[]>
  readonly readable: (topic: string) => Promise<ReadonlyMap<number, number>>
  readonly closed: (consumer: LogConsumer) => void
}

export class KafkaConsumer implements LogConsumer {
  readonly #options: ConsumerOptions
  readonly #ports: KafkaConsumerPorts
  readonly #fetcher: Fetcher
  readonly #membership: Membership
  #topics: readonly string[]
  /** Topics that were deleted while this consumer read them. */
  readonly #lost = new Set<string>()
  readonly #held = new Map<string, TopicPartition>()
  /** What onRevoked is being told of. */
  readonly #leaving = new Set<readonly TopicPartition[]>()
  readonly #givenUp = new AwaitedState()
  #closing: Promise<void> | undefined

  constructor(options: ConsumerOptions, ports: KafkaConsumerPorts) {
    this.#options = options
    this.#ports = ports
    this.#topics = options.topics
    this.#fetcher = new Fetcher({
      ...ports.fetcher,
      offsets: ports.offsets,
      ...(options.logger && { logger: options.logger }),
      offsetOutOfRange: options.offsetOutOfRange ?? 'earliest',
      topicLost: (topic) => this.#topicLost(topic),
    })
    const listener = new GroupListener(options)
    this.#membership = new Membership({
      ...ports.membership,
      groupId: options.groupId,
      topics: options.topics,
      ...(options.member && { facts: options.member }),
      onGroup: (news) => {
        if (this.#closing === undefined) listener.tell(news)
      },
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

  get groupId(): string {
    return this.#options.groupId
  }

  commit(offsets: readonly StartPosition[]): Promise<void> {
    return this.commitBy(offsets)
  }

  /** As commit(); `send` asks the coordinator, where it is to be something else than usual. */
  async commitBy(offsets: readonly StartPosition[], send?: SendOffsets): Promise<void> {
    // those of a deleted topic would have one made anew with its name begin in the middle
    const kept = offsets.filter(({ topic }) => !this.#lost.has(topic))
    if (kept.length > 0) await this.#membership.commit(kept, send)
  }

  async unread(topic: string): Promise<ReadonlyMap<number, number>> {
    const ends = [...(await this.#ports.readable(topic))]
    const isBehind = (partition: number, end: number) => {
      const position = this.#fetcher.position(topic, partition)
      return position !== undefined && position < end
    }
    return new Map(ends.filter(([partition, end]) => isBehind(partition, end)))
  }

  reconnect(topic: string, partition: number): void {
    this.#fetcher.reconnect(topic, partition)
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    if (this.#closing !== undefined) return
    // one that was deleted counts as such until what was read of it is given up
    for (const topic of topics) if (!this.#topics.includes(topic)) this.#lost.delete(topic)
    this.#topics = [...new Set(topics)]
    this.#membership.subscribe(this.#topics.filter((each) => !this.#lost.has(each)))
    const isOther = ({ topic }: TopicPartition) => !topics.includes(topic)
    await this.#givenUp.until(() => {
      return ![...this.#held.values(), ...[...this.#leaving].flat()].some(isOther)
    })
  }

  rejoin(reason: string): void {
    this.#membership.rejoin(reason)
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
    const { onAssigned, startFrom } = this.#options
    const begins = await beginnings(added, {
      onAssigned: (places) => {
        for (const each of added) this.#held.set(partitionKey(each), each)
        return onAssigned(places)
      },
      ...(startFrom && { startFrom }),
      clock: this.#ports.fetcher.clock,
      committed: (places) => this.#membership.committed(places),
      offsets: this.#ports.offsets,
      isOver: () => this.#closing !== undefined,
      topicLost: (topic) => this.#topicLost(topic),
    })
    for (const begin of begins)
      if (this.#held.has(partitionKey(begin)) && !this.#lost.has(begin.topic))
        this.#fetcher.add(begin, begin.offset)
  }

  async #revoked(gone: readonly TopicPartition[], lost: boolean): Promise<void> {
    const keys = new Set(gone.map(partitionKey))
    this.#fetcher.remove((place) => keys.has(partitionKey(place)))
    const revoked = gone.filter((place) => this.#held.delete(partitionKey(place)))
    if (revoked.length === 0) return
    this.#leaving.add(revoked)
    try {
      await this.#options.onRevoked(revoked, lost)
    } finally {
      this.#leaving.delete(revoked)
      this.#givenUp.changed()
    }
  }

  #topicLost(topic: string): void {
    if (this.#lost.has(topic)) return
    this.#lost.add(topic)
    this.#membership.subscribe(this.#topics.filter((each) => !this.#lost.has(each)))
    this.#fetcher.fail(topicDeleted({ topic }))
  }
}
