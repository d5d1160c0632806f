// The coordinator of transactions on the embedded log: who has which transactional id, what was
// decided, and the markers that tell the partitions. A decision counts once the journal has it; the
// group's offsets and the markers follow, after a crash when the log is opened again.
import { join } from 'node:path'
import { abortMarker, commitMarker } from '../aborted.ts'
import type { StartPosition, TransactionalProducerOptions } from '../log.ts'
import { fileError } from './files.ts'
import type { GroupOffsets } from './group_offsets.ts'
import { type Decision, Journal, readJournal } from './journal.ts'
import { endMarker } from './markers.ts'
import { type ResolvedOptions, requireWithin } from './options.ts'
import type { Partition } from './partition.ts'
import type { ProducerIds } from './producer_ids.ts'
import type { Topics } from './topics.ts'
import { EmbeddedTransactionalProducer } from './transactional_producer.ts'

/** A marker that could not be written, say on a full disk, is tried again. */
const markerPauseMs = 1000
const markerAttemptsMax = 60
/** As Kafka's transaction.max.timeout.ms would have it at its largest. */
const timeoutMaxMs = 24 * 60 * 60 * 1000

export interface TransactionParts {
  readonly root: string
  readonly options: ResolvedOptions
  readonly topics: Topics
  readonly offsets: GroupOffsets
  readonly producerIds: ProducerIds
}

/** Offsets that a transaction will give groups. */
export type PendingOffsets = ReadonlyMap<string, readonly TopicOffset[]>

export interface TopicOffset extends StartPosition {
  readonly topicId: string
}

export class Transactions {
  readonly #parts: TransactionParts
  readonly #path: string
  readonly #lastDecision: number
  /** Begun with the first decision. */
  #journal: Promise<Journal> | undefined
  /** The last one of each transactional id. */
  readonly #byId = new Map<string, EmbeddedTransactionalProducer>()
  readonly #producers = new Set<EmbeddedTransactionalProducer>()
  #closing = false
  readonly #pauses = new Set<() => void>()

  private constructor(parts: TransactionParts, path: string, lastDecision: number) {
    this.#parts = parts
    this.#path = path
    this.#lastDecision = lastDecision
  }

  /** Completes the transactions that were decided, and aborts the others. */
  static async open(parts: TransactionParts): Promise<Transactions> {
    const { topics, offsets } = parts
    const path = join(parts.root, 'transactions')
    const { decisions, last } = await readJournal(path)
    const counted = new Set<string>()
    for (const { number, producerId, partitions, offsets: groups } of decisions) {
      for (const [topicId, partition, first] of partitions)
        counted.add(`${topicId} ${partition} ${producerId} ${first}`)
      for (const { group, at } of groups)
        offsets.apply(
          number,
          group,
          at.flatMap(([topicId, partition, offset]) => {
            const topic = topics.findById(topicId)?.name
            return topic === undefined ? [] : { topic, partition, offset }
          }),
        )
    }
    const transactions = new Transactions(parts, path, Math.max(last, offsets.lastDecision))
    const marked: Promise<void>[] = []
    for (const { id, partitions } of topics.all())
      for (const partition of partitions)
        for (const [producerId, first] of partition.transactions.open) {
          const counts = counted.has(`${id} ${partition.partition} ${producerId} ${first}`)
          const marker = counts ? commitMarker : abortMarker
          marked.push(transactions.#mark(partition, producerId, marker, 1))
        }
    await Promise.all(marked)
    if (decisions.length > 0) await transactions.#openJournal()
    return transactions
  }

  #openJournal(): Promise<Journal> {
    const begin = async (): Promise<Journal> => {
      await this.#settle()
      return Journal.begin(this.#path, this.#lastDecision, {
        sync: this.#parts.options.fsync === 'always',
        settle: () => this.#settle(),
      })
    }
    this.#journal ??= begin().catch((error) => {
      this.#journal = undefined
      throw fileError(error, this.#path)
    })
    return this.#journal
  }

  async #settle(): Promise<void> {
    const { topics, offsets, options } = this.#parts
    await offsets.flush()
    if (options.fsync === 'never') return
    const partitions = topics.all().flatMap((topic) => topic.partitions)
    await Promise.all(partitions.map((partition) => partition.sync()))
  }

  /** `onClosed`: it has nothing open any more. */
  async producer(
    options: TransactionalProducerOptions,
    onClosed: () => void,
  ): Promise<EmbeddedTransactionalProducer> {
    const { transactionalId, transactionTimeoutMs } = options
    requireWithin('transactionTimeoutMs', transactionTimeoutMs, 1, timeoutMaxMs)
    const before = this.#byId.get(transactionalId)
    const { topics, producerIds } = this.#parts
    const { clock } = this.#parts.options
    const producer: EmbeddedTransactionalProducer = new EmbeddedTransactionalProducer(options, {
      producerId: producerIds.next(),
      topics,
      clock,
      coordinator: this,
      onClosed: () => {
        onClosed()
        this.#producers.delete(producer)
        if (this.#byId.get(transactionalId) === producer) this.#byId.delete(transactionalId)
      },
    })
    this.#byId.set(transactionalId, producer)
    this.#producers.add(producer)
    try {
      await before?.fence()
    } catch (error) {
      await producer.close()
      throw error
    }
    return producer
  }

  async fence(transactionalId: string): Promise<void> {
    const producer = this.#byId.get(transactionalId)
    await producer?.fence()
    if (this.#byId.get(transactionalId) === producer) this.#byId.delete(transactionalId)
  }

  /** Resolves when no transaction is about to change these offsets of the group. */
  async stable(groupId: string, isMeant: (at: StartPosition) => boolean): Promise<void> {
    const waiting = (): Promise<void> | undefined => {
      for (const producer of this.#producers) {
        const ended = producer.changes(groupId, isMeant)
        if (ended) return ended
      }
      return undefined
    }
    for (let ended = waiting(); ended; ended = waiting()) await ended
  }

  /**
   * Makes the transaction count, and completes it. Resolves with why it does not count; rejects
   * when nobody knows, or when partitions could not be told.
   */
  async commit(
    producerId: number,
    partitions: readonly Partition[],
    offsets: PendingOffsets,
  ): Promise<unknown> {
    const { topics, offsets: groups } = this.#parts
    const left = (at: readonly TopicOffset[]): readonly TopicOffset[] =>
      at.filter(({ topic, topicId }) => topics.find(topic)?.id === topicId)
    const open = partitions.filter((partition) => isOpenIn(partition, producerId))
    if (open.length === 0 && offsets.size === 0) return undefined
    const decision: Decision = {
      producerId,
      partitions: open.map((partition) => [
        topics.get(partition.topic).id,
        partition.partition,
        partition.transactions.open.get(producerId)!,
      ]),
      offsets: [...offsets].map(([group, at]) => ({
        group,
        at: left(at).map(({ topicId, partition, offset }) => [topicId, partition, offset]),
      })),
    }
    const journal = await this.#openJournal()
    let number: number
    try {
      number = await journal.decide(decision, (decided) => {
        for (const [group, at] of offsets) groups.apply(decided, group, left(at))
      })
    } catch (error) {
      if (journal.broken) throw error
      return error
    }
    await this.#end(producerId, open, commitMarker)
    journal.applied(number)
    return undefined
  }

  async abort(producerId: number, partitions: readonly Partition[]): Promise<void> {
    await this.#end(producerId, partitions, abortMarker)
  }

  async #end(producerId: number, partitions: readonly Partition[], marker: number): Promise<void> {
    const marked = await Promise.allSettled(
      partitions.map((partition) => this.#mark(partition, producerId, marker, markerAttemptsMax)),
    )
    for (const result of marked) if (result.status === 'rejected') throw result.reason
  }

  async #mark(
    partition: Partition,
    producerId: number,
    marker: number,
    attemptsMax: number,
  ): Promise<void> {
    const { clock, onBackgroundError } = this.#parts.options
    for (let attempt = 1; isOpenIn(partition, producerId); attempt++) {
      try {
        await partition.append(() => endMarker(producerId, marker, clock.now()), true)
        return
      } catch (error) {
        if (partition.deleted) return
        if (this.#closing || attempt >= attemptsMax) throw error
        if (attempt === 1) onBackgroundError(error)
      }
      await new Promise<void>((wake) => {
        const cancel = clock.after(markerPauseMs, () => goOn())
        const goOn = (): void => {
          this.#pauses.delete(goOn)
          cancel()
          wake()
        }
        this.#pauses.add(goOn)
      })
    }
  }

  /** Forces the decisions so far to disk. */
  async sync(): Promise<void> {
    await (await this.#journal)?.sync()
  }

  /** No marker is tried again: the producers close. */
  stopping(): void {
    this.#closing = true
    for (const wake of this.#pauses) wake()
  }

  /** `settled`: what was decided is durable without the journal. */
  async close(settled: boolean): Promise<void> {
    await (await this.#journal)?.close(settled)
  }
}

function isOpenIn({ deleted, transactions }: Partition, producerId: number): boolean {
  return !deleted && transactions.open.has(producerId)
}
