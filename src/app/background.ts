// What runs beside the streams while a worker does: timers, crontabs, tasks, and what only the
// leader runs. Made by the worker; begins once it is up.
import type { Logger } from '../logger.ts'
import type { Settings } from '../settings.ts'
import { Timer } from '../stream/timer.ts'
import type { App } from './app.ts'
import { contextOf, within } from './app_context.ts'
import type { TimerDefinition } from './background_declarations.ts'
import { Crontab, cronTimes } from './crontab.ts'
import { Leader } from './leader.ts'
import { Tasks } from './tasks.ts'

export interface BackgroundOptions {
  readonly app: App
  readonly logger: Logger
  readonly settings: Settings
  /** Timers and crontabs are called: not while a simulation waits for its end. */
  readonly mayTick: () => boolean
  /** The app cannot go on. */
  readonly fail: (error: unknown) => void
}

/** What the leader's tasks have to end in before another leads. */
const LEADER_END_MS = 5000
/** A timer that overruns again and again is told of so often. */
const TELL_MS = 10_000

export class Background {
  readonly leader: Leader
  readonly #options: BackgroundOptions
  readonly #tickers: (Timer | Crontab)[] = []
  readonly #tasks: Tasks
  #leading: Tasks | undefined
  #runs = false

  constructor(options: BackgroundOptions) {
    this.#options = options
    this.#tasks = new Tasks('a task', options)
    this.leader = new Leader(options.app.id, {
      gained: () => this.#lead(),
      leaving: () => this.#leave(),
    })
  }

  /** Throws APP_INVALID for a time zone that is none. */
  start(): void {
    const { app, settings } = this.#options
    const { timers, crontabs, tasks } = app.background
    for (const timer of timers) this.#tickers.push(this.#timer(timer))
    for (const { name, expression, timezone = settings.timezone, ...crontab } of crontabs) {
      const times = cronTimes(name, expression, timezone)
      const ticks = this.#ticks('crontab', { name, ...crontab })
      this.#tickers.push(new Crontab({ ...ticks, times, clock: app.clock }))
    }
    this.#runs = true
    for (const ticker of this.#tickers) ticker.start()
    for (const task of tasks) this.#tasks.start(task)
    if (this.leader.leads) this.#lead()
  }

  /** Aborts what runs, and waits for it. Never rejects. */
  async stop(): Promise<void> {
    this.#runs = false
    await Promise.all([
      ...this.#tickers.map((ticker) => ticker.stop()),
      this.#tasks.stop(),
      this.#leading?.stop(),
    ])
  }

  #lead(): void {
    if (!this.#runs) return
    const tasks = new Tasks("a leader's task", this.#options)
    this.#leading = tasks
    for (const task of this.#options.app.background.leaderTasks) tasks.start(task)
  }

  async #leave(): Promise<void> {
    const tasks = this.#leading
    this.#leading = undefined
    if (tasks === undefined) return
    const { app, logger } = this.#options
    const ended = await within(app.clock, LEADER_END_MS, tasks.stop())
    if (!ended) logger.warn({ ms: LEADER_END_MS }, "a leader's task did not end when it had to")
  }

  #timer(timer: TimerDefinition): Timer {
    const { clock } = this.#options.app
    return new Timer({ ...this.#ticks('timer', timer), everyMs: timer.everyMs, clock })
  }

  #ticks(kind: 'timer' | 'crontab', { name, run, onLeader }: Omit<TimerDefinition, 'everyMs'>) {
    const { app, logger, mayTick } = this.#options
    let untold = 0
    let toldMs = Number.NEGATIVE_INFINITY
    return {
      run: (signal: AbortSignal) => {
        if (!mayTick() || (onLeader === true && !this.leader.leads)) return undefined
        return run(contextOf(app, signal))
      },
      onError: (err: unknown) => logger.error({ [kind]: name, err }, `a ${kind} failed`),
      onSkipped: (count: number) => {
        untold += count
        const nowMs = app.clock.monotonic()
        if (nowMs - toldMs < TELL_MS) return
        logger.warn({ [kind]: name, skipped: untold }, `a ${kind} takes longer than its period`)
        untold = 0
        toldMs = nowMs
      },
    }
  }
}
