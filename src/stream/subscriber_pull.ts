// The beginning of the operators on a channel: takes from one reader's queue. Made by Channel.
import { type Claim, done, type EventPull, held, noClaim, type Pulled } from './event_pull.ts'
import type { Event } from './events.ts'
import type { Subscriber } from './subscriber.ts'

export class SubscriberPull<K, V> implements EventPull<K, V> {
  readonly #subscriber: Subscriber<K, V>
  readonly #left: () => void
  /** Neither handed out nor acknowledged. */
  readonly #kept = new Set<Event<K, V>>()
  #isKeeping = false
  #hasEnded = false

  /** `left`: the loop has ended. */
  constructor(subscriber: Subscriber<K, V>, left: () => void) {
    this.#subscriber = subscriber
    this.#left = left
  }

  async next(): Promise<Pulled<K, V>> {
    const event = this.#hasEnded ? undefined : await this.#subscriber.next()
    if (event === undefined) return done
    if (this.#hasEnded) {
      this.#subscriber.giveBack([event])
      return done
    }
    if (!this.#isKeeping) return held(event, noClaim)
    this.#kept.add(event)
    return held(event, this.#claim(event))
  }

  keep(): void {
    this.#isKeeping = true
  }

  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#subscriber.giveBack([...this.#kept])
    this.#kept.clear()
    this.#left()
  }

  #claim(event: Event<K, V>): Claim {
    return {
      isInHand: false,
      paused: () => undefined,
      hand: () => this.#kept.delete(event),
      release: () => void this.#kept.delete(event),
      drop: () => void this.#kept.delete(event),
    }
  }
}
