// One reader of a channel: its bounded queue, and those who wait for room in it. Made by Channel.
//
//   put() ──▶ room? ──yes──▶ queue, `capacity` at most ──▶ next()
//                └──no──▶ senders, first come first served ─┘
import { type Deferred, deferred } from '../deferred.ts'
import type { Event } from './events.ts'

interface Sender<K, V> {
  readonly event: Event<K, V>
  readonly sent: () => void
}

export class Subscriber<K, V> {
  readonly #capacity: number
  readonly #queue: Event<K, V>[] = []
  #senders: Sender<K, V>[] = []
  #wake: (() => void) | undefined
  #failure: { readonly error: unknown } | undefined
  readonly #ending: Deferred<void> = deferred()
  #hasEnded = false
  #isClosed = false

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Resolves with end(). */
  get ending(): Promise<void> {
    return this.#ending.promise
  }

  /** Resolves when there is room for it; nobody gets it where the loop has ended. */
  put(event: Event<K, V>): Promise<void> {
    if (this.#hasEnded) return Promise.resolve()
    if (this.#queue.length < this.#capacity && this.#senders.length === 0) {
      this.#queue.push(event)
      this.#wake?.()
      return Promise.resolve()
    }
    return new Promise((sent) => this.#senders.push({ event, sent }))
  }

  /** Undefined: nothing comes any more. Rejects with what interrupt() was given. */
  async next(): Promise<Event<K, V> | undefined> {
    for (;;) {
      const failure = this.#failure
      this.#failure = undefined
      if (failure !== undefined) throw failure.error
      if (this.#isClosed) return undefined
      const event = this.#queue.shift()
      if (event !== undefined) {
        this.#admit()
        return event
      }
      if (this.#hasEnded) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  /** What was taken and not handed out is the next to be taken. */
  giveBack(events: readonly Event<K, V>[]): void {
    this.#queue.unshift(...events)
  }

  /** Whoever waits for an event, or asks next, gets the error. */
  fail(failure: { readonly error: unknown }): void {
    this.#failure = failure
    this.#wake?.()
  }

  /** What has been sent still comes, then nothing. */
  end(): void {
    this.#hasEnded = true
    this.#ending.resolve()
    this.#wake?.()
  }

  /** Nothing comes any more; nobody waits for room. */
  close(): void {
    this.end()
    this.#isClosed = true
    this.#queue.length = 0
    for (const { sent } of this.#senders) sent()
    this.#senders = []
  }

  #admit(): void {
    while (this.#queue.length < this.#capacity) {
      const sender = this.#senders.shift()
      if (sender === undefined) return
      this.#queue.push(sender.event)
      sender.sent()
    }
  }
}
