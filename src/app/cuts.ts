// The cuts of a worker, one at a time: by the clock, when a lane asks for one, and before
// partitions go. What cannot be cut goes back to the cut before. Called by the engine.
import assert from 'node:assert'
import { EuphorionError } from '../errors.ts'
import type { EngineOptions } from './engine_options.ts'
import type { CutStatistics } from './lane_statistics.ts'
import type { PartitionTask } from './partition_task.ts'
import type { Transactions } from './transactions.ts'
import { type CutServices, type FailedTask, WorkerCut } from './worker_cut.ts'

export interface CutsOptions extends Omit<CutServices, 'taking'> {
  /** Partitions may be fetched again. */
  readonly wake: () => void
  /** All that run now. */
  readonly tasks: () => readonly PartitionTask[]
  /**
   * These go back to what their stores have; `isAborted`: what was sent waits until none of them
   * sends any more.
   */
  readonly reopen: (tasks: readonly PartitionTask[], error: unknown, isAborted: boolean) => void
  readonly made: (tasks: readonly PartitionTask[]) => void
  readonly onCut?: EngineOptions['onCut']
  /** There will be no other. */
  readonly onError: (error: unknown) => void
}

export class Cuts {
  readonly #options: CutsOptions
  #cancel: (() => void) | undefined
  #last: Promise<void> = Promise.resolve()
  #isCutting = false
  /** A cut is taking what agents have sent: what is opened now waits. */
  isTaking = false
  #stopped = false
  /** Who asked for one that has not begun. */
  #asked: Set<PartitionTask> | undefined
  #lastMs = 0
  #transactionMs = 0
  /** Made so far. */
  count = 0

  constructor(options: CutsOptions) {
    this.#options = options
  }

  /** Cuts everything after each commit interval, until stop(). */
  schedule(): void {
    const { clock, settings, tasks } = this.#options
    this.#cancel = clock.after(settings.commitIntervalMs, () => {
      const next = (): void => {
        if (!this.#stopped) this.schedule()
      }
      // who is concerned by a failure has heard of it
      this.cut(tasks()).then(next, next)
    })
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  /** Resolves when the cuts asked for so far are over, also where they failed. */
  get settled(): Promise<void> {
    return this.#last
  }

  get statistics(): CutStatistics {
    return { count: this.count, lastMs: this.#lastMs, transactionMs: this.#transactionMs }
  }

  /** Cuts the partition as soon as it can be; several that ask are cut together. */
  soon(task?: PartitionTask): void {
    const isNew = this.#asked === undefined
    const asked = (this.#asked ??= new Set())
    if (task !== undefined) asked.add(task)
    if (!isNew) return
    const cut = async () => {
      this.#asked = undefined
      await this.#cutNow([...asked], 'commit')
    }
    this.#last = this.#last.then(cut).catch(() => undefined)
  }

  /** Changes what is cut, while no cut is under way. Rejects with what `change` throws. */
  between(change: () => void): Promise<void> {
    const changed = this.#last.then(change)
    this.#last = changed.catch(() => undefined)
    return changed
  }

  /**
   * Cuts these partitions, behind the cut that may be under way; others with them where they cannot
   * be told apart. Rejects when nothing of it counts; then they are on their way back to their last
   * cut.
   */
  cut(tasks: readonly PartitionTask[]): Promise<void> {
    const cut = this.#last.then(() => this.#cutNow(tasks, 'commit'))
    this.#last = cut.catch(() => undefined)
    return cut
  }

  /**
   * The last cut of partitions that go. Those that are lost have it elsewhere: nothing of them can
   * count any more, and what their agents have sent in a transaction must not.
   */
  leave(tasks: readonly PartitionTask[], isLost: boolean): Promise<void> {
    const { transactions } = this.#options.ways()
    const leave = (): Promise<void> => {
      if (!isLost) return this.#cutNow(tasks, 'commit')
      if (transactions === undefined) return this.#cutNow(tasks, 'store')
      return this.#giveUp(transactions, tasks)
    }
    // a cut that was asked for before may still have them in mind
    const gone = () => {
      for (const task of tasks) task.isGivenUp = true
    }
    const left = this.#last.then(leave).finally(gone)
    this.#last = left.catch(() => undefined)
    return left
  }

  async #giveUp(transactions: Transactions, lost: readonly PartitionTask[]): Promise<void> {
    const { settings, tasks } = this.#options
    const hasSent = lost.some(({ intake }) => intake.sinks.length > 0)
    if (settings.guarantee !== 'exactly_once' || !hasSent || !transactions.isOpen) return
    const error = new EuphorionError('TRANSACTION_ABORTED', 'partitions were lost to others')
    await transactions.abort(error)
    this.#reopen(tasks(), error, true)
  }

  /** 'store': without the group, which has given them to others. */
  async #cutNow(asked: readonly PartitionTask[], until: 'store' | 'commit'): Promise<void> {
    assert(!this.#isCutting, 'two cuts at once')
    this.#isCutting = true
    this.count++
    const { clock } = this.#options
    const beganMs = clock.monotonic()
    const together = this.#together(asked)
    let failure: unknown
    try {
      const taking = (isSo: boolean): void => this.#taking(isSo)
      const cut = new WorkerCut({ ...this.#options, taking }, together)
      await this.#make(cut)
      if (until === 'commit') await cut.commitOffsets().catch((error) => this.#fail(error))
      this.#transactionMs = cut.transactionMs
    } catch (error) {
      failure = error
      throw error
    } finally {
      this.#lastMs = clock.monotonic() - beganMs
      this.#isCutting = false
      this.#options.onCut?.({ ms: this.#lastMs, partitions: together.length, error: failure })
    }
  }

  #taking(isSo: boolean): void {
    this.isTaking = isSo
    for (const { intake } of this.#options.tasks()) intake.held &&= isSo
    this.#options.wake()
  }

  /** Where one transaction has what all of them sent, or agents write tables, all are cut. */
  #together(asked: readonly PartitionTask[]): readonly PartitionTask[] {
    const { settings, tasks } = this.#options
    const isOne = settings.guarantee === 'exactly_once' || this.#writeTables()
    const all = isOne ? [...new Set([...tasks(), ...asked])] : asked
    // of one that was given up, what was drained is in no row: it may be cut no more
    return all.filter((task) => !task.isGivenUp)
  }

  /** What an agent wrote may be in another partition's store than that of its event. */
  #writeTables(): boolean {
    return this.#options.tasks().some(({ tables }) => tables.length > 0)
  }

  async #make(cut: WorkerCut): Promise<void> {
    const { settings, ways, tasks, logger, plants } = this.#options
    const { transactions } = ways()
    try {
      await cut.make()
    } catch (error) {
      const drained = cut.drop()
      await transactions?.abort(error)
      const isAborted = settings.guarantee === 'exactly_once'
      const areOne = isAborted || cut.isSendLost || this.#writeTables()
      const back = areOne ? [...new Set([...drained, ...tasks()])] : drained
      logger.warn({ err: error, partitions: back.length }, 'a cut was given up')
      if (!plants?.has('stale-cut-used')) this.#reopen(back, error, isAborted)
      if (!isAborted || plants?.has('stale-cut-used')) void transactions?.allowSends()
      throw error
    }
    await this.#reopenFailed(cut.failed)
    this.#options.made(cut.moved)
  }

  /** The cut counts, and some of it is in no store: of these its log has more than their agents. */
  async #reopenFailed(failed: readonly FailedTask[]): Promise<void> {
    const { settings, ways, tasks } = this.#options
    const { transactions } = ways()
    const hasSent = failed.some(({ task }) => task.intake.sinks.length > 0)
    if (settings.guarantee === 'exactly_once' && hasSent && transactions !== undefined) {
      // what their agents have sent since the commit would come again
      await transactions.abort(failed[0].error)
      this.#reopen(tasks(), failed[0].error, true)
      return
    }
    for (const { task, error } of failed)
      this.#reopen(this.#writeTables() ? tasks() : [task], error, false)
  }

  #reopen(tasks: readonly PartitionTask[], error: unknown, isAborted: boolean): void {
    for (const task of tasks) task.isGivenUp = true
    this.#options.reopen(tasks, error, isAborted)
  }

  #fail(error: unknown): never {
    this.#options.onError(error)
    throw error
  }
}
