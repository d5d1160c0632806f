// Many requests at once, their replies as they come. Used by Agent for map, kvmap, join and kvjoin.
import { type Deferred, deferred } from '../deferred.ts'
import { cancelledAsk } from './request.ts'

/** Requests of one call that are under way, and replies that were not taken: more wait. */
const UNDER_WAY_MAX = 1000

export interface MappedRequests<T, R> {
  readonly inputs: Iterable<T> | AsyncIterable<T>
  readonly ask: (input: T, signal: AbortSignal) => Promise<R>
  /** Resolves when one more may be asked. */
  readonly room: () => Promise<void>
  /** Ends all of it. */
  readonly signal: AbortSignal | undefined
}

/**
 * Results in the order in which they arrive; inputs are taken and asked meanwhile. The first that
 * fails is thrown and ends the rest, as leaving the loop does.
 */
export async function* arriving<T, R>(options: MappedRequests<T, R>): AsyncGenerator<R, void> {
  const requests = new Arriving(options)
  try {
    for (;;) {
      const next = await requests.next()
      if (next === undefined) return
      yield next.value
    }
  } finally {
    requests.end()
  }
}

class Arriving<T, R> {
  readonly #options: MappedRequests<T, R>
  readonly #arrived: R[] = []
  readonly #ending = new AbortController()
  readonly #abort = (): void => this.#fail(cancelledAsk(this.#options.signal?.reason))
  #underWay = 0
  #isRead = false
  #failure: { readonly error: unknown } | undefined
  #changed: Deferred<void> = deferred()

  constructor(options: MappedRequests<T, R>) {
    this.#options = options
    options.signal?.addEventListener('abort', this.#abort)
    if (options.signal?.aborted) this.#abort()
    void this.#pump().catch((error: unknown) => this.#fail(error))
  }

  /** Undefined: that was all. */
  async next(): Promise<{ readonly value: R } | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error
      if (this.#arrived.length > 0) {
        const value = this.#arrived.shift()!
        this.#wake()
        return { value }
      }
      if (this.#isRead && this.#underWay === 0) return undefined
      await this.#changed.promise
    }
  }

  /** What is under way is not wanted any more. */
  end(): void {
    this.#options.signal?.removeEventListener('abort', this.#abort)
    this.#ending.abort()
    this.#wake()
  }

  async #pump(): Promise<void> {
    const { inputs, room } = this.#options
    const { signal } = this.#ending
    for await (const input of inputs) {
      while (!this.#isOver && this.#underWay + this.#arrived.length >= UNDER_WAY_MAX)
        await this.#changed.promise
      if (!this.#isOver) await room()
      if (this.#isOver) return
      this.#ask(input, signal)
    }
    this.#isRead = true
    this.#wake()
  }

  get #isOver(): boolean {
    return this.#failure !== undefined || this.#ending.signal.aborted
  }

  #ask(input: T, signal: AbortSignal): void {
    this.#underWay++
    this.#options.ask(input, signal).then(
      (value) => {
        this.#underWay--
        this.#arrived.push(value)
        this.#wake()
      },
      (error: unknown) => this.#fail(error),
    )
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }

  #wake(): void {
    const changed = this.#changed
    this.#changed = deferred()
    changed.resolve()
  }
}
