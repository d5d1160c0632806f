// The running side of an app on one log: the shared memory and its threads, the ingest loop, a task
// for each partition that the group gives to this member, and the cuts. Called by worker.ts.
import { SharedMemory } from '../batch/memory.ts'
import { deferred } from '../deferred.ts'
import { FetchLoop } from '../ingest/fetch_loop.ts'
import { FetchSizes } from '../ingest/fetch_sizes.ts'
import { openChangelogKernels } from '../kernel/changelog/open.ts'
import { changelogBytes } from '../kernel/changelog/shared_spans.ts'
import type { Executor } from '../kernel/executor.ts'
import type { ExtractionServices } from '../kernel/extract/column_extractor.ts'
import type { AssignedPartition, LogConsumer, StartPosition, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import { openStore } from '../table/open.ts'
import type { Store } from '../table/store.ts'
import { AgentTables } from './agent_tables.ts'
import { within } from './app_context.ts'
import { Assignments } from './assignments.ts'
import { stateTables } from './changelog_tables.ts'
import { Cuts } from './cuts.ts'
import type { EngineOptions } from './engine_options.ts'
import type { EngineParts } from './engine_parts.ts'
import { type GlobalCopies, openGlobalCopies } from './global_copies.ts'
import { KernelThreads } from './kernel_threads.ts'
import { laneStatistics } from './lane_facts.ts'
import type { CutStatistics, LaneStatistics } from './lane_statistics.ts'
import { type LogWays, openLogWays, plainWays } from './log_ways.ts'
import { memberFacts } from './member_facts.ts'
import { openRecovery } from './open_recovery.ts'
import { openWatchdog } from './open_watchdog.ts'
import type { PartitionTask } from './partition_task.ts'
import type { Recovery } from './recovery.ts'
import type { CopiedTable } from './recovery_partition.ts'
import type { RecoveryFacts } from './recovery_progress.ts'
import { Subscriptions } from './subscriptions.ts'
import { TableHosts } from './table_hosts.ts'
import { TableReaders } from './table_readers.ts'
import type { TaskServices } from './task_services.ts'
import { storesOf } from './task_store.ts'
import type { Watchdog } from './watchdog.ts'

/** Part of the free memory that lanes may have; the rest is for large batches and bad records. */
const LANE_SHARE = 0.75
const MIB = 1 << 20
const ASSIGNMENT_WAIT_MS = 5000

export class Engine {
  readonly #options: EngineOptions
  readonly #tasks = new Map<string, PartitionTask>()
  readonly #memory: SharedMemory
  readonly #threads: KernelThreads
  readonly #loop: FetchLoop
  #services: TaskServices | undefined
  #agentTables: AgentTables | undefined
  #consumer: LogConsumer | undefined
  readonly #cuts: Cuts
  readonly #hosts = new TableHosts()
  /** Reads tables, here and elsewhere. */
  readonly tables: TableReaders
  /** What is read; subscribers come and go. */
  readonly subscriptions: Subscriptions
  readonly #assignments: Assignments
  #stateTables: readonly CopiedTable[] = []
  #ways: LogWays = plainWays
  #recovery: Recovery | undefined
  #globals: GlobalCopies | undefined
  readonly #watchdog: Watchdog
  readonly #aborted = deferred()
  #isAborted = false
  /** The first partitions are open. */
  #isUp = false
  readonly #assignedOnce = deferred()
  /** Why something has stopped on its partition. */
  #stoppedBy: unknown
  #closed = false
  #isStopping = false

  constructor(given: EngineOptions) {
    const options = { ...given, subscribers: [...given.subscribers] }
    const { settings, aggregations } = options
    this.#options = options
    this.#memory = new SharedMemory(settings.memoryMib)
    this.#threads = new KernelThreads(this.#memory, settings)
    if (aggregations.length > 0 && settings.backend !== 'js') this.#threads.start()
    this.#cuts = new Cuts({
      ...options,
      flush: options.beforeCommit,
      consumer: () => this.#consumer!,
      ways: () => this.#ways,
      tasks: () => [...this.#tasks.values()],
      reopen: (tasks, error, isAborted) => this.#assignments.reopen(tasks, error, isAborted),
      made: (tasks) => this.#assignments.cutMade(tasks),
      wake: () => this.#loop.wake(),
      onError: (error) => this.#fail(error),
    })
    this.tables = new TableReaders({
      ...options,
      hosts: this.#hosts,
      tasks: () => this.#tasks.values(),
      agentTables: () => this.#agentTables,
      partitions: (topic) => this.subscriptions.partitionsOf.get(topic),
      copy: (table, partition) => this.#recovery?.copy(table, partition),
    })
    this.#assignments = new Assignments({
      ...options,
      tasks: this.#tasks,
      services: () => this.#services!,
      cuts: () => this.#cuts,
      transactions: () => this.#ways.transactions,
      isUp: () => this.#isUp,
      isStopping: () => this.#isStopping,
      aborted: this.#aborted.promise,
      isAborted: () => this.#isAborted,
      recovers: (place) => this.#recovers(place),
      failed: (error) => this.#assignmentFailed(error),
      stopped: (error) => this.#endIfNothingRuns(error),
    })
    this.subscriptions = new Subscriptions({
      ...options,
      tasks: this.#tasks,
      consumer: () => this.#consumer,
      services: () => this.#services!,
      tables: () => this.#agentTables!,
      cuts: () => this.#cuts,
      assignments: () => this.#assignments,
      begin: () => this.#begin(),
      stopped: (error) => this.#endIfNothingRuns(error),
    })
    this.#watchdog = openWatchdog({
      ...options,
      tasks: this.#tasks,
      consumer: () => this.#consumer,
      recovery: () => this.#recovery,
      reopen: (task, error) => this.#assignments.reopen([task], error, false),
      stopped: (error) => this.#endIfNothingRuns(error),
    })
    this.#loop = new FetchLoop({
      ...options,
      memory: this.#memory,
      sizes: FetchSizes.of(settings),
      largestBatchBytes: settings.maxRecordBytes,
      intakes: () => [...this.#tasks.values()].map(({ intake }) => intake),
      intakeOf: (topic, partition) => this.#tasks.get(partitionKey({ topic, partition }))?.intake,
      lost: (...what) => this.subscriptions.unreadable(...what),
      seen: options.onBatch && ((batch) => options.onBatch?.(batch, this.#memory)),
    })
  }

  /**
   * Rejects with what makes the first assignment fail: a locked store, a table of another shape.
   * `fetching` is called when everything is set up and the first fetch is about to be sent.
   */
  async start(fetching: () => void = () => undefined): Promise<void> {
    const { agentTables = [] } = this.#options
    if (agentTables.length > 0 || this.subscriptions.topics().length > 0)
      await this.#begin(fetching)
  }

  async #begin(fetching: () => void = () => undefined): Promise<void> {
    const { log, appId, clock } = this.#options
    const { partitionsOf } = this.subscriptions
    await this.subscriptions.begin()
    this.#agentTables = new AgentTables(this.#options, {
      partitionsOf,
      wantsCut: (place) => this.#cuts.soon(this.#tasks.get(partitionKey(place))),
      elsewhere: (table, place) =>
        this.#globals?.part(table, place.partition) ?? this.tables.elsewhere(table, place, false),
    })
    this.#stateTables = stateTables(this.#options, this.#agentTables)
    this.#ways = await this.#openWays()
    this.#globals = this.#openGlobals()
    this.#services = this.#makeServices()
    await this.#recovery?.start()
    await this.#globals?.start()
    await this.#threads.ready()
    this.#consumer = await log.consumer({
      groupId: appId,
      logger: this.#options.logger,
      topics: this.subscriptions.topics(),
      maxBytes: this.#loop.sizes.limits.bytesMax,
      onAssigned: (partitions) => this.#assigned(partitions),
      onRevoked: (partitions, lost = false) => this.#assignments.revoked(partitions, lost),
      member: memberFacts(this.#options, {
        transactionalId: this.#ways.transactions?.id ?? '',
        tables: this.#stateTables,
        recovery: this.#recovery,
      }),
      onGroup: (view) => {
        this.#hosts.update(view)
        this.#recovery?.group(view)
      },
      onStandbys: (partitions) => void this.#recovery?.standbys(partitions),
    })
    this.subscriptions.joined()
    fetching()
    const { overlappingFetches } = log.capabilities
    this.#loop.start(this.#consumer, overlappingFetches, (error) => this.#fail(error))
    this.#cuts.schedule()
    this.#watchdog.start()
    // others may hold the group up, or have all of its partitions
    await within(clock, ASSIGNMENT_WAIT_MS, this.#assignedOnce.promise).then(this.#ways.check)
    this.#isUp = true
    if (this.#stoppedBy !== undefined) this.#endIfNothingRuns(this.#stoppedBy)
  }

  async #assigned(partitions: readonly AssignedPartition[]): Promise<StartPosition[]> {
    try {
      const starts = await this.#assignments.assigned(partitions)
      void this.#assignments.tried().then(() => this.#assignedOnce.resolve())
      return starts
    } catch (error) {
      this.#assignmentFailed(error)
      throw error
    }
  }

  /** The group believes that they are read here. */
  #assignmentFailed(error: unknown): void {
    this.#assignedOnce.reject(error)
    this.#fail(error)
  }

  /** Takes nothing more, finishes what is in hand, cuts, leaves the group. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.subscriptions.end()
    this.#watchdog.stop()
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
  readonly subscriberStopped = (error: unknown): void => this.#endIfNothingRuns(error)

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
    return laneStatistics(this.#tasks.values(), this.#watchdog)
  }

  /** Tables that are being restored. */
  recoveries(): RecoveryFacts[] {
    return this.#recovery?.recoveries() ?? []
  }

  get cuts(): CutStatistics {
    return this.#cuts.statistics
  }

  get fetched(): { readonly batches: number; readonly bytes: number; readonly records: number } {
    return this.#loop.fetched
  }

  /** For metrics. */
  get parts(): EngineParts {
    return { services: this.#services, tasks: this.#tasks, loop: this.#loop }
  }

  /** Stores of the partitions of a topic that are here, by partition. */
  stores(topic: string): ReadonlyMap<number, Store> {
    return storesOf(this.#tasks.values(), topic)
  }

  /** The state of the partition is brought up to its changelogs before it is read. */
  #recovers({ topic }: TopicPartition): boolean {
    if (this.#recovery === undefined) return false
    const isKept = this.#stateTables.some((each) => each.topic === topic)
    return isKept || (this.#agentTables?.waits(topic) ?? false)
  }

  #openWays(): Promise<LogWays> {
    const { settings } = this.#options
    return openLogWays({
      ...this.#options,
      ...this.subscriptions,
      tables: this.#stateTables,
      kernels: () =>
        openChangelogKernels({
          memory: this.#memory,
          executor: this.executor,
          checkCrcs: settings.checkCrcs,
          inflatedBytesMax: settings.maxDecompressedMib * MIB,
        }),
      broken: () => this.#cuts.soon(),
    })
  }

  /** Undefined without global tables. */
  #openGlobals(): GlobalCopies | undefined {
    const { globals } = this.#agentTables!
    return openGlobalCopies({
      ...this.#options,
      ...this.subscriptions,
      tables: this.#stateTables.filter(({ name }) => globals.includes(name)),
      memory: this.#memory,
      executor: this.executor,
    })
  }

  #makeServices(): TaskServices {
    const { settings, aggregations } = this.#options
    const { partitionsOf } = this.subscriptions
    const lanes = aggregations.reduce((sum, { topic }) => sum + partitionsOf.get(topic)!, 0) || 1
    this.#recovery = openRecovery({
      ...this.#options,
      tables: this.#stateTables,
      memory: this.#memory,
      executor: this.executor,
      transactionalId: this.#ways.transactions?.id ?? '',
      rejoin: (reason) => this.#consumer?.rejoin?.(reason),
    })
    const kept = this.#recovery === undefined ? 0 : changelogBytes(this.#memory)
    return {
      ...this.#options,
      memory: this.#memory,
      openStore: this.#options.openStore ?? openStore,
      recovery: this.#recovery,
      agentTables: this.#agentTables!,
      executor: this.executor,
      laneBytesMax: Math.floor(((this.#memory.freeBytes() - kept) * LANE_SHARE) / lanes),
      dirtyBytesMax: Math.floor(settings.commitBytes / lanes),
      isExactlyOnce: settings.guarantee === 'exactly_once',
      hasAgents: (topic) => this.#options.subscribers.some((each) => each.topic === topic),
      changelogs: this.#ways.changelogs,
      onBadRecord: this.#options.onBadRecord,
      askForCut: (task) => this.#cuts.soon(task),
      rewound: (intake) => this.#loop.rewound(intake),
      progressed: () => {
        this.#loop.wake()
        this.#options.onProgress?.()
      },
      laneFailed: (task, table, error) => this.#laneFailed(task, table, error),
    }
  }

  #laneFailed(task: PartitionTask, table: string, error: unknown): void {
    const { topic, partition } = task.intake
    const message = 'an aggregation stopped on this partition'
    this.#options.logger.error({ table, topic, partition, err: error }, message)
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
    if (!running || !this.subscriptions.isLeft) this.#fail(error)
  }

  /** Nothing is fetched any more, also where nobody heeds the error: it could not be stored. */
  #fail(error: unknown): void {
    void this.#loop.stop()
    this.#options.onError(error)
  }

  async #close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#agentTables?.end()
    for (const task of this.#tasks.values()) await task.close(this.#isAborted)
    this.#options.sends?.route(undefined)
    await this.#ways.transactions?.close()
    await this.#globals?.close()
    await this.#recovery?.close()
    await this.#threads.close()
  }
}
