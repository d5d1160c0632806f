// One cut of a worker: everything that its partitions have worked out by one moment counts
// together, or not at all. Made by cuts.ts, one at a time.
//
//   agents rest ─▶ what they wrote and acknowledged ─▶ agents go on          (where it has to be)
//     ─▶ lanes drained ─▶ results, late and bad records sent, flushed
//     ─▶ changelogs ─▶ the group's offsets ─▶ commit ─▶ stores
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { DeadLetters } from '../ingest/dead_letter.ts'
import type { SinkFeed } from '../ingest/sink_feed.ts'
import { AttemptFailed, type SinkHalt } from '../ingest/subscriber.ts'
import type { LogConsumer, StartPosition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Plant } from '../plants.ts'
import type { Settings } from '../settings.ts'
import { allSettled } from '../settled.ts'
import type { TablePartState } from '../table/agent_part.ts'
import type { LogWays } from './log_ways.ts'
import type { PartitionTask } from './partition_task.ts'
import { TaskCut } from './task_cut.ts'
import type { Transactions } from './transactions.ts'

export interface CutServices {
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly plants?: ReadonlySet<Plant> | undefined
  readonly deadLetters: DeadLetters
  /** Resolves when all that was sent so far is stored; when it rejects, nothing is committed. */
  readonly flush: () => Promise<void>
  readonly consumer: () => LogConsumer
  /** Partitions that are opened while it is so have to wait. */
  readonly taking: (isSo: boolean) => void
  readonly ways: () => LogWays
}

export interface FailedTask {
  readonly task: PartitionTask
  readonly error: unknown
}

interface Moved {
  readonly task: PartitionTask
  readonly offset: number
}

export class WorkerCut {
  readonly #services: CutServices
  readonly #ways: LogWays
  readonly #tasks: readonly PartitionTask[]
  #cuts: TaskCut[] = []
  #moved: readonly Moved[] = []
  /** Tasks that this cut left out or could not write; the others are not concerned. */
  readonly failed: FailedTask[] = []
  /** How long the log took to make it count. */
  transactionMs = 0
  /** What was sent may be lost, nobody knows of whom. */
  isSendLost = false

  constructor(services: CutServices, tasks: readonly PartitionTask[]) {
    this.#services = services
    this.#ways = services.ways()
    this.#tasks = tasks
  }

  /** Partitions of which something new counts. */
  get moved(): readonly PartitionTask[] {
    const moved = new Set(this.#moved.map(({ task }) => task))
    for (const { task, hasState } of this.#cuts) if (hasState) moved.add(task)
    for (const { task } of this.failed) moved.delete(task)
    return [...moved]
  }

  /** When it rejects nothing counts; `drop` must follow. */
  async make(): Promise<void> {
    const { transactions, outputs } = this.#ways
    transactions?.check()
    await this.#take()
    await allSettled(this.#cuts.map((cut) => this.#drain(cut)))
    await allSettled(this.#cuts.map((cut) => cut.sendDue(outputs)))
    await this.#flush()
    this.#moved = this.#cuts.flatMap(({ task, offset }) =>
      Number.isFinite(offset) && offset > task.committed ? [{ task, offset }] : [],
    )
    const isReversed = this.#services.plants?.has('cut-order-reversed') === true
    if (isReversed) await this.#writeAll()
    if (transactions !== undefined) await this.#commit(transactions)
    if (!isReversed) await this.#writeAll()
  }

  /** Nothing of it is in a store; answers whose lanes and tables go back to the last cut. */
  drop(): PartitionTask[] {
    const drained = this.#cuts.filter(({ hasState }) => hasState).map(({ task }) => task)
    for (const cut of this.#cuts) cut.drop()
    this.#cuts = []
    return drained
  }

  /**
   * Where there are no transactions: the group's offsets, once states are stored. Between two
   * memberships the group takes none; whoever has the partition next begins at its state.
   */
  async commitOffsets(): Promise<void> {
    const { consumer, logger } = this.#services
    if (this.#ways.transactions !== undefined || this.#moved.length === 0) return
    try {
      await consumer().commit(this.#moved.map(({ task, offset }) => ({ ...task.place, offset })))
    } catch (error) {
      if (!(error instanceof EuphorionError) || !error.retriable) throw error
      logger.warn({ err: error }, 'offsets are not committed; the next cut tries again')
      return
    }
    this.#committed()
  }

  /** What a partition sent that is opened meanwhile would count without its offset. */
  async #take(): Promise<void> {
    this.#services.taking(true)
    try {
      await this.#takeNow()
    } finally {
      this.#services.taking(false)
    }
  }

  async #takeNow(): Promise<void> {
    const { guarantee } = this.#services.settings
    const isExactlyOnce = guarantee === 'exactly_once'
    const resting = isExactlyOnce || this.#tasks.some(({ tables }) => tables.length > 0)
    const sinks = resting ? this.#tasks.flatMap(({ intake }) => intake.sinks) : []
    const tables = this.#tasks.flatMap((task) => task.tables.map(({ state }) => state))
    try {
      await this.#rest(sinks, tables)
      if (isExactlyOnce) {
        await this.#flushSends()
        await this.#ways.transactions?.closeGate()
      }
      this.#cuts = this.#tasks.map((task) => new TaskCut(task, task.sources(this.#tasks)))
    } finally {
      for (const { sink } of sinks) sink.resume()
      for (const table of tables) table.resume()
    }
  }

  /**
   * Resolves when no agent has an event in hand. Rejects when one has failed or hangs in the middle
   * of an event: what it has done for it may not count.
   */
  async #rest(sinks: readonly SinkFeed[], tables: readonly TablePartState[]): Promise<void> {
    const { clock, settings } = this.#services
    const { barrierTimeoutMs } = settings
    let cancel = (): void => undefined
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(barrierTimeoutMs, () => {
        for (const { sink } of sinks) sink.stall(barrierTimeoutMs)
        for (const table of tables) table.stall(barrierTimeoutMs)
        resolve()
      })
    })
    const resting = Promise.all(sinks.map(({ sink }) => sink.pause()))
      // what agents did not wait for is written with their events
      .then(() => Promise.all(tables.map((table) => table.pause())))
    await Promise.race([resting, late])
    cancel()
    // an agent that could not send because of it has not failed of itself
    this.#ways.transactions?.check()
    let failure: SinkHalt | undefined
    let attempt: SinkHalt | undefined
    for (const { intake, halts } of this.#tasks)
      for (const feed of intake.sinks) {
        const { spoiled } = feed.sink
        if (spoiled === undefined || !sinks.includes(feed)) continue
        if (spoiled.goesOn) attempt ??= spoiled
        else {
          halts.set(feed.subscriber, spoiled)
          failure = spoiled
        }
      }
    const cause = failure?.error ?? tables.find(({ spoiled }) => spoiled !== undefined)?.spoiled
    if (cause === undefined) {
      if (attempt !== undefined) throw new AttemptFailed(attempt)
      return
    }
    const message = 'an agent failed in the middle of an event'
    throw new EuphorionError('TRANSACTION_ABORTED', message, { cause })
  }

  async #drain(cut: TaskCut): Promise<void> {
    const { task } = cut
    try {
      await cut.drain()
    } catch (error) {
      const { settings } = this.#services
      const hasSent = settings.guarantee === 'exactly_once' && task.intake.sinks.length > 0
      // what its agents have sent or written cannot be taken out of this cut
      if (hasSent || task.tables.length > 0) throw error
      cut.drop()
      this.#cuts = this.#cuts.filter((each) => each !== cut)
      if (error instanceof EuphorionError) this.failed.push({ task, error })
      else await task.drainFailed(error)
    }
  }

  async #flush(): Promise<void> {
    if (this.#services.settings.guarantee === 'exactly_once')
      await this.#services.deadLetters.flushDiverted()
    else await this.#flushSends()
  }

  async #flushSends(): Promise<void> {
    try {
      await this.#services.flush()
    } catch (error) {
      this.isSendLost = true
      throw error
    }
  }

  async #commit(transactions: Transactions): Promise<void> {
    const { clock, consumer } = this.#services
    const { changelogs } = this.#ways
    const hasState = this.#cuts.some((cut) => cut.hasState)
    if (hasState || this.#moved.length > 0 || transactions.isOpen) {
      const beganMs = clock.monotonic()
      if (changelogs !== undefined) {
        const isAhead = this.#services.plants?.has('changelog-position-ahead') === true
        const options = { changelogs, nowMs: clock.now(), isAhead }
        await allSettled(this.#cuts.map((cut) => cut.append(transactions.own, options)))
      }
      await this.#commitTo(transactions, consumer(), this.#fencedOffsets())
      this.transactionMs = clock.monotonic() - beganMs
      this.#committed()
    }
    transactions.openGate()
  }

  async #commitTo(
    transactions: Transactions,
    consumer: LogConsumer,
    offsets: readonly StartPosition[],
  ): Promise<void> {
    const { plants } = this.#services
    const isOutside = plants?.has('offsets-outside')
    if (isOutside && offsets.length > 0) await consumer.commit(offsets)
    await transactions.commit(consumer, isOutside ? [] : offsets)
  }

  /**
   * Also of partitions that have not moved: only with their offsets does the log refuse what a
   * worker that has lost them appends.
   */
  #fencedOffsets(): StartPosition[] {
    return this.#cuts.flatMap(({ task, offset }) =>
      Number.isFinite(offset) ? [{ ...task.place, offset: Math.max(offset, task.committed) }] : [],
    )
  }

  #committed(): void {
    const { deadLetters } = this.#services
    for (const { task, offset } of this.#moved) {
      task.committed = offset
      deadLetters.forget(task.intake.topic, task.intake.partition, offset)
    }
  }

  async #writeAll(): Promise<void> {
    await allSettled(this.#cuts.map((cut) => this.#write(cut)))
  }

  async #write(cut: TaskCut): Promise<void> {
    try {
      await cut.write({ sync: this.#services.settings.fsync === 'always' })
    } catch (error) {
      this.failed.push({ task: cut.task, error })
      cut.drop()
    }
  }
}
