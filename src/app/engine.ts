// The running side of an app on one log: the shared memory and its threads, the ingest loop, a task
// for each partition that the group gives to this member, and the cuts. Called by worker.ts.
import { SharedMemory } from '../batch/memory.ts'
import type { SharedBatch } from '../batch/region.ts'
import type { Clock } from '../clock.ts'
import { deferred } from '../deferred.ts'
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import type { BadRecord, DeadLetters } from '../ingest/dead_letter.ts'
import { FetchLoop } from '../ingest/fetch_loop.ts'
import type { EventSubscriber } from '../ingest/subscriber.ts'
import type { Executor } from '../kernel/executor.ts'
import type { ExtractionServices } from '../kernel/extract/column_extractor.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type {
  AssignedPartition,
  Log,
  LogConsumer,
  StartPosition,
  TopicPartition,
} from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import type { Logger } from '../logger.ts'
import type { Settings } from '../settings.ts'
import { openStore, type StoreOpener } from '../table/open.ts'
import type { Store } from '../table/store.ts'
import { Cuts } from './cuts.ts'
import { KernelThreads } from './kernel_threads.ts'
import type { LaneStatistics } from './lane_statistics.ts'
import { LockedStores } from './locked_stores.ts'
import { openTasks } from './open_tasks.ts'
import { partitionRanges } from './partition_ranges.ts'
import type { PartitionTask } from './partition_task.ts'
import { checkWithinLog, offsetsOf } from './positions.ts'
import { TableHosts } from './table_hosts.ts'
import { TableReaders } from './table_readers.ts'
import type { TaskServices } from './task_services.ts'

export interface EngineOptions {
  readonly log: Log
  readonly appId: string
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly aggregations: readonly AggregationDefinition[]
  readonly subscribers: readonly EventSubscriber[]
  readonly deadLetters: DeadLetters
  /** Default openStore() of table/open.ts. */
  readonly openStore?: StoreOpener
  /** Hears of what an aggregation sends to the dead-letter topic. */
  readonly onBadRecord?: (record: BadRecord, policy: BadRecordPolicy) => void
  /** Sees to it that everything sent so far is stored; when it rejects, nothing is committed. */
  readonly beforeCommit: () => Promise<void>
  /** The engine cannot go on. */
  readonly onError: (error: unknown) => void
  /** Something was consumed or acknowledged. */
  readonly onProgress?: () => void
  /** Is shown every batch before it is worked on. */
  readonly onBatch?: (batch: SharedBatch, memory: SharedMemory) => void
}

/** Part of the free memory that lanes may have; the rest is for large batches and bad records. */
const LANE_SHARE = 0.75
const ASSIGNMENT_WAIT_MS = 5000

export class Engine {
  readonly #options: EngineOptions
  readonly #tasks = new Map<string, PartitionTask>()
  /** Topics that were deleted. */
  readonly #lostTopics = new Set<string>()
  readonly #memory: SharedMemory
  readonly #threads: KernelThreads
  readonly #loop: FetchLoop
  #services: TaskServices | undefined
  #consumer: LogConsumer | undefined
  readonly #cuts: Cuts
  readonly #hosts = new TableHosts()
  /** Of the topics that are read. */
  #partitionsOf: ReadonlyMap<string, number> = new Map()
  /** Reads tables, here and elsewhere. */
  readonly tables: TableReaders
  readonly #locked: LockedStores
  readonly #aborted = deferred()
  #isAborted = false
  /** The first partitions are open. */
  #isUp = false
  readonly #assignedOnce = deferred()
  /** Why something has stopped on its partition. */
  #stoppedBy: unknown
  #closed = false
  #isStopping = false

  constructor(options: EngineOptions) {
    const { settings, clock, aggregations } = options
    this.#options = options
    this.#memory = new SharedMemory(settings.memoryMib)
    this.#threads = new KernelThreads(this.#memory, settings)
    if (aggregations.length > 0 && settings.backend !== 'js') this.#threads.start()
    this.#cuts = new Cuts({
      ...options,
      commit: async (offsets) => this.#consumer?.commit(offsets),
      onError: (error) => this.#fail(error),
    })
    this.tables = new TableReaders({
      ...options,
      hosts: this.#hosts,
      tasks: () => this.#tasks.values(),
      partitions: (topic) => this.#partitionsOf.get(topic),
      copy: () => undefined,
    })
    this.#locked = new LockedStores({
      ...options,
      open: (place) => this.#assignedLate(place),
      failed: (error) => this.#fail(error),
    })
    this.#loop = new FetchLoop({
      memory: this.#memory,
      clock,
      regions: settings.fetchesInFlight,
      batchBytes: settings.batchBytes,
      largestBatchBytes: settings.maxRecordBytes,
      intakeOf: (topic, partition) => this.#tasks.get(partitionKey({ topic, partition }))?.intake,
      lost: (topic, partition, error) => this.#lost(topic, partition, error),
      seen: options.onBatch && ((batch) => options.onBatch?.(batch, this.#memory)),
    })
  }

  /**
   * Rejects with what makes the first assignment fail: a locked store, a table of another shape.
   * `fetching` is called when everything is set up and the first fetch is about to be sent.
   */
  async start(fetching: () => void = () => undefined): Promise<void> {
    const { log, appId, settings } = this.#options
    const topics = this.#topics()
    if (topics.length === 0) return
    await this.executor?.ready()
    this.#services = await this.#makeServices(topics)
    this.#consumer = await log.consumer({
      groupId: appId,
      logger: this.#options.logger,
      topics,
      maxBytes: settings.batchBytes,
      onAssigned: async (partitions) => {
        const starts = this.#assigned(partitions)
        starts.then(
          () => this.#assignedOnce.resolve(),
          (error) => {
            // the group believes that they are read here
            this.#assignedOnce.reject(error)
            this.#fail(error)
          },
        )
        return starts
      },
      onRevoked: (partitions, lost) => this.#revoked(partitions, lost),
      onGroup: (view) => this.#hosts.update(view),
    })
    fetching()
    const { overlappingFetches } = log.capabilities
    this.#loop.start(this.#consumer, overlappingFetches, (error) => this.#fail(error))
    this.#cuts.schedule(() => [...this.#tasks.values()])
    await this.#firstAssignment()
    this.#isUp = true
    if (this.#stoppedBy !== undefined) this.#endIfNothingRuns(this.#stoppedBy)
  }

  /** Waits a while only: other members may hold the group up, or have all of its partitions. */
  async #firstAssignment(): Promise<void> {
    const { clock } = this.#options
    const cancel = clock.after(ASSIGNMENT_WAIT_MS, () => this.#assignedOnce.resolve())
    await this.#assignedOnce.promise.finally(cancel)
  }

  /** Takes nothing more, finishes what is in hand, cuts, leaves the group. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#cuts.stop()
    try {
      await this.#loop.stop()
      await this.#consumer?.close()
      await Promise.race([this.#cuts.settled, this.#aborted.promise])
    } finally {
      await this.#close()
    }
  }

  /** As stop(), but waits for no agent and no lane: everything is left as the last cut has it. */
  abort(): Promise<void> {
    this.#isAborted = true
    this.#aborted.resolve()
    return this.stop()
  }

  /** A subscriber has stopped on a partition, and has logged why. */
  subscriberStopped(error: unknown): void {
    this.#endIfNothingRuns(error)
  }

  /** The kernel threads, where there are some. */
  get executor(): Executor | undefined {
    return this.#threads.executor
  }

  /** What agents extract columns on; undefined where records are to be decoded. */
  extraction(): ExtractionServices | undefined {
    return this.#threads.extraction()
  }

  /** Cuts now, behind the cut that may be under way. */
  cut(): Promise<void> {
    return this.#cuts.cut([...this.#tasks.values()])
  }

  statistics(): LaneStatistics[] {
    return [...this.#tasks.values()].flatMap(({ intake, lanes }) =>
      lanes.map(({ feed, aggregation, committed }) => ({
        ...feed.lane.counters(),
        table: aggregation.plan.name,
        topic: intake.topic,
        partition: intake.partition,
        storedOffset: committed.nextOffset,
        stopped: feed.stopped,
      })),
    )
  }

  /** Cuts that were made so far. */
  get cuts(): number {
    return this.#cuts.count
  }

  /** What was fetched so far. */
  get fetched(): { readonly batches: number; readonly bytes: number; readonly records: number } {
    return this.#loop.fetched
  }

  /** Stores of the partitions of a topic that are here, by partition. */
  stores(topic: string): ReadonlyMap<number, Store> {
    const stores = new Map<number, Store>()
    for (const { intake, store } of this.#tasks.values()) {
      if (intake.topic === topic && store !== undefined) stores.set(intake.partition, store)
    }
    return stores
  }

  #topics(): string[] {
    const { aggregations, subscribers } = this.#options
    return [...new Set([...aggregations, ...subscribers].map((each) => each.topic))]
  }

  async #makeServices(topics: readonly string[]): Promise<TaskServices> {
    const { appId, settings, clock, deadLetters, aggregations, log } = this.#options
    const infos = await Promise.all(topics.map((topic) => log.topic(topic)))
    const partitionsOf = new Map(infos.map(({ name, partitions }) => [name, partitions]))
    this.#partitionsOf = partitionsOf
    const lanes = aggregations.reduce((sum, { topic }) => sum + partitionsOf.get(topic)!, 0)
    return {
      appId,
      settings,
      clock,
      memory: this.#memory,
      openStore: this.#options.openStore ?? openStore,
      executor: this.executor,
      laneBytesMax: Math.floor((this.#memory.freeBytes() * LANE_SHARE) / Math.max(1, lanes)),
      deadLetters,
      onBadRecord: this.#options.onBadRecord,
      askForCut: (task) => void this.#cuts.cut([task]).catch((error) => this.#fail(error)),
      rewound: (intake) => this.#loop.rewound(intake),
      progressed: () => {
        this.#loop.wake()
        this.#options.onProgress?.()
      },
      laneFailed: (task, table, error) => this.#laneFailed(task, table, error),
    }
  }

  async #assigned(partitions: readonly AssignedPartition[]): Promise<StartPosition[]> {
    const { clock, log, logger } = this.#options
    const beganMs = clock.monotonic()
    const topics = new Set(partitions.map(({ topic }) => topic))
    const mayWait = () => !this.#isStopping
    const logs = await offsetsOf(log, topics, { clock, logger, mayWait })
    const earliest = ({ topic, partition }: TopicPartition) =>
      logs.get(topic)?.[partition]?.earliest ?? 0
    const starts = await openTasks(partitions, {
      ...this.#options,
      services: this.#services!,
      earliest,
      opened: (task) => this.#tasks.set(partitionKey(task.place), task),
      refused: (place, error) => this.#locked.add(place, error, this.#isUp),
    })
    const committed = partitions.flatMap((each) =>
      each.committed === undefined ? [] : [{ ...each, offset: each.committed }],
    )
    const taskOf = (place: TopicPartition) => this.#tasks.get(partitionKey(place))
    const furthest = (place: TopicPartition) => taskOf(place)?.furthest() ?? 0
    checkWithinLog({ logs, logger }, [...starts, ...committed], furthest)
    this.#tell('partitions assigned', partitions.filter(taskOf), beganMs)
    return starts.map((each) => ({ ...each, offset: Math.max(each.offset, earliest(each)) }))
  }

  async #assignedLate(place: AssignedPartition): Promise<void> {
    for (const { topic, partition, offset } of await this.#assigned([place]))
      this.#consumer?.seek(topic, partition, offset)
    this.#loop.wake()
  }

  async #revoked(partitions: readonly TopicPartition[], lost = false): Promise<void> {
    const { clock } = this.#options
    const beganMs = clock.monotonic()
    await this.#locked.drop(partitions)
    const leaving = partitions.flatMap((place) => this.#tasks.get(partitionKey(place)) ?? [])
    const quiet = Promise.all(leaving.map((task) => task.intake.quiesce()))
    await Promise.race([quiet, this.#aborted.promise])
    try {
      if (!this.#isAborted) await this.#cuts.cut(leaving, lost ? 'store' : 'commit')
    } finally {
      for (const task of leaving) {
        task.tellLeftOut(this.#options.logger)
        this.#tasks.delete(partitionKey(task.intake))
        await task.close(this.#isAborted)
      }
    }
    if (lost) this.#tell('partitions lost', partitions, beganMs, 'warn')
    else this.#tell('partitions revoked', partitions, beganMs)
  }

  /** What a person reads of a rebalance: which partitions came or went, and how long that took. */
  #tell(
    message: string,
    partitions: readonly TopicPartition[],
    beganMs: number,
    level: 'info' | 'warn' = 'info',
  ): void {
    if (partitions.length === 0) return
    const { clock, logger } = this.#options
    const ms = Math.round(clock.monotonic() - beganMs)
    logger[level]({ partitions: partitionRanges(partitions), held: this.#tasks.size, ms }, message)
  }

  #laneFailed(task: PartitionTask, table: string, error: unknown): void {
    const { topic, partition } = task.intake
    const message = 'an aggregation stopped on this partition'
    this.#options.logger.error({ table, topic, partition, err: error }, message)
    this.#endIfNothingRuns(error)
  }

  #lost(topic: string, partition: number | undefined, error: unknown): void {
    if (partition === undefined) this.#lostTopics.add(topic)
    for (const { intake } of this.#tasks.values()) {
      if (intake.topic === topic && (partition === undefined || intake.partition === partition)) {
        intake.failed = true
      }
    }
    this.#options.logger.error({ topic, partition, err: error }, 'cannot read on')
    this.#endIfNothingRuns(error)
  }

  /**
   * A worker that has stopped everywhere must not look alive. One without partitions may get some.
   */
  #endIfNothingRuns(error: unknown): void {
    this.#stoppedBy = error
    // While it starts, some of its partitions are still to come.
    if (this.#consumer === undefined) return
    const tasks = [...this.#tasks.values()]
    const running = tasks.length === 0 || tasks.some(({ intake }) => intake.runs())
    const isLeft = this.#topics().some((topic) => !this.#lostTopics.has(topic))
    if (!running || !isLeft) this.#fail(error)
  }

  /** Nothing is fetched any more, also where nobody heeds the error: it could not be stored. */
  #fail(error: unknown): void {
    void this.#loop.stop()
    this.#options.onError(error)
  }

  async #close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const task of this.#tasks.values()) await task.close(this.#isAborted)
    await this.#threads.close()
  }
}
