// A function called at a fixed rate while the app runs. Made by app.timer().
import type { Clock } from '../clock.ts'

export interface TimerOptions {
  readonly everyMs: number
  readonly clock: Clock
  readonly run: (signal: AbortSignal) => unknown
  /** The function threw or rejected; the timer goes on. */
  readonly onError: (error: unknown) => void
  /** So many ticks came while the call before still ran, and are left out. */
  readonly onSkipped?: (count: number) => void
}

/**
 * First call one period after start(), then at multiples of the period from there: a slow call does
 * not shift the later ones, it skips those that it overran. Never two calls at once.
 */
export class Timer {
  readonly #options: TimerOptions
  #startedAt = 0
  /** The last that was called. */
  #tick = 0
  #cancel: (() => void) | undefined
  #running: Promise<void> | undefined
  #stopping: AbortController | undefined

  constructor(options: TimerOptions) {
    this.#options = options
  }

  start(): void {
    this.#stopping = new AbortController()
    this.#startedAt = this.#options.clock.monotonic()
    this.#tick = 0
    this.#schedule()
  }

  /** Aborts the signal of the call under way and waits for its end. */
  async stop(): Promise<void> {
    this.#stopping?.abort()
    this.#cancel?.()
    this.#cancel = undefined
    await this.#running
  }

  #schedule(): void {
    const { clock, everyMs } = this.#options
    const elapsed = clock.monotonic() - this.#startedAt
    // Timers may fire a fraction of a millisecond early: that tick counts as done.
    const next = Math.floor((elapsed + 1) / everyMs) + 1
    const skipped = next - this.#tick - 1
    this.#tick = next
    if (skipped > 0) this.#options.onSkipped?.(skipped)
    this.#cancel = clock.after(Math.max(1, next * everyMs - elapsed), () => {
      this.#running = this.#call()
    })
  }

  async #call(): Promise<void> {
    const stopping = this.#stopping
    if (stopping === undefined || stopping.signal.aborted) return
    try {
      await this.#options.run(stopping.signal)
    } catch (error) {
      if (!stopping.signal.aborted) this.#options.onError(error)
    }
    if (!stopping.signal.aborted) this.#schedule()
  }
}
