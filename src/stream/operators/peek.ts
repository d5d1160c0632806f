// Has something done with each event on its way: a look, or a copy to other places. Made by
// EventStream.peek(), echo() and forward().
import type { EventPull, Held, Pulled } from '../event_pull.ts'

export class PeekPull<K, V> implements EventPull<K, V> {
  readonly #from: EventPull<K, V>
  readonly #look: (event: Held<K, V>) => unknown

  /** `look` is awaited. */
  constructor(from: EventPull<K, V>, look: (event: Held<K, V>) => unknown) {
    this.#from = from
    this.#look = look
  }

  async next(): Promise<Pulled<K, V>> {
    const next = await this.#from.next()
    if (!next.done) await this.#look(next.value)
    return next
  }

  keep(): void {
    this.#from.keep()
  }

  end(): void {
    this.#from.end()
  }
}
