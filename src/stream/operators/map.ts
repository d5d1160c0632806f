// Makes another value of each one, in order and one at a time. Made by EventStream.map().
import { type EventPull, held, type Pulled, withValue } from '../event_pull.ts'
import type { Event } from '../events.ts'
import { atEvent } from '../thrown.ts'

export class MapPull<K, V, U> implements EventPull<K, U> {
  readonly #from: EventPull<K, V>
  readonly #change: (value: V, event: Event<K, V>) => U | Promise<U>

  constructor(from: EventPull<K, V>, change: (value: V, event: Event<K, V>) => U | Promise<U>) {
    this.#from = from
    this.#change = change
  }

  async next(): Promise<Pulled<K, U>> {
    const next = await this.#from.next()
    if (next.done) return next
    const { event, claim } = next.value
    const value = await atEvent(claim, () => this.#change(event.value, event))
    return held(withValue(event, value), claim)
  }

  keep(): void {
    this.#from.keep()
  }

  end(): void {
    this.#from.end()
  }
}
