// A member of a group that reads the embedded log. What it has of partitions is in slots.ts; this
// is its part in the group.
import { EuphorionError } from '../../errors.ts'
import type {
  ConsumerOptions,
  FetchResult,
  GroupView,
  LogConsumer,
  MemberFacts,
  StartPosition,
} from '../log.ts'
import type { FileCache } from './file_cache.ts'
import type { Group, GroupMember } from './group.ts'
import type { GroupOffsets } from './group_offsets.ts'
import type { Partition } from './partition.ts'
import { nameOf, Slots } from './slots.ts'

export interface ConsumerParts {
  readonly options: ConsumerOptions
  readonly group: Group
  readonly offsets: GroupOffsets
  readonly files: FileCache
  /** Resolves when no transaction is about to change the group's offsets of these. */
  readonly stable: (partitions: readonly Partition[]) => Promise<void>
  readonly onClosed: () => void
}

export class EmbeddedConsumer implements LogConsumer, GroupMember {
  topics: readonly string[]
  readonly groupId: string
  readonly facts: MemberFacts | undefined
  readonly #options: ConsumerOptions
  readonly #group: Group
  readonly #offsets: GroupOffsets
  readonly #stable: ConsumerParts['stable']
  readonly #onClosed: () => void
  readonly #slots: Slots
  /** Partitions that onRevoked is being told of: their last cut may still be committed. */
  readonly #leaving = new Set<Partition>()
  /** Topics that were deleted while this consumer read them. */
  readonly #deleted = new Set<string>()
  #closing: Promise<void> | undefined

  constructor({ options, group, offsets, files, stable, onClosed }: ConsumerParts) {
    this.topics = [...new Set(options.topics)]
    this.groupId = options.groupId
    this.facts = options.member
    this.#options = options
    this.#group = group
    this.#offsets = offsets
    this.#stable = stable
    this.#onClosed = onClosed
    this.#slots = new Slots(files, {
      maxBytes: options.maxBytes ?? 1024 * 1024,
      offsetOutOfRange: options.offsetOutOfRange ?? 'earliest',
      outOfRangeOnce: false,
      onDeleted: (topic) => this.#deleted.add(topic),
    })
  }

  fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult> {
    return this.#slots.fetch(target, wants, signal)
  }

  wake(): void {
    this.#slots.wake()
  }

  seek(topic: string, partition: number, offset: number): void {
    if (this.#slots.seek(topic, partition, offset)) return
    const message = `${topic}/${partition} is not assigned to this consumer`
    throw new EuphorionError('TOPIC_UNKNOWN', message, { place: { topic, partition } })
  }

  commit(offsets: readonly StartPosition[]): Promise<void> {
    return this.#offsets.commit(this.#options.groupId, this.kept(offsets))
  }

  /** Offsets of a deleted topic would have one made anew with its name begin in the middle. */
  kept(offsets: readonly StartPosition[]): readonly StartPosition[] {
    return offsets.filter(({ topic }) => !this.#deleted.has(topic))
  }

  /** Whether the partition is its own, if only until onRevoked resolves. */
  holds({ topic, partition }: StartPosition): boolean {
    return [...this.#slots.partitions(), ...this.#leaving].some(
      (held) => held.topic === topic && held.partition === partition,
    )
  }

  async unread(topic: string): Promise<ReadonlyMap<number, number>> {
    return this.#slots.unread(topic)
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    if (this.#closing !== undefined) return
    for (const topic of topics) if (!this.topics.includes(topic)) this.#deleted.delete(topic)
    this.topics = [...new Set(topics)]
    await this.#group.rebalance()
  }

  close(): Promise<void> {
    this.#closing ??= this.#group.leave(this).then(() => {
      this.#onClosed()
      const error = this.#slots.takeError()
      if (error !== undefined) throw error
    })
    this.#slots.close()
    return this.#closing
  }

  told(view: GroupView): void {
    if (this.#closing === undefined) this.#options.onGroup?.(view)
  }

  owned(): readonly Partition[] {
    return this.#slots.partitions()
  }

  async revoke(partitions: readonly Partition[]): Promise<void> {
    this.#slots.remove((partition) => partitions.includes(partition))
    if (partitions.length === 0) return
    for (const partition of partitions) this.#leaving.add(partition)
    try {
      await this.#options.onRevoked(partitions.map(nameOf))
    } catch (error) {
      this.#slots.report(error)
    } finally {
      for (const partition of partitions) this.#leaving.delete(partition)
    }
  }

  async assign(partitions: readonly Partition[]): Promise<void> {
    if (this.#closing) return
    const { groupId, onAssigned, startFrom = 'earliest' } = this.#options
    try {
      await this.#stable(partitions)
      const begins = partitions.map((partition) => ({
        ...nameOf(partition),
        committed: this.#offsets.of(groupId, partition.topic).get(partition.partition),
      }))
      const starts = await onAssigned(begins)
      for (const [i, partition] of partitions.entries()) {
        const { topic, partition: number, committed } = begins[i]
        const start = starts.find((s) => s.topic === topic && s.partition === number)
        const { startOffset, stableOffset } = partition
        const otherwise = startFrom === 'earliest' ? startOffset : stableOffset
        this.#slots.add(partition, start?.offset ?? committed ?? otherwise)
      }
    } catch (error) {
      this.#slots.report(error)
    }
    this.#slots.wake()
  }
}
