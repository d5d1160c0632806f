// What a running engine has for metrics: its partitions, queues, memory, restores and copies. A
// source of metrics; nothing here runs between readings. Made by WorkerMetrics.
import { fetchChanges } from '../ingest/fetch_sizes.ts'
import { Growth } from '../metrics/growth.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Engine } from './engine.ts'
import type { PartitionTask } from './partition_task.ts'
import { StoreSizes } from './store_sizes.ts'
import { TaskMetrics } from './task_metrics.ts'
import type { TaskServices } from './task_services.ts'
import { taskStorePath } from './task_store.ts'
import { UnreadEnds } from './unread_ends.ts'

export class EngineMetrics {
  readonly #metrics: Metrics
  readonly #engine: Engine
  #ends: UnreadEnds | undefined
  #sizes: StoreSizes | undefined
  readonly #tasks: TaskMetrics
  readonly #growth = new Growth()

  constructor(metrics: Metrics, engine: Engine) {
    this.#metrics = metrics
    this.#engine = engine
    this.#tasks = new TaskMetrics(metrics, (place) => this.#ends?.of(place) ?? 0)
    metrics.addSource(() => this.#read())
  }

  /** Its partition is about to be closed. */
  closing(task: PartitionTask): void {
    this.#tasks.count(task)
  }

  #read(): void {
    const { services, tasks } = this.#engine.parts
    for (const task of tasks.values()) {
      this.#tasks.count(task)
      this.#tasks.show(task)
    }
    this.#readLanes()
    this.#readQueues()
    if (services === undefined) return
    this.#readState(services, [...tasks.values()])
    this.#readMemory(services)
  }

  #readLanes(): void {
    const metrics = this.#metrics
    for (const state of ['running', 'stalled', 'stopped']) metrics.add('lanes', 0, state)
    for (const { state } of this.#engine.statistics()) metrics.add('lanes', 1, state)
  }

  #readQueues(): void {
    const metrics = this.#metrics
    const { queue, sizes } = this.#engine.parts.loop
    const { fetches, free, used } = queue
    metrics.add('fetchesInFlight', fetches)
    metrics.add('regions', free, 'free')
    metrics.add('regions', used, 'used')
    metrics.add('fetchBytes', sizes.bytes)
    metrics.add('fetchesMax', sizes.fetches)
    for (const [at, { what, direction, reason }] of fetchChanges.entries()) {
      const grown = this.#growth.of(sizes, at, sizes.counts[at])
      metrics.add('fetchChanges', grown, what, direction, reason)
    }
    metrics.add('kernelQueue', this.#engine.executor?.queued ?? 0)
  }

  #readState(services: TaskServices, tasks: readonly PartitionTask[]): void {
    const metrics = this.#metrics
    const { clock, settings, appId, recovery, agentTables } = services
    this.#ends ??= new UnreadEnds(clock)
    this.#ends.look(
      this.#engine.parts.loop.consumer,
      new Set(tasks.map(({ intake }) => intake.topic)),
    )
    this.#sizes ??= new StoreSizes(clock, (place) => taskStorePath(settings, appId, place))
    const stored = tasks.filter(({ store }) => store !== undefined && store.kind !== 'memory')
    this.#sizes.look(stored.map(({ place }) => place))
    for (const { place } of stored) {
      const bytes = this.#sizes.of(place)
      if (bytes !== undefined) metrics.add('storeBytes', bytes, place.topic, place.partition)
    }
    for (const { table } of agentTables.placed)
      metrics.add('tableRows', table.rowsInMemory, table.definition.name)
    for (const { table, topic, partition, rows, of } of this.#engine.recoveries()) {
      metrics.add('restoreRecords', rows, table, topic, partition)
      metrics.add('restoreRemaining', Math.max(0, of - rows), table, topic, partition)
    }
    for (const { topic, partition, lag } of recovery?.copies() ?? [])
      metrics.add('standbyLag', lag, topic, partition)
  }

  #readMemory({ memory }: TaskServices): void {
    const free = memory.freeBytes()
    this.#metrics.add('sharedMemory', free, 'lanes', 'free')
    this.#metrics.add('sharedMemory', memory.bytes.length - free, 'lanes', 'used')
  }
}
