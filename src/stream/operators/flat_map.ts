// Makes any number of values of each one: it is acknowledged when the last of them is, at once
// where there are none. Made by EventStream.flatMap().
import { type Claim, done, type EventPull, held, type Pulled, withValue } from '../event_pull.ts'
import type { Event } from '../events.ts'
import { iteratorOf, leave, type Values } from '../iterators.ts'
import { atEvent } from '../thrown.ts'

/** What is left of the values of one event. */
interface Rest<K, V, U> {
  readonly event: Event<K, V>
  readonly claim: SharedClaim
  readonly values: Iterator<U> | AsyncIterator<U>
}

export class FlatMapPull<K, V, U> implements EventPull<K, U> {
  readonly #from: EventPull<K, V>
  readonly #values: (value: V, event: Event<K, V>) => Values<U> | Promise<Values<U>>
  #rest: Rest<K, V, U> | undefined
  #hasEnded = false

  constructor(
    from: EventPull<K, V>,
    values: (value: V, event: Event<K, V>) => Values<U> | Promise<Values<U>>,
  ) {
    this.#from = from
    this.#values = values
  }

  async next(): Promise<Pulled<K, U>> {
    for (;;) {
      const rest = this.#rest ?? (await this.#open())
      if (rest === undefined) return done
      const { event, claim } = rest
      const { done: isLast, value } = await atEvent(claim.whole, async () => rest.values.next())
      if (this.#hasEnded) return done
      if (!isLast) return held(withValue(event, value), claim.part())
      this.#rest = undefined
      claim.close()
    }
  }

  async #open(): Promise<Rest<K, V, U> | undefined> {
    const next = await this.#from.next()
    if (next.done) return undefined
    const { event, claim } = next.value
    const values = await atEvent(claim, async () => {
      return iteratorOf(await this.#values(event.value, event))
    })
    if (this.#hasEnded) {
      leave(values)
      return undefined
    }
    this.#rest = { event, claim: new SharedClaim(claim), values }
    return this.#rest
  }

  keep(): void {
    this.#from.keep()
  }

  end(): void {
    this.#hasEnded = true
    if (this.#rest !== undefined) leave(this.#rest.values)
    this.#rest = undefined
    this.#from.end()
  }
}

/** One claim for many values: released when it is closed and all of its parts are released. */
class SharedClaim {
  readonly whole: Claim
  #left = 1
  #isEmpty = true
  #isInHand = false

  constructor(claim: Claim) {
    this.whole = claim
  }

  part(): Claim {
    this.#left++
    this.#isEmpty = false
    let isReleased = false
    const isInHand = (): boolean => this.#isInHand
    const release = (): void => {
      if (isReleased) return
      isReleased = true
      this.close()
    }
    return {
      get isInHand() {
        return isInHand()
      },
      paused: () => (this.#isInHand ? undefined : this.whole.paused()),
      hand: () => {
        this.#isInHand ||= this.whole.hand()
        return this.#isInHand
      },
      release,
      drop: release,
    }
  }

  /** No more parts come. */
  close(): void {
    this.#left--
    if (this.#left > 0) return
    if (this.#isEmpty) this.whole.drop()
    else this.whole.release()
  }
}
