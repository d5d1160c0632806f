// Which topics a running worker reads, and for whom: subscribers that come while it runs are opened
// on the partitions that are here, or the group is asked for theirs; those that go finish first.
// Owned by the engine.
//
//   add ────▶ topic is read already ──▶ a sink on each open partition, where it was left
//         └─▶ it is not ──────────────▶ LogConsumer.subscribe ──▶ the group's next round
//   remove ─▶ sinks closed ──▶ cut ──▶ taken off        (the partitions stay with this worker)
import { deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { EventSubscriber } from '../ingest/subscriber.ts'
import type { LogConsumer } from '../log/log.ts'
import type { AgentTables } from './agent_tables.ts'
import type { Assignments } from './assignments.ts'
import type { Cuts } from './cuts.ts'
import type { EngineOptions } from './engine_options.ts'
import { openSink } from './open_tasks.ts'
import type { PartitionTask } from './partition_task.ts'
import type { TaskServices } from './task_services.ts'

export interface SubscriptionsOptions extends EngineOptions {
  /** Changed here only. */
  readonly subscribers: EventSubscriber[]
  /** All that run now. */
  readonly tasks: ReadonlyMap<string, PartitionTask>
  /** Undefined before the worker has joined. */
  readonly consumer: () => LogConsumer | undefined
  readonly services: () => TaskServices
  readonly tables: () => AgentTables
  readonly cuts: () => Cuts
  readonly assignments: () => Assignments
  /** Joins, where nothing was read so far. */
  readonly begin: () => Promise<void>
  /** Something stopped; what is left may be nothing. */
  readonly stopped: (error: unknown) => void
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #subscribers: EventSubscriber[]
  /** Of the topics that are read. */
  readonly partitionsOf = new Map<string, number>()
  /** Topics that were deleted while they were read. */
  readonly #lost = new Set<string>()
  readonly #joined = deferred()
  #hasBegun = false
  #isEnded = false
  /** One change at a time. */
  #changes: Promise<void> = Promise.resolve()

  constructor(options: SubscriptionsOptions) {
    this.#options = options
    this.#subscribers = options.subscribers
  }

  /** Looks up the topics that are read from the start; rejects with TOPIC_UNKNOWN. */
  async begin(): Promise<void> {
    this.#hasBegun = true
    const { log } = this.#options
    for (const { name, partitions } of await Promise.all(
      this.topics().map((each) => log.topic(each)),
    ))
      this.partitionsOf.set(name, partitions)
  }

  /** The consumer is there: its topics may be changed. */
  joined(): void {
    this.#joined.resolve()
  }

  /** Nothing is changed any more. */
  end(): void {
    this.#isEnded = true
    this.#joined.resolve()
  }

  topics(): string[] {
    const readers = [...this.#options.aggregations, ...this.#subscribers]
    return [...new Set(readers.map((each) => each.topic))]
  }

  /** Whether somebody may still read something. */
  get isLeft(): boolean {
    return this.topics().some((topic) => !this.#lost.has(topic))
  }

  /**
   * Opens the subscriber on the partitions of its topic that are here, and on those that come.
   * Begins where it was when it was removed, else at the group's offset. Rejects with
   * TOPIC_UNKNOWN, CAPABILITY_MISSING, and with APP_INVALID once the worker stops.
   */
  add(subscriber: EventSubscriber): Promise<void> {
    return this.#change(() => this.#add(subscriber))
  }

  /** Resolves when it has finished what it has in hand, and that counts. */
  remove(subscriber: EventSubscriber): Promise<void> {
    return this.#change(() => this.#remove(subscriber))
  }

  #change(change: () => Promise<void>): Promise<void> {
    const changed = this.#changes.then(change)
    this.#changes = changed.catch(() => undefined)
    return changed
  }

  async #add(subscriber: EventSubscriber): Promise<void> {
    const { log, begin } = this.#options
    if (this.#subscribers.includes(subscriber)) return
    this.#check()
    if (!this.#hasBegun) {
      this.#subscribers.push(subscriber)
      return begin()
    }
    await this.#joined.promise
    this.#check()
    const { topic } = subscriber
    const isRead = this.partitionsOf.has(topic)
    const { partitions } = await log.topic(topic)
    const ends = await log.offsets(topic)
    await this.#options.cuts().between(() => {
      this.#check()
      this.partitionsOf.set(topic, partitions)
      this.#options.tables().addTopic({ topic, partitions })
      this.#subscribers.push(subscriber)
      for (const task of this.#tasksOf(topic))
        this.#open(task, subscriber, ends[task.place.partition]?.earliest ?? 0)
    })
    if (!isRead) await this.#subscribe(() => this.#drop(subscriber))
  }

  /** What a driver refuses is as if it had not been asked for. */
  async #subscribe(refused: () => void): Promise<void> {
    try {
      await this.#options.consumer()?.subscribe(this.topics())
    } catch (error) {
      refused()
      throw error
    }
  }

  #drop(subscriber: EventSubscriber): void {
    const at = this.#subscribers.indexOf(subscriber)
    if (at >= 0) this.#subscribers.splice(at, 1)
    const { topic } = subscriber
    if (!this.topics().includes(topic)) this.partitionsOf.delete(topic)
  }

  /** Where another reader of the partition is further, the records in between are read again. */
  #open(task: PartitionTask, subscriber: EventSubscriber, earliest: number): void {
    if (task.intake.closing || task.intake.failed) return
    const startOffset = Math.max(task.left.get(subscriber) ?? task.committed, earliest)
    task.left.delete(subscriber)
    openSink(task, subscriber, { startOffset }, this.#options.services())
    task.rewind(startOffset)
  }

  async #remove(subscriber: EventSubscriber): Promise<void> {
    const { cuts } = this.#options
    const at = this.#subscribers.indexOf(subscriber)
    if (at < 0) return
    this.#subscribers.splice(at, 1)
    const reads = this.#tasksOf(subscriber.topic).flatMap((task) => {
      const feed = task.intake.sinks.find((each) => each.subscriber === subscriber)
      return feed === undefined ? [] : [{ task, feed }]
    })
    await Promise.all(
      reads.map(async ({ feed }) => {
        feed.clear()
        await feed.sink.close()
      }),
    )
    // one that fails has taken them all back, and they are opened again without it
    if (!this.#isEnded)
      await cuts()
        .cut(reads.map(({ task }) => task))
        .catch(() => undefined)
    await cuts().between(() => {
      for (const { task, feed } of reads) {
        task.left.set(subscriber, feed.sink.acknowledged())
        task.removeSink(feed)
      }
    })
  }

  /** A topic, or a partition of one, cannot be read any more. */
  unreadable(topic: string, partition: number | undefined, error: unknown): void {
    const { logger, stopped } = this.#options
    const ours = this.#subscribers.filter((each) => each.topic === topic)
    if (partition === undefined && ours.length > 0 && ours.every(({ mayGo }) => mayGo)) {
      logger.info({ topic }, 'a topic was deleted, and is not read any more')
      void this.#change(() => this.#gone(topic)).catch(stopped)
      return
    }
    if (partition === undefined) this.#lost.add(topic)
    for (const { intake } of this.#tasksOf(topic))
      if (partition === undefined || intake.partition === partition) intake.failed = true
    logger.error({ topic, partition, err: error }, 'cannot read on')
    stopped(error)
  }

  /** One that is made anew with the name is another. */
  async #gone(topic: string): Promise<void> {
    const tasks = this.#tasksOf(topic)
    for (const { intake } of tasks) intake.failed = true
    for (const each of this.#subscribers.filter((each) => each.topic === topic)) this.#drop(each)
    await this.#subscribe(() => undefined)
    const left = this.#tasksOf(topic).map(({ place }) => place)
    if (left.length > 0) await this.#options.assignments().revoked(left, true)
  }

  #tasksOf(topic: string): PartitionTask[] {
    return [...this.#options.tasks.values()].filter(({ place }) => place.topic === topic)
  }

  #check(): void {
    if (this.#isEnded) throw new EuphorionError('APP_INVALID', 'the app stops')
  }
}
