// The partitions that a worker has: tasks are opened when the group gives partitions, again after a
// cut that could not be made, and closed before they go. Called by the engine.
import type { AssignedPartition, StartPosition, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import type { Cuts } from './cuts.ts'
import type { EngineOptions } from './engine_options.ts'
import { LockedStores } from './locked_stores.ts'
import { openTasks } from './open_tasks.ts'
import { partitionRanges } from './partition_ranges.ts'
import { PartitionTask } from './partition_task.ts'
import { checkWithinLog, offsetsOf } from './positions.ts'
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
  readonly failed: (error: unknown) => void
  /** A partition stopped; what is left may be nothing. */
  readonly stopped: (error: unknown) => void
}

export class Assignments {
  readonly #options: AssignmentsOptions
  readonly #tasks: Map<string, PartitionTask>
  readonly #locked: LockedStores
  readonly #reopener: Reopener

  constructor(options: AssignmentsOptions) {
    this.#options = options
    this.#tasks = options.tasks
    this.#locked = new LockedStores({
      ...options,
      open: (place) => this.#openLate(place),
      failed: options.failed,
    })
    this.#reopener = new Reopener({
      ...options,
      retriesMax: options.settings.laneRetries,
      remove: ({ place }) => void this.#tasks.delete(partitionKey(place)),
      open: (place) => this.#openAgain(place),
      stopped: (place, error) => this.#stop(place, error),
    })
  }

  /** Opens the partitions; resolves with where those with state are to be read from. */
  assigned(partitions: readonly AssignedPartition[]): Promise<StartPosition[]> {
    return this.#open(partitions, 'partitions assigned')
  }

  /** A last cut, unless they are lost: then others have them already. */
  async revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void> {
    const { clock, logger, aborted, isAborted, cuts } = this.#options
    const beganMs = clock.monotonic()
    await this.#locked.drop(partitions)
    await Promise.race([this.#reopener.drop(partitions), aborted])
    const leaving = partitions.flatMap((place) => this.#tasks.get(partitionKey(place)) ?? [])
    const quiet = Promise.all(leaving.map((task) => task.intake.quiesce()))
    await Promise.race([quiet, aborted])
    try {
      if (!isAborted()) await cuts().leave(leaving, lost)
    } finally {
      for (const task of leaving) {
        task.tellLeftOut(logger)
        this.#tasks.delete(partitionKey(task.place))
        await task.close(isAborted())
      }
    }
    if (lost) this.#tell('partitions lost', partitions, beganMs, 'warn')
    else this.#tell('partitions revoked', partitions, beganMs)
  }

  /**
   * Back to what the stores have. With `isAborted` what the app sends is refused until nothing runs
   * on any of them.
   */
  reopen(tasks: readonly PartitionTask[], error: unknown, isAborted: boolean): void {
    // those that leave are closed by who made them leave
    const staying = tasks.filter(
      (task) => !task.intake.closing && this.#tasks.get(partitionKey(task.place)) === task,
    )
    this.#reopener.reopen(staying, error, () => {
      if (isAborted) this.#options.transactions()?.openGate()
    })
  }

  /** They have come further than their last cut. */
  cutMade(tasks: readonly PartitionTask[]): void {
    for (const task of tasks) this.#reopener.cutMade(task)
  }

  async #open(
    partitions: readonly AssignedPartition[],
    message: string,
    opened: (task: PartitionTask, start: number) => void = () => undefined,
  ): Promise<StartPosition[]> {
    const { clock, log, logger, services, isUp, isStopping } = this.#options
    const beganMs = clock.monotonic()
    const topics = new Set(partitions.map(({ topic }) => topic))
    const logs = await offsetsOf(log, topics, { clock, logger, mayWait: () => !isStopping() })
    const earliest = ({ topic, partition }: TopicPartition) =>
      logs.get(topic)?.[partition]?.earliest ?? 0
    const starts = await openTasks(partitions, {
      ...this.#options,
      services: services(),
      earliest,
      opened: (task, start) => {
        opened(task, Math.max(start, earliest(task.place)))
        this.#tasks.set(partitionKey(task.place), task)
      },
      refused: (place, error) => this.#locked.add(place, error, isUp()),
    })
    const committed = partitions.flatMap((each) =>
      each.committed === undefined ? [] : [{ ...each, offset: each.committed }],
    )
    const taskOf = (place: TopicPartition) => this.#tasks.get(partitionKey(place))
    const furthest = (place: TopicPartition) => taskOf(place)?.furthest() ?? 0
    checkWithinLog({ logs, logger }, [...starts, ...committed], furthest)
    this.#tell(message, partitions.filter(taskOf), beganMs)
    return starts.map((each) => ({ ...each, offset: Math.max(each.offset, earliest(each)) }))
  }

  /** While the consumer has the partition already, and may be fetching it. */
  async #openLate(place: AssignedPartition): Promise<void> {
    const { rewound } = this.#options.services()
    const late: PartitionTask[] = []
    await this.#open([place], 'partitions opened', (task, start) => {
      // what a fetch under way brings would leave a gap
      task.intake.rewoundTo = start
      late.push(task)
    })
    for (const { intake } of late) rewound(intake)
  }

  async #openAgain({ topic, partition }: TopicPartition): Promise<void> {
    const { log, appId } = this.#options
    const committed = (await log.committed(appId, topic)).get(partition)
    await this.#openLate({ topic, partition, committed })
  }

  /** It stays this worker's, and nothing of it is read. */
  #stop(place: TopicPartition, error: unknown): void {
    const { topic, partition } = place
    const closed = new PartitionTask(topic, partition, this.#options.services())
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
