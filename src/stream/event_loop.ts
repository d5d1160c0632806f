// The end of a chain of operators: what a loop of the user's iterates over. Made by EventStream.
import { EuphorionError } from '../errors.ts'
import { done, type EventPull } from './event_pull.ts'
import type { Event } from './events.ts'
import { Thrown } from './thrown.ts'

/** `pick`: what the loop gets of an event. */
export class EventLoop<K, V, T> implements AsyncIterableIterator<T> {
  readonly #pull: EventPull<K, V>
  readonly #pick: (event: Event<K, V>) => T
  #isAsked = false
  #hasEnded = false

  constructor(pull: EventPull<K, V>, pick: (event: Event<K, V>) => T) {
    this.#pull = pull
    this.#pick = pick
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#isAsked) throw askedTwice()
    if (this.#hasEnded) return done
    this.#isAsked = true
    try {
      const next = await this.#pull.next()
      if (!next.done) return { done: false, value: this.#pick(next.value.event) }
      this.#end()
      return done
    } catch (error) {
      const thrown = Thrown.unwrap(error)
      this.#end()
      throw thrown
    } finally {
      this.#isAsked = false
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#end()
    return done
  }

  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#pull.end()
  }
}

export function askedTwice(): EuphorionError {
  const message = 'next() of a stream was called again before it had answered'
  return new EuphorionError('APP_INVALID', message)
}
