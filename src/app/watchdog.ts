// Looks once a second whether everything that has records to work on gets on, and acts where it
// does not, one step after each `stallTimeoutMs`. What is looked at, and what the steps are, is
// said by watched_parts.ts. Called by the engine.
//
//   gets on ─▶ no progress for stallTimeoutMs ─▶ told, first remedy ─▶ … second ─▶ … last, repeated
//      ▲                                                                            │
//      └──────────────────── beyond where it stood ◀───────────────────────────────┘
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'

/** What is done about a part that stands still; the name is for the log. */
export interface Remedy {
  readonly name: string
  apply(error: EuphorionError): void
}

/** Something that works on records of a partition. Made anew for each look. */
export interface WatchedPart extends TopicPartition {
  /** The same at each look. */
  readonly name: string
  /** An offset, or a number of records: another one at each look, as long as it gets on. */
  readonly progress: number
  /** Records wait for it, as far as is known without asking. */
  readonly mayWait: boolean
  /** For the log. */
  facts(): object
  /** Asks whether records do wait; without it they do. */
  confirm?(): Promise<boolean>
  readonly remedies: readonly Remedy[]
}

export interface WatchdogOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly stallTimeoutMs: number
  readonly parts: Iterable<WatchedPart>
}

interface Watch {
  progress: number
  /** When it was last seen to get on, or to have nothing to do. */
  sinceMs: number
  /** Remedies so far. */
  steps: number
  /** Where it stood when the first of them was applied. */
  stoodAt: number
  seenMs: number
  /** When it was last asked whether records wait. */
  askedMs: number
}

const LOOK_MS = 1000
/** Looks within one time-out, where that is short, and where it is long. */
const LOOKS_MIN = 4
const LOOKS_MAX = 240
/** Within one time-out: records that have just come must not count as having waited. */
const ASKED_TIMES = 4

export class Watchdog {
  readonly #options: WatchdogOptions
  readonly #watches = new Map<string, Watch>()
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(options: WatchdogOptions) {
    this.#options = options
  }

  /** Until stop(). */
  start(): void {
    const { clock, stallTimeoutMs } = this.#options
    if (this.#stopped) return
    const often = Math.min(LOOK_MS, stallTimeoutMs / LOOKS_MIN)
    this.#cancel = clock.after(Math.max(often, stallTimeoutMs / LOOKS_MAX), () => {
      this.#look()
      this.start()
    })
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  /** ms that the part has not got on although records wait, and whether that is too long. */
  stateOf(place: TopicPartition, name: string): { idleMs: number; isStalled: boolean } {
    const watch = this.#watches.get(keyOf({ ...place, name }))
    if (watch === undefined) return { idleMs: 0, isStalled: false }
    const idleMs = Math.round(this.#options.clock.monotonic() - watch.sinceMs)
    return { idleMs, isStalled: watch.steps > 0 }
  }

  #look(): void {
    const { clock, parts, stallTimeoutMs } = this.#options
    const nowMs = clock.monotonic()
    for (const part of parts) this.#check(part, nowMs)
    // one that is opened again is away for a while, and is not to begin from the first step
    for (const [key, { seenMs }] of this.#watches)
      if (nowMs - seenMs > 2 * stallTimeoutMs) this.#watches.delete(key)
  }

  #check(part: WatchedPart, nowMs: number): void {
    const watch = this.#watchOf(part, nowMs)
    watch.seenMs = nowMs
    if (part.progress !== watch.progress || !part.mayWait) {
      watch.progress = part.progress
      watch.sinceMs = nowMs
      if (watch.steps > 0 && part.progress > watch.stoodAt) this.#tellRecovered(part, watch)
      return
    }
    const { stallTimeoutMs } = this.#options
    if (part.confirm === undefined) {
      if (nowMs - watch.sinceMs >= stallTimeoutMs) this.#act(part, watch)
    } else if (nowMs - Math.max(watch.sinceMs, watch.askedMs) >= stallTimeoutMs / ASKED_TIMES) {
      watch.askedMs = nowMs
      void this.#confirm(part, part.confirm(), watch)
    }
  }

  #watchOf(part: WatchedPart, nowMs: number): Watch {
    const key = keyOf(part)
    let watch = this.#watches.get(key)
    if (watch === undefined) {
      const { progress } = part
      watch = { progress, sinceMs: nowMs, steps: 0, stoodAt: 0, seenMs: nowMs, askedMs: nowMs }
      this.#watches.set(key, watch)
    }
    return watch
  }

  async #confirm(part: WatchedPart, asked: Promise<boolean>, watch: Watch): Promise<void> {
    const { sinceMs } = watch
    // a log that does not answer is no news of this partition
    const waits = await asked.catch(() => false)
    // it may have got on meanwhile
    if (this.#stopped || watch.sinceMs !== sinceMs) return
    const { clock, stallTimeoutMs } = this.#options
    const nowMs = clock.monotonic()
    if (!waits) watch.sinceMs = nowMs
    else if (nowMs - sinceMs >= stallTimeoutMs) this.#act(part, watch)
  }

  #act(part: WatchedPart, watch: Watch): void {
    const { clock, logger, stallTimeoutMs } = this.#options
    const { topic, partition, name, remedies, progress } = part
    const nowMs = clock.monotonic()
    const ms = Math.round(nowMs - watch.sinceMs) + watch.steps * stallTimeoutMs
    if (watch.steps === 0) watch.stoodAt = progress
    const remedy = remedies[Math.min(watch.steps, remedies.length - 1)]
    watch.steps++
    watch.sinceMs = nowMs
    const what = `${name} of ${topic}/${partition}`
    const message = `${what} has not got on for ${ms} ms although records wait`
    const place = { topic, partition, offset: progress }
    const facts = { topic, partition, part: name, at: progress, ms, ...part.facts() }
    logger.warn({ ...facts, remedy: remedy.name }, 'a partition makes no progress')
    remedy.apply(new EuphorionError('PARTITION_STALLED', message, { place }))
  }

  #tellRecovered(part: WatchedPart, watch: Watch): void {
    const { topic, partition, name, progress } = part
    watch.steps = 0
    const facts = { topic, partition, part: name, at: progress }
    this.#options.logger.info(facts, 'a partition gets on again')
  }
}

function keyOf({ topic, partition, name }: TopicPartition & { readonly name: string }): string {
  return `${topic}/${partition} ${name}`
}
