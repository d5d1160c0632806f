// The partitions that a worker has: tasks are opened when the group gives partitions, again after a
// cut that could not be made, and closed before they go. Called by the engine.
import type { EventSubscriber, SinkHalt } from '../ingest/subscriber.ts'
import type { AssignedPartition, StartPosition, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import type { Cuts } from './cuts.ts'
import type { EngineOptions } from './engine_options.ts'
import { openPartitions } from './open_partitions.ts'
import { Openings } from './openings.ts'
import { partitionRanges } from './partition_ranges.ts'
import { PartitionTask } from './partition_task.ts'
import { Reopener } from './reopener.ts'
import type { TaskServices } from './task_services.ts'
import type { Transactions } from './transactions.ts'

export interface AssignmentsOptions extends EngineOptions {
  /** All that run now, by partitionKey(). */
  readonly tasks: Map<string, PartitionTask>
  readonly services: () => TaskServices
  readonly cuts: () => Cuts
  readonly transactions: () => Transactions | undefined
  /** The first partitions are open. */
  readonly isUp: () => boolean
  readonly isStopping: () => boolean
  /** Settled, and true, once nothing is waited for any more. */
  readonly aborted: Promise<void>
  readonly isAborted: () => boolean
  /** The state of the partition is restored before it is read. */
  readonly recovers: (place: TopicPartition) => boolean
  readonly failed: (error: unknown) => void
  /** A partition stopped; what is left may be nothing. */
  readonly stopped: (error: unknown) => void
}

export class Assignments {
  readonly #options: AssignmentsOptions
  readonly #tasks: Map<string, PartitionTask>
  readonly #openings: Openings
  readonly #reopener: Reopener
  /** Where subscribers have stopped; while the partition is this worker's they stop there again. */
  readonly #halts = new Map<string, ReadonlyMap<EventSubscriber, SinkHalt>>()

  constructor(options: AssignmentsOptions) {
    this.#options = options
    this.#tasks = options.tasks
    this.#openings = new Openings({
      ...options,
      open: (place, signal) => this.#openLate(place, signal),
    })
    this.#reopener = new Reopener({
      ...options,
      retriesMax: options.settings.laneRetries,
      remove: ({ place }) => void this.#tasks.delete(partitionKey(place)),
      open: (place, signal) => this.#openAgain(place, signal),
      stopped: (place, error) => this.#stop(place, error),
    })
  }

  /**
   * Opens the partitions; resolves with where they are to be read from. Those with state in
   * changelogs are opened behind it, each when it is restored.
   */
  async assigned(partitions: readonly AssignedPartition[]): Promise<StartPosition[]> {
    const { recovers } = this.#options
    const late = partitions.filter(recovers)
    const ready = partitions.filter((place) => !late.includes(place))
    const starts = await this.#open(ready, 'partitions assigned')
    for (const place of late) {
      this.#openings.begin(place)
      starts.push({ ...place, offset: place.committed ?? 0 })
    }
    const { group } = this.#options
    await group?.assigned(partitions)
    if (group !== undefined) void this.tried().then(() => group.settled())
    return starts
  }

  /** Resolves when everything that was begun has been tried once. */
  tried(): Promise<void> {
    return this.#openings.tried()
  }

  /** A last cut, unless they are lost: then others have them already. */
  async revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void> {
    const { clock, logger, aborted, isAborted, cuts } = this.#options
    const beganMs = clock.monotonic()
    await Promise.race([this.#options.group?.leaving(partitions, lost), aborted])
    for (const place of partitions) this.#halts.delete(partitionKey(place))
    await Promise.race([this.#openings.drop(partitions), aborted])
    await Promise.race([this.#reopener.drop(partitions), aborted])
    for (const place of partitions) this.#options.services().agentTables.goesBack(place, false)
    const leaving = partitions.flatMap((place) => this.#tasks.get(partitionKey(place)) ?? [])
    const bound = this.#boundTo(partitions)
    const quiet = Promise.all([...leaving, ...bound].map((task) => task.quiesce()))
    await Promise.race([quiet, aborted])
    try {
      // what agents did for tables that are lost is not theirs to keep
      if (!isAborted()) await cuts().leave(lost ? leaving : [...leaving, ...bound], lost)
    } finally {
      for (const task of [...leaving, ...bound]) {
        task.tellLeftOut(logger)
        this.#tasks.delete(partitionKey(task.place))
        await task.close(isAborted())
      }
    }
    this.#waitForTables(bound)
    await Promise.race([this.#options.group?.revoked(partitions, lost), aborted])
    if (lost) this.#tell('partitions lost', partitions, beganMs, 'warn')
    else this.#tell('partitions revoked', partitions, beganMs)
  }

  /**
   * What stays while the tables go that its agents write: those of other topics with as many
   * partitions, which the group may move in another round.
   */
  #boundTo(partitions: readonly TopicPartition[]): PartitionTask[] {
    const { agentTables } = this.#options.services()
    const keys = new Set(partitions.map(partitionKey))
    return [...this.#tasks.values()].filter(
      ({ place }) => !keys.has(partitionKey(place)) && agentTables.goesWith(place, partitions),
    )
  }

  /** They are read on once the tables are here again, from the last cut. */
  #waitForTables(tasks: readonly PartitionTask[]): void {
    if (this.#options.isStopping()) return
    for (const { place, committed } of tasks)
      this.#openings.begin({ ...place, committed: committed > 0 ? committed : undefined })
  }

  /**
   * Back to what the stores have. With `isAborted` what the app sends is refused until nothing runs
   * on any of them, those that leave included.
   */
  reopen(tasks: readonly PartitionTask[], error: unknown, isAborted: boolean): void {
    // those that leave are closed by who made them leave
    const staying = tasks.filter(
      (task) => !task.intake.closing && this.#tasks.get(partitionKey(task.place)) === task,
    )
    const { deadLetters, services } = this.#options
    for (const { place, halts } of staying) {
      services().agentTables.goesBack(place, true)
      deadLetters.reopened(place.topic, place.partition)
      if (halts.size === 0) continue
      const key = partitionKey(place)
      this.#halts.set(key, new Map([...(this.#halts.get(key) ?? []), ...halts]))
    }
    const quiet = Promise.all(tasks.map((task) => task.quiesce()))
    const allowed = () => (isAborted ? this.#options.transactions()?.allowSends() : undefined)
    this.#reopener.reopen(staying, error, quiet.then(allowed))
  }

  /** They have come further than their last cut. */
  cutMade(tasks: readonly PartitionTask[]): void {
    for (const task of tasks) this.#reopener.cutMade(task)
  }

  async #open(
    partitions: readonly AssignedPartition[],
    message: string,
    opened: (task: PartitionTask, start: number) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<StartPosition[]> {
    if (partitions.length === 0) return []
    const { clock, services, isUp, isStopping } = this.#options
    const beganMs = clock.monotonic()
    const taskOf = (place: TopicPartition) => this.#tasks.get(partitionKey(place))
    const starts = await openPartitions(partitions, {
      ...this.#options,
      services: services(),
      mayWait: () => !isStopping(),
      opened: (task, start) => {
        opened(task, start)
        task.intake.held = this.#options.cuts().isTaking
        this.#tasks.set(partitionKey(task.place), task)
      },
      refused: (place, error) => this.#openings.retry(place, error, isUp()),
      halts: (place) => this.#halts.get(partitionKey(place)),
      furthest: (place) => taskOf(place)?.furthest() ?? 0,
      signal,
    })
    this.#tell(message, partitions.filter(taskOf), beganMs)
    return starts
  }

  /** While the consumer has the partition already, and may be fetching it. */
  async #openLate(place: AssignedPartition, signal?: AbortSignal): Promise<void> {
    const { rewound } = this.#options.services()
    const late: PartitionTask[] = []
    const opened = (task: PartitionTask, start: number) => {
      // what a fetch under way brings would leave a gap
      task.intake.rewoundTo = start
      late.push(task)
    }
    await this.#open([place], 'partitions opened', opened, signal)
    for (const { intake } of late) rewound(intake)
  }

  async #openAgain({ topic, partition }: TopicPartition, signal: AbortSignal): Promise<void> {
    const { log, appId } = this.#options
    const committed = (await log.committed(appId, topic)).get(partition)
    await this.#openLate({ topic, partition, committed }, signal)
  }

  /** It stays this worker's, and nothing of it is read. */
  #stop(place: TopicPartition, error: unknown): void {
    const { topic, partition } = place
    const services = this.#options.services()
    services.agentTables.goesBack(place, false)
    const closed = new PartitionTask(topic, partition, services)
    closed.intake.failed = true
    this.#tasks.set(partitionKey(place), closed)
    this.#options.logger.error({ ...place, err: error }, 'a partition stopped')
    this.#options.stopped(error)
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
}
