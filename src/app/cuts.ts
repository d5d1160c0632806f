// The cuts of a worker, one at a time: states of partitions to their stores, then the group's
// offsets. Called by the engine: by the clock, when a lane is full, and before partitions go.
import assert from 'node:assert'
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { DeadLetters } from '../ingest/dead_letter.ts'
import type { StartPosition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Settings } from '../settings.ts'
import type { PartitionTask } from './partition_task.ts'

export interface CutsOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly deadLetters: DeadLetters
  /** Sees to it that everything sent so far is stored; when it rejects, nothing is committed. */
  readonly beforeCommit: () => Promise<void>
  /** Stores the group's offsets. */
  readonly commit: (offsets: readonly StartPosition[]) => Promise<void>
  /** A cut by the clock failed; there will be no other. */
  readonly onError: (error: unknown) => void
}

export class Cuts {
  readonly #options: CutsOptions
  #cancel: (() => void) | undefined
  #last: Promise<void> = Promise.resolve()
  #isCutting = false
  #stopped = false
  /** Made so far. */
  count = 0

  constructor(options: CutsOptions) {
    this.#options = options
  }

  /** Cuts all that `tasks` gives after each commit interval, until stop(). */
  schedule(tasks: () => readonly PartitionTask[]): void {
    const { clock, settings, onError } = this.#options
    this.#cancel = clock.after(settings.commitIntervalMs, () => {
      this.cut(tasks()).then(() => {
        if (!this.#stopped) this.schedule(tasks)
      }, onError)
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

  /**
   * Cuts these partitions, behind the cut that may be under way. 'store': without the group, which
   * has given them to others.
   */
  cut(tasks: readonly PartitionTask[], until: 'store' | 'commit' = 'commit'): Promise<void> {
    const cut = this.#last.then(() => this.#cutNow(tasks, until))
    // whoever asked hears of a failure; the next cut is tried all the same
    this.#last = cut.catch(() => undefined)
    return cut
  }

  /**
   * Acknowledged offsets first, then what was sent before, then states, then the group's offsets.
   */
  async #cutNow(tasks: readonly PartitionTask[], until: 'store' | 'commit'): Promise<void> {
    assert(!this.#isCutting, 'two cuts at once')
    this.#isCutting = true
    this.count++
    try {
      const { beforeCommit, settings, deadLetters } = this.#options
      const acknowledged = tasks.map((task) => task.intake.acknowledged())
      const withState = tasks.filter(({ store }) => store !== undefined)
      await all(withState.map((task) => task.cut(beforeCommit, settings.fsync === 'always')))
      if (until === 'store') return
      const moved: { task: PartitionTask; offset: number }[] = []
      tasks.forEach((task, i) => {
        const offset = Math.min(acknowledged[i], task.storedOffset())
        if (Number.isFinite(offset) && offset > task.committed) moved.push({ task, offset })
      })
      if (moved.length === 0) return
      await beforeCommit()
      const offsets = moved.map(({ task, offset }) => ({ ...task.place, offset }))
      if (!(await this.#commit(offsets))) return
      for (const { task, offset } of moved) {
        task.committed = offset
        deadLetters.forget(task.intake.topic, task.intake.partition, offset)
      }
    } finally {
      this.#isCutting = false
    }
  }

  /**
   * Answers whether the group has the offsets now. Between two memberships it takes none; states
   * are stored all the same, and whoever has the partition next begins at them.
   */
  async #commit(offsets: readonly StartPosition[]): Promise<boolean> {
    const { commit, logger } = this.#options
    try {
      await commit(offsets)
      return true
    } catch (error) {
      if (!(error instanceof EuphorionError) || !error.retriable) throw error
      logger.warn({ err: error }, 'offsets are not committed; the next cut tries again')
      return false
    }
  }
}

/** Rejects like Promise.all, but not before every one of them is settled. */
async function all(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const each of await Promise.allSettled(promises)) {
    if (each.status === 'rejected') throw each.reason
  }
}
