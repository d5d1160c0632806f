// The beginning of the operators on an agent's stream: takes its events from the agent's partition.
// Made by Stream.
import { done, type EventPull, held, noClaim, type Pulled } from './event_pull.ts'
import type { StreamSource } from './stream_source.ts'

export class SourcePull<K, V> implements EventPull<K, V> {
  readonly #source: StreamSource<K, V>

  constructor(source: StreamSource<K, V>) {
    this.#source = source
  }

  async next(): Promise<Pulled<K, V>> {
    const taken = await this.#source.takeEvent()
    return taken.done ? done : held(taken.value, noClaim)
  }

  keep(): void {}

  end(): void {}
}
