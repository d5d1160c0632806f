// Partitions that go back to what their stores have, because a cut could not be made: what runs on
// them ends without a cut, and they are opened as if they had just been assigned. Each is tried a
// few times between two cuts. Called by the engine.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import type { Logger } from '../logger.ts'
import type { PartitionTask } from './partition_task.ts'

export interface ReopenerOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** How often a partition may be opened again between two cuts. */
  readonly retriesMax: number
  /** The task does not count any more. */
  readonly remove: (task: PartitionTask) => void
  readonly open: (place: TopicPartition) => Promise<void>
  /** The partition stays closed. */
  readonly stopped: (place: TopicPartition, error: unknown) => void
}

/** Before the second try; doubled with each. */
const PAUSE_MS = 500
const PAUSE_MS_MAX = 30_000

interface Run {
  readonly ended: Promise<void>
  cancel: () => void
}

export class Reopener {
  readonly #options: ReopenerOptions
  readonly #runs = new Map<string, Run>()
  /** Since the partition's last cut. */
  readonly #failures = new Map<string, number>()

  constructor(options: ReopenerOptions) {
    this.#options = options
  }

  /** `quiet` is called when nothing runs on any of them. Never throws, never rejects. */
  reopen(tasks: readonly PartitionTask[], reason: unknown, quiet: () => void): void {
    for (const task of tasks) this.#options.remove(task)
    const resting = Promise.all(tasks.map(({ intake }) => intake.quiesce())).then(quiet)
    for (const task of tasks) {
      const key = partitionKey(task.place)
      const run: Run = {
        cancel: () => undefined,
        ended: resting
          .then(() => this.#run(task, reason, run))
          .finally(() => {
            if (this.#runs.get(key) === run) this.#runs.delete(key)
          }),
      }
      this.#runs.set(key, run)
    }
  }

  /** The partition has been cut: what failed before it no longer counts. */
  cutMade({ place }: PartitionTask): void {
    if (this.#failures.size > 0) this.#failures.delete(partitionKey(place))
  }

  /** Resolves when these are not on their way any more: they are open, or stay closed. */
  async drop(places: readonly TopicPartition[]): Promise<void> {
    for (const place of places) {
      const run = this.#runs.get(partitionKey(place))
      run?.cancel()
      await run?.ended
      this.#failures.delete(partitionKey(place))
    }
  }

  async #run(task: PartitionTask, reason: unknown, run: Run): Promise<void> {
    const { open, stopped, retriesMax, logger } = this.#options
    const { place } = task
    const key = partitionKey(place)
    let isDropped = false
    let error = reason
    try {
      await task.close()
    } catch (failure) {
      error = failure
    }
    for (;;) {
      const failures = (this.#failures.get(key) ?? 0) + 1
      this.#failures.set(key, failures)
      if (failures > retriesMax || !mayRetry(error)) return stopped(place, error)
      if (failures > 1) {
        const dropped = () => {
          isDropped = true
        }
        await this.#pause(failures, run, dropped)
      }
      if (isDropped) return
      try {
        await open(place)
        return
      } catch (failure) {
        error = failure
        logger.warn({ ...place, err: error }, 'a partition could not be opened again')
      }
    }
  }

  async #pause(failures: number, run: Run, dropped: () => void): Promise<void> {
    const { clock } = this.#options
    const ms = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (failures - 2))
    await new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve)
      run.cancel = () => {
        cancel()
        dropped()
        resolve()
      }
    })
    run.cancel = () => undefined
  }
}

/** A store may be whole when it is opened anew; of the rest the code says. */
function mayRetry(error: unknown): boolean {
  if (!(error instanceof EuphorionError) || error.retriable) return true
  return error.code === 'FENCED' || error.code === 'STORE_FAILED'
}
