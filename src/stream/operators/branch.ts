// One stream as several, by predicates: an event goes to the first that says yes, to none else.
// Made by EventStream.branch().
//
//                    ┌─▶ queue 0 ──▶ its loop
//   upstream ──▶ ? ──┼─▶ queue 1 ──▶ its loop      a full queue holds all of them back
//                    └─▶ nobody's: acknowledged

import { type Deferred, deferred } from '../../deferred.ts'
import { EuphorionError } from '../../errors.ts'
import { done, type EventPull, type Held, type Pulled } from '../event_pull.ts'
import { HandingPull } from '../handing_pull.ts'
import { atEvent } from '../thrown.ts'
import { checkBound } from './buffer.ts'
import type { Predicate } from './filter.ts'

/** Events of one branch that wait for its loop. */
export const BRANCH_EVENTS = 100

export class Branches<K, V> {
  readonly #open: () => EventPull<K, V>
  readonly #predicates: readonly Predicate<K, V>[]
  readonly #max: number
  readonly #queues: Held<K, V>[][]
  readonly #begun = new Set<number>()
  readonly #ended = new Set<number>()
  #from: EventPull<K, V> | undefined
  #isTaking = false
  #hasEnded = false
  #failure: { readonly error: unknown } | undefined
  /** Settled, and made anew, when a queue has got something or has room again. */
  #changed: Deferred<void> = deferred()

  /** Throws APP_INVALID. */
  constructor(open: () => EventPull<K, V>, predicates: readonly Predicate<K, V>[], max: number) {
    this.#open = open
    this.#predicates = predicates
    this.#max = checkBound('branch', max)
    this.#queues = predicates.map(() => [])
  }

  /** Throws APP_INVALID for the second loop over a branch. */
  pull(branch: number): EventPull<K, V> {
    if (this.#begun.has(branch)) {
      throw new EuphorionError('APP_INVALID', 'a branch of a stream is looped over only once')
    }
    this.#begun.add(branch)
    let isRead = false
    return new HandingPull({
      next: async () => {
        const next = await this.#next(branch)
        isRead = next.done === true
        return next
      },
      // what the stream's end left to the others is still theirs
      end: () => {
        this.#ended.add(branch)
        if (!isRead || this.#ended.size === this.#queues.length) this.#end()
      },
    })
  }

  async #next(branch: number): Promise<Pulled<K, V>> {
    const queue = this.#queues[branch]
    while (queue.length === 0 && !this.#hasEnded) {
      const { promise } = this.#changed
      void this.#take()
      await promise
    }
    const first = queue.shift()
    this.#change()
    if (first !== undefined) return { done: false, value: first }
    if (this.#failure !== undefined) throw this.#failure.error
    return done
  }

  /** One event, to its branch; waits there for room. */
  async #take(): Promise<void> {
    if (this.#isTaking) return
    this.#isTaking = true
    try {
      await this.#takeOne()
    } catch (error) {
      this.#hasEnded = true
      this.#failure ??= { error }
    }
    this.#isTaking = false
    this.#change()
  }

  async #takeOne(): Promise<void> {
    if (this.#from === undefined) {
      this.#from = this.#open()
      this.#from.keep()
    }
    const next = await this.#from.next()
    if (this.#hasEnded) return
    if (next.done) {
      this.#hasEnded = true
      return
    }
    const { event, claim } = next.value
    for (const [index, predicate] of this.#predicates.entries()) {
      if (!(await atEvent(claim, () => predicate(event.value, event)))) continue
      const queue = this.#queues[index]
      while (queue.length >= this.#max && !this.#hasEnded) await this.#changed.promise
      if (!this.#hasEnded) queue.push(next.value)
      return
    }
    claim.drop()
  }

  #change(): void {
    this.#changed.resolve()
    this.#changed = deferred()
  }

  /** One loop was left: it ends the others, whose events come again with its own. */
  #end(): void {
    this.#hasEnded = true
    for (const queue of this.#queues) queue.length = 0
    this.#from?.end()
    this.#change()
  }
}
