// A member of a group that reads Kafka by the wire: the membership says which partitions, the
// fetcher reads them. Made by KafkaLog.
import { EuphorionError } from '../../errors.ts'
import type {
  ConsumerOptions,
  FetchResult,
  LogConsumer,
  StartPosition,
  TopicPartition,
} from '../log.ts'
import { Fetcher, type FetcherOptions } from './fetcher.ts'
import { Membership, type MembershipOptions } from './membership.ts'

export interface KafkaConsumerPorts {
  readonly fetcher: Omit<FetcherOptions, 'offsetOutOfRange' | 'topicLost'>
  readonly membership: Omit<
    MembershipOptions,
    'groupId' | 'topics' | 'onAssigned' | 'onRevoked' | 'onFailed'
  >
  readonly closed: (consumer: LogConsumer) => void
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
      offsetOutOfRange: options.offsetOutOfRange ?? 'earliest',
      topicLost: (topic) => this.#topicLost(topic),
    })
    this.#membership = new Membership({
      ...ports.membership,
      groupId: options.groupId,
      topics: options.topics,
      onAssigned: (added) => this.#assigned(added),
      onRevoked: (gone) => this.#revoked(gone),
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
    const committed = await this.#membership.committed(added)
    const places = added.map(({ topic, partition }) => ({
      topic,
      partition,
      committed: committed.get(topic)?.get(partition),
    }))
    this.#held.push(...added)
    const starts = await this.#options.onAssigned(places)
    for (const place of places) await this.#begin(place, starts)
  }

  async #begin(
    place: TopicPartition & { readonly committed: number | undefined },
    starts: readonly StartPosition[],
  ): Promise<void> {
    const { topic, partition, committed } = place
    const start = starts.find((each) => each.topic === topic && each.partition === partition)
    const { startFrom = 'earliest' } = this.#options
    const position =
      start?.offset ?? committed ?? (await this.#ports.fetcher.edge(place, startFrom))
    if (this.#isHeld(place)) this.#fetcher.add(place, position)
  }

  async #revoked(gone: readonly TopicPartition[]): Promise<void> {
    const isGone = ({ topic, partition }: TopicPartition): boolean =>
      gone.some((each) => each.topic === topic && each.partition === partition)
    this.#fetcher.remove(isGone)
    const revoked = this.#held.filter(isGone)
    this.#held = this.#held.filter((place) => !isGone(place))
    if (revoked.length > 0) await this.#options.onRevoked(revoked)
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
