// The requests of a connection that have been written and not answered, oldest first, with one
// timer for all their deadlines. Owned by Connection.
import type { Clock } from '../clock.ts'
import type { AwaitedAnswer } from './answer_reader.ts'

/** A request on its way. */
export interface PendingRequest extends AwaitedAnswer {
  readonly name: string
  readonly timeoutMs: number
  /** What is written, header and all. */
  readonly pieces: readonly Uint8Array[]
  readonly complete: (body: Buffer) => void
  readonly reject: (error: unknown) => void
}

interface Entry {
  readonly request: PendingRequest
  /** On the monotonic clock; moved on by the time that we do not read. */
  deadlineMs: number
}

export class RequestQueue {
  readonly #clock: Clock
  readonly #late: (request: PendingRequest) => void
  readonly #entries: Entry[] = []
  /** Since when we do not read. */
  #pausedAtMs: number | undefined
  #watchedMs = Number.POSITIVE_INFINITY
  #cancelWatch: (() => void) | undefined

  /** `late` hears of a request whose answer did not come in time. */
  constructor(clock: Clock, late: (request: PendingRequest) => void) {
    this.#clock = clock
    this.#late = late
  }

  get length(): number {
    return this.#entries.length
  }

  get oldest(): PendingRequest | undefined {
    return this.#entries[0]?.request
  }

  /** Its time runs from now on. */
  push(request: PendingRequest): void {
    const deadlineMs = this.#clock.monotonic() + request.timeoutMs
    this.#entries.push({ request, deadlineMs })
    this.#watch(deadlineMs)
  }

  /** Takes the oldest out. */
  shift(): PendingRequest | undefined {
    return this.#entries.shift()?.request
  }

  /** We read no more: no answer is late until resume(). */
  pause(): void {
    this.#pausedAtMs ??= this.#clock.monotonic()
  }

  resume(): void {
    const pausedMs = this.#pausedMs()
    for (const entry of this.#entries) entry.deadlineMs += pausedMs
    this.#pausedAtMs = undefined
    this.#lookForLate()
  }

  /** Takes all out, and stops the timer. */
  clear(): PendingRequest[] {
    this.#cancelWatch?.()
    this.#cancelWatch = undefined
    this.#watchedMs = Number.POSITIVE_INFINITY
    return this.#entries.splice(0).map(({ request }) => request)
  }

  #pausedMs(): number {
    return this.#pausedAtMs === undefined ? 0 : this.#clock.monotonic() - this.#pausedAtMs
  }

  /** The timer is for the earliest deadline; an answer in time leaves it to find nothing late. */
  #watch(deadlineMs: number): void {
    if (deadlineMs >= this.#watchedMs) return
    this.#cancelWatch?.()
    this.#watchedMs = deadlineMs
    const waitMs = Math.max(0, deadlineMs - this.#clock.monotonic())
    this.#cancelWatch = this.#clock.after(waitMs, () => this.#lookForLate())
  }

  #lookForLate(): void {
    this.#cancelWatch?.()
    this.#watchedMs = Number.POSITIVE_INFINITY
    if (this.#pausedAtMs !== undefined) return
    const nowMs = this.#clock.monotonic()
    let nextMs = Number.POSITIVE_INFINITY
    for (const { request, deadlineMs } of this.#entries) {
      // Timers may be early by a fraction of a millisecond.
      if (deadlineMs <= nowMs + 1) {
        this.#late(request)
        return
      }
      nextMs = Math.min(nextMs, deadlineMs)
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#watch(nextMs)
  }
}
