// Partitions that go back to what their stores have, because a cut could not be made: what runs on
// them ends without a cut, and they are opened as if they had just been assigned. Each is tried a
// few times between two cuts. Called by the engine.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { AttemptFailed } from '../ingest/subscriber.ts'
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
  /** The signal aborts when the partition goes meanwhile. */
  readonly open: (place: TopicPartition, signal: AbortSignal) => Promise<void>
  /** The partition stays closed. */
  readonly stopped: (place: TopicPartition, error: unknown) => void
}

/** Before the second try; doubled with each. */
const PAUSE_MS = 500
const PAUSE_MS_MAX = 30_000

interface Run {
  readonly ended: Promise<void>
  readonly calledOff: AbortController
}

export class Reopener {
  readonly #options: ReopenerOptions
  readonly #runs = new Map<string, Run>()
  /** Since the partition's last cut. */
  readonly #failures = new Map<string, number>()

  constructor(options: ReopenerOptions) {
    this.#options = options
  }

  /** Each is opened once `quiet` has resolved: nothing runs on any of them. Never throws. */
  reopen(tasks: readonly PartitionTask[], reason: unknown, quiet: Promise<unknown>): void {
    for (const task of tasks) this.#options.remove(task)
    for (const task of tasks) {
      const key = partitionKey(task.place)
      const calledOff = new AbortController()
      const run: Run = {
        calledOff,
        ended: quiet
          .then(() => this.#run(task, reason, calledOff.signal))
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
    const keys = places.map(partitionKey)
    const reason = new EuphorionError('TABLE_MOVING', 'the partition was given up')
    for (const key of keys) this.#runs.get(key)?.calledOff.abort(reason)
    for (const key of keys) {
      await this.#runs.get(key)?.ended
      this.#failures.delete(key)
    }
  }

  async #run(task: PartitionTask, reason: unknown, signal: AbortSignal): Promise<void> {
    const { open, stopped, retriesMax, logger } = this.#options
    const { place } = task
    const key = partitionKey(place)
    let error = reason
    let isExpected = reason instanceof AttemptFailed
    try {
      await task.close()
    } catch (failure) {
      error = failure
    }
    for (;;) {
      const failures = (this.#failures.get(key) ?? 0) + (isExpected ? 0 : 1)
      isExpected = false
      this.#failures.set(key, failures)
      if (failures > retriesMax || !mayRetry(error)) return stopped(place, error)
      if (failures > 1) await this.#pause(failures, signal)
      if (signal.aborted) return
      try {
        await open(place, signal)
        return
      } catch (failure) {
        if (signal.aborted) return
        error = failure
        logger.warn({ ...place, err: error }, 'a partition could not be opened again')
      }
    }
  }

  async #pause(failures: number, signal: AbortSignal): Promise<void> {
    const ms = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (failures - 2))
    let end = (): void => undefined
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    const cancel = this.#options.clock.after(ms, end)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    await over
    cancel()
    signal.removeEventListener('abort', end)
  }
}

/** A store may be whole when it is opened anew; of the rest the code says. */
function mayRetry(error: unknown): boolean {
  if (!(error instanceof EuphorionError) || error.retriable) return true
  return error.code === 'FENCED' || error.code === 'STORE_FAILED'
}
