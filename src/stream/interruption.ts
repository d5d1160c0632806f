// What throw() and stop() of a stream do to those who wait for its next event. Held by streams that
// are no agent's.
import { type Deferred, deferred } from '../deferred.ts'
import { done, type Pulled } from './event_pull.ts'

export class Interruption {
  /** Of each loop that waits. */
  readonly #waiting = new Set<Deferred<typeof done>>()
  #failure: { readonly error: unknown } | undefined
  #isStopped = false

  /** Without a failure the stream has ended; a failure goes to who waits, or asks next. */
  set(failure: { readonly error: unknown } | undefined): void {
    if (failure === undefined) this.#isStopped = true
    else if (this.#waiting.size === 0) this.#failure = failure
    for (const waiting of this.#waiting) {
      if (failure === undefined) waiting.resolve(done)
      else waiting.reject(failure.error)
    }
  }

  /** What `take` gives, unless an interruption comes first: then that is lost. */
  async orElse<K, V>(take: () => Promise<Pulled<K, V>>): Promise<Pulled<K, V>> {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure.error
    if (this.#isStopped) return done
    const waiting = deferred<typeof done>()
    this.#waiting.add(waiting)
    try {
      return await Promise.race([take(), waiting.promise])
    } finally {
      this.#waiting.delete(waiting)
    }
  }
}
