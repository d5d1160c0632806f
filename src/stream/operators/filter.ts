// Leaves out events: what is left out is acknowledged with the next question for one. Made by
// EventStream.filter().
import type { EventPull, Pulled } from '../event_pull.ts'
import type { Event } from '../events.ts'
import { atEvent } from '../thrown.ts'

export type Predicate<K, V> = (value: V, event: Event<K, V>) => boolean | Promise<boolean>

export class FilterPull<K, V> implements EventPull<K, V> {
  readonly #from: EventPull<K, V>
  readonly #predicate: Predicate<K, V>

  constructor(from: EventPull<K, V>, predicate: Predicate<K, V>) {
    this.#from = from
    this.#predicate = predicate
  }

  async next(): Promise<Pulled<K, V>> {
    for (;;) {
      const next = await this.#from.next()
      if (next.done) return next
      const { event, claim } = next.value
      const passes = atEvent(claim, () => this.#predicate(event.value, event))
      if (typeof passes === 'boolean' ? passes : await passes) return next
      claim.drop()
    }
  }

  keep(): void {
    this.#from.keep()
  }

  end(): void {
    this.#from.end()
  }
}
