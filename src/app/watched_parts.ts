// What the watchdog looks at on each partition, who has the records that wait, and what is done
// when they wait too long. Made for each look; called by the engine.
//
//   fetch    nothing comes though there is room      reconnect · reopen · stop
//   lane     a kernel's task does not return         report · restart · stop
//            it waits for a cut                      report
//   agent    its function has an event in hand       report, or (onAgentStall) stop
//   restore  nothing comes from the changelog        reconnect

import type { EuphorionError } from '../errors.ts'
import type { SinkFeed } from '../ingest/sink_feed.ts'
import type { LogConsumer } from '../log/log.ts'
import type { PartitionTask } from './partition_task.ts'
import type { RecoveryFacts } from './recovery_progress.ts'
import type { TaskLane } from './task_lane.ts'
import type { Remedy, WatchedPart } from './watchdog.ts'

export interface WatchedPartsOptions {
  readonly tasks: () => Iterable<PartitionTask>
  readonly restores: () => readonly RecoveryFacts[]
  readonly consumer: () => LogConsumer | undefined
  /** An agent that does not get on ends its partition, at the second look. */
  readonly stopsAgents: boolean
  /** Has the changelogs of a partition read by a new connection. */
  readonly reconnectRestore: (restore: RecoveryFacts) => void
  /** Ends what runs on the partition, and begins again from its last cut. */
  readonly reopen: (task: PartitionTask, error: EuphorionError) => void
  /** Nothing of the partition is read any more. */
  readonly stop: (task: PartitionTask, error: EuphorionError) => void
}

const report: Remedy = { name: 'none', apply: () => undefined }

export class WatchedParts {
  readonly #options: WatchedPartsOptions
  /** Questions under way, by topic. */
  readonly #asked = new Map<string, Promise<ReadonlyMap<number, number>>>()

  constructor(options: WatchedPartsOptions) {
    this.#options = options
  }

  *[Symbol.iterator](): IterableIterator<WatchedPart> {
    const { tasks, restores } = this.#options
    for (const task of tasks()) {
      const { intake, lanes } = task
      if (intake.closing || intake.failed) continue
      if (this.#options.consumer()?.unread !== undefined) yield this.#fetch(task)
      for (const lane of lanes) yield this.#lane(task, lane)
      for (const [index, feed] of intake.sinks.entries()) yield this.#agent(task, feed, index)
    }
    for (const restore of restores()) yield this.#restore(restore)
  }

  #fetch(task: PartitionTask): WatchedPart {
    const { intake, place } = task
    const { reopen, consumer } = this.#options
    const reconnect = () => consumer()?.reconnect?.(place.topic, place.partition)
    return {
      ...place,
      name: 'fetch',
      progress: intake.position,
      mayWait: intake.wants(),
      facts: () => ({ end: intake.end }),
      confirm: () => this.#isUnread(task),
      remedies: [
        { name: 'reconnect', apply: reconnect },
        { name: 'reopen', apply: (error) => reopen(task, error) },
        this.#stopping(task),
      ],
    }
  }

  async #isUnread({ intake, place: { topic, partition } }: PartitionTask): Promise<boolean> {
    let asked = this.#asked.get(topic)
    if (asked === undefined) {
      const unread = this.#options.consumer()!.unread!(topic)
      asked = unread.finally(() => this.#asked.delete(topic))
      this.#asked.set(topic, asked)
    }
    const end = (await asked).get(partition)
    if (end === undefined) return false
    intake.end = end
    return end > intake.position
  }

  #lane(task: PartitionTask, { feed, aggregation }: TaskLane): WatchedPart {
    const { reopen } = this.#options
    const restart = (error: EuphorionError) => {
      if (feed.isBusy) feed.abandon(error)
      reopen(task, error)
    }
    const stop = this.#stopping(task)
    const give = (error: EuphorionError) => {
      if (feed.isBusy) feed.abandon(error)
      stop.apply(error)
    }
    return {
      ...task.place,
      name: laneName(aggregation.plan.name),
      progress: feed.lane.counters().nextOffset,
      mayWait: !feed.stopped && feed.waiting > 0,
      facts: () => ({
        batches: feed.waiting,
        isRunning: feed.isBusy,
        waitsForCut: feed.waitsForCut,
      }),
      // what waits for a cut waits for the log or for another lane, which are looked at themselves
      remedies: feed.isBusy
        ? [report, { name: 'restart', apply: restart }, { name: 'stop', apply: give }]
        : [report],
    }
  }

  #agent(task: PartitionTask, feed: SinkFeed, index: number): WatchedPart {
    const { intake, place } = task
    const acknowledged = feed.sink.acknowledged()
    return {
      ...place,
      name: `agent ${feed.name ?? index}`,
      progress: acknowledged,
      mayWait: feed.isWorking && acknowledged < intake.position,
      facts: () => ({ hasEvent: feed.sink.holds }),
      remedies: this.#options.stopsAgents ? [report, this.#stopping(task)] : [report],
    }
  }

  #restore(restore: RecoveryFacts): WatchedPart {
    const { topic, partition, table, rows, of } = restore
    const reconnect = () => this.#options.reconnectRestore(restore)
    return {
      topic,
      partition,
      name: `restore of ${table}`,
      progress: rows,
      mayWait: true,
      facts: () => ({ of }),
      remedies: [{ name: 'reconnect', apply: reconnect }],
    }
  }

  #stopping(task: PartitionTask): Remedy {
    return { name: 'stop', apply: (error) => this.#options.stop(task, error) }
  }
}

/** As the watchdog knows the lane of a table. */
export function laneName(table: string): string {
  return `lane ${table}`
}
