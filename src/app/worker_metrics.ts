// The metrics of one run of an app: what tells them, and where they go. Made by the worker unless
// the setting metrics is off.
import type { BadRecord, DeadLetters } from '../ingest/dead_letter.ts'
import { storedAt } from '../ingest/outbox.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import { poolInUse } from '../kernel/offload/pool_in_use.ts'
import type { Logger } from '../logger.ts'
import { exposition } from '../metrics/exposition.ts'
import { Growth } from '../metrics/growth.ts'
import { Metrics } from '../metrics/metrics.ts'
import { exportToOpenTelemetry } from '../metrics/open_telemetry.ts'
import { ProcessFacts } from '../metrics/process_facts.ts'
import { StatsdSender } from '../metrics/statsd.ts'
import { packageVersion } from '../package_version.ts'
import type { Settings } from '../settings.ts'
import { storeKind } from '../table/open.ts'
import type { App } from './app.ts'
import { within } from './app_context.ts'
import type { Connection } from './connection.ts'
import type { Engine } from './engine.ts'
import { EngineMetrics } from './engine_metrics.ts'
import type { PartitionTask } from './partition_task.ts'
import type { CutSensed } from './sensors.ts'

export interface WorkerMetricsOptions {
  readonly app: App
  readonly settings: Settings
  readonly logger: Logger
}

const MS_PER_SECOND = 1000
/** What is left for StatsD is sent at a stop, but not waited for without end. */
const CLOSE_MS_MAX = 1000
/** One line for so many packets that could not be sent. */
const TELL_EVERY_MS = 60_000

/** Slots of Growth, by their place. */
const agentCounters = ['failures', 'restarts', 'skipped', 'deadLettered', 'stopped'] as const
/** Slots of Growth. */
const poolAt = { tasks: 0, busyMs: 1, failures: 2 } as const

export class WorkerMetrics {
  readonly #metrics: Metrics
  readonly #options: WorkerMetricsOptions
  readonly #growth = new Growth()
  readonly #process: ProcessFacts
  #engine: EngineMetrics | undefined
  #statsd: StatsdSender | undefined
  #endOpenTelemetry: (() => void) | undefined
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(options: WorkerMetricsOptions) {
    const { app, settings } = options
    this.#options = options
    this.#metrics = new Metrics(settings.metricsSeriesMax, (error) => this.#failed(error))
    this.#process = new ProcessFacts(this.#metrics, app.clock)
    // what an earlier run of the app has counted is not this one's
    for (const agent of app.topology.agents)
      for (const [at, name] of agentCounters.entries())
        this.#growth.from(agent, at, agent.statistics[name])
    this.#metrics.addSource(() => this.#readApp())
    this.#metrics.addSource(() => this.#readKernels())
  }

  /** Rejects with SETTING_INVALID where they cannot go where the settings say. */
  async start(): Promise<void> {
    const { app, settings } = this.#options
    const { metricsStatsd: url, metricsIntervalMs: intervalMs } = settings
    const metrics = this.#metrics
    const onError = (error: unknown): void => this.#failed(error)
    if (url !== undefined) {
      const { clock } = app
      this.#statsd = await StatsdSender.open({ metrics, clock, url, intervalMs, onError })
    }
    if (settings.metricsOpenTelemetry) this.#endOpenTelemetry = await exportToOpenTelemetry(metrics)
  }

  /** Everything is made by now. */
  watch(engine: Engine, connection: Connection, deadLetters: DeadLetters): void {
    const { settings } = this.#options
    const metrics = this.#metrics
    this.#engine = new EngineMetrics(metrics, engine)
    metrics.addSource(() => this.#readSends(connection))
    metrics.addSource(() => this.#readDeadLetters(deadLetters))
    const { driver } = connection.log.capabilities
    const store = storeKind(settings.store)
    const backend = settings.backend === 'js' ? 'js' : 'wasm'
    const version = packageVersion()
    metrics.addSource(() =>
      metrics.add('build', 1, version, process.version, driver, store, backend),
    )
  }

  /** For Prometheus. */
  text(): string {
    return exposition(this.#metrics.read())
  }

  closing(task: PartitionTask): void {
    this.#engine?.closing(task)
  }

  cut({ ms, error }: CutSensed, transactionMs: number): void {
    this.#metrics.observe('cutSeconds', ms / MS_PER_SECOND)
    if (error !== undefined) this.#metrics.add('cutFailures', 1)
    else this.#metrics.observe('cutTransactionSeconds', transactionMs / MS_PER_SECOND)
  }

  badRecord({ topic, reason }: BadRecord, policy: BadRecordPolicy): void {
    this.#metrics.add('badRecords', 1, topic, reason, policy)
  }

  /** Sends what is left. */
  async close(): Promise<void> {
    const statsd = this.#statsd
    this.#statsd = undefined
    this.#endOpenTelemetry?.()
    this.#endOpenTelemetry = undefined
    if (statsd !== undefined) await within(this.#options.app.clock, CLOSE_MS_MAX, statsd.close())
    this.#process.close()
  }

  #readApp(): void {
    const { app } = this.#options
    const metrics = this.#metrics
    metrics.add('ready', app.health().ready ? 1 : 0)
    for (const agent of app.topology.agents) {
      const { name, statistics } = agent
      const [failures, restarts, skipped, deadLettered, stopped] = agentCounters.map((each, at) =>
        this.#growth.of(agent, at, statistics[each]),
      )
      metrics.add('agentFailures', failures, name)
      metrics.add('agentRestarts', restarts, name)
      metrics.add('agentSkipped', skipped, name)
      metrics.add('agentDeadLettered', deadLettered, name)
      metrics.add('agentStopped', stopped, name)
    }
    const { waiting, answered, failed, timedOut, cancelled } = app.replies()
    metrics.add('asksWaiting', waiting)
    const asks = { answered, failed, 'timed-out': timedOut, cancelled }
    for (const [at, [outcome, count]] of Object.entries(asks).entries())
      metrics.add('asks', this.#growth.of(app, at, count), outcome)
  }

  #readSends(connection: Connection): void {
    const metrics = this.#metrics
    metrics.add('senderRecords', connection.pending)
    metrics.add('senderBytes', connection.pendingBytes)
    for (const outbox of connection.outboxes()) {
      const { topic, partition, stored } = outbox
      const grown = (at: number): number => this.#growth.of(outbox, at, stored[at])
      metrics.add('sentRecords', grown(storedAt.records), topic, partition)
      metrics.add('sentBytes', grown(storedAt.bytes), topic, partition)
      metrics.add('sendFailures', grown(storedAt.refused), topic)
    }
  }

  #readDeadLetters(deadLetters: DeadLetters): void {
    for (const added of deadLetters.added()) {
      const grown = this.#growth.of(added, 0, added.records)
      this.#metrics.add('deadLetters', grown, added.topic, added.partition)
    }
  }

  /** The pool is the process's: what it did before this run counts too. */
  #readKernels(): void {
    const pool = poolInUse()
    if (pool === undefined) return
    const metrics = this.#metrics
    const { running, queued, tasks, busyMs, failures } = pool.stats()
    metrics.add('numericTasks', running, 'running')
    metrics.add('numericTasks', queued, 'queued')
    metrics.add('numericCalls', this.#growth.of(pool, poolAt.tasks, tasks))
    const grownMs = this.#growth.of(pool, poolAt.busyMs, busyMs)
    metrics.add('numericSeconds', grownMs / MS_PER_SECOND)
    for (const [at, [code, count]] of Object.entries(failures).entries())
      metrics.add('numericFailures', this.#growth.of(pool, poolAt.failures + at, count), code)
    const free = pool.memory.freeBytes()
    metrics.add('sharedMemory', free, 'kernels', 'free')
    metrics.add('sharedMemory', pool.memory.bytes.length - free, 'kernels', 'used')
  }

  #failed(error: unknown): void {
    const { app, logger } = this.#options
    const now = app.clock.monotonic()
    if (now - this.#toldMs < TELL_EVERY_MS) return
    this.#toldMs = now
    logger.warn({ err: error }, 'metrics cannot be read or sent')
  }
}
