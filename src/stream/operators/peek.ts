// Has something done with each event on its way: a look, or a copy to other places. Made by
// EventStream.peek(), echo() and forward().
import type { EventPull, Pulled } from '../event_pull.ts'
import type { Event } from '../events.ts'
import { atEvent } from '../thrown.ts'

export class PeekPull<K, V> implements EventPull<K, V> {
  readonly #from: EventPull<K, V>
  readonly #look: (value: V, event: Event<K, V>) => unknown

  /** `look` is awaited. */
  constructor(from: EventPull<K, V>, look: (value: V, event: Event<K, V>) => unknown) {
    this.#from = from
    this.#look = look
  }

  async next(): Promise<Pulled<K, V>> {
    const next = await this.#from.next()
    if (next.done) return next
    const { event, claim } = next.value
    await atEvent(claim, () => this.#look(event.value, event))
    return next
  }

  keep(): void {
    this.#from.keep()
  }

  end(): void {
    this.#from.end()
  }
}
