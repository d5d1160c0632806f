// A function called at the times of a cron expression, in a time zone. Made by app.crontab(), run
// by background.ts. croner computes times; waiting is on the app's clock.
import { Cron } from 'croner'
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'

export interface CrontabOptions {
  /** IANA name, 'Europe/Berlin'. Default: setting timezone. */
  readonly timezone?: string
  /** Only on the worker that leads; see app.onLeader(). Default false. */
  readonly onLeader?: boolean
}

export interface CrontabRun {
  readonly times: CronTimes
  readonly clock: Clock
  readonly run: (signal: AbortSignal) => unknown
  /** The function threw or rejected; the crontab goes on. */
  readonly onError: (error: unknown) => void
  /** So many times came while the call before still ran, and are left out. */
  readonly onSkipped: (count: number) => void
}

/** The time of the wall clock after `ms` that an expression names; both in ms since the epoch. */
export type CronTimes = (ms: number) => number | undefined

/** The wall clock may be set: it is looked at so often. */
const LOOK_MS = 3_600_000
/** Counted up to here. */
const SKIPPED_MAX = 1000

/**
 * Throws APP_INVALID. A time that the zone skips when its clocks go forward comes at the end of the
 * gap; one that it has twice comes once, the first time.
 */
export function cronTimes(name: string, expression: string, timezone = 'UTC'): CronTimes {
  try {
    const cron = new Cron(expression, { timezone })
    const times: CronTimes = (ms) => cron.nextRun(new Date(ms))?.getTime()
    if (times(0) === undefined) throw new Error('it names no time')
    return times
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const message = `crontab ${name}: '${expression}' in ${timezone}: ${why}`
    throw new EuphorionError('APP_INVALID', message, { cause })
  }
}

/** Never two calls at once: a call that lasts leaves out the times that it overruns. */
export class Crontab {
  readonly #options: CrontabRun
  readonly #ending = new AbortController()
  #cancel: (() => void) | undefined
  #running: Promise<void> | undefined

  constructor(options: CrontabRun) {
    this.#options = options
  }

  start(): void {
    this.#next(this.#options.clock.now())
  }

  /** Aborts the signal of the call under way and waits for its end. */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.#cancel?.()
    await this.#running
  }

  #next(after: number): void {
    const at = this.#options.times(after)
    if (at !== undefined) this.#wait(at)
  }

  #wait(at: number): void {
    const { clock } = this.#options
    const left = at - clock.now()
    if (left <= 0) {
      this.#running = this.#call(at)
      return
    }
    this.#cancel = clock.after(Math.min(left, LOOK_MS), () => this.#wait(at))
  }

  async #call(at: number): Promise<void> {
    const { clock, run, onError, onSkipped } = this.#options
    const { signal } = this.#ending
    try {
      await run(signal)
    } catch (error) {
      if (!signal.aborted) onError(error)
    }
    if (signal.aborted) return
    // a clock that was set back does not call twice
    const now = Math.max(at, clock.now())
    const skipped = this.#timesBetween(at, now)
    if (skipped > 0) onSkipped(skipped)
    this.#next(now)
  }

  #timesBetween(from: number, to: number): number {
    let count = 0
    for (let at = this.#options.times(from); at !== undefined && at <= to; count++) {
      if (count === SKIPPED_MAX) break
      at = this.#options.times(at)
    }
    return count
  }
}
