// A stream over values that a program has or makes itself: an array, a generator. For tests and
// scripts.
import { type Clock, systemClock } from '../clock.ts'
import { done, type EventPull, held, noClaim, type Pulled } from './event_pull.ts'
import { EventStream } from './event_stream.ts'
import { Interruption } from './interruption.ts'
import { iteratorOf, leave, type Values } from './iterators.ts'
import type { StreamRoot } from './stream_root.ts'

export interface StreamOfOptions<K, V> {
  /** Key of a value. Default: null. */
  readonly key?: (value: V) => K
  /** Topic that the events name. Default 'iterable'. */
  readonly topic?: string
  readonly clock?: Clock
}

/**
 * A stream over any iterable: each loop begins its iteration anew, and ends it when it is left. The
 * events have partition -1, the numbers of the values as offsets, and the time at which they came.
 */
export function streamOf<V, K = null>(
  values: Values<V>,
  options: StreamOfOptions<K, V> = {},
): EventStream<K, V> {
  return new IterableStream(values, options)
}

class IterableStream<K, V> extends EventStream<K, V> {
  /** @internal */
  protected readonly root: StreamRoot
  readonly #values: Values<V>
  readonly #options: StreamOfOptions<K, V>
  readonly #interruption = new Interruption()

  constructor(values: Values<V>, options: StreamOfOptions<K, V>) {
    super()
    this.#values = values
    this.#options = options
    this.root = {
      clock: options.clock ?? systemClock,
      wantRaw: () => undefined,
      interrupt: (failure) => this.#interruption.set(failure),
    }
  }

  /** @internal */
  protected pull(): EventPull<K, V> {
    const { key = () => null as K, topic = 'iterable' } = this.#options
    const iterator = iteratorOf(this.#values)
    let offset = 0
    const take = async (): Promise<Pulled<K, V>> => {
      const next = await iterator.next()
      if (next.done) return done
      const { value } = next
      const timestamp = this.root.clock.now()
      const place = { topic, partition: -1, offset: offset++, timestamp, headers: [] }
      return held({ key: key(value), value, ...place }, noClaim)
    }
    return {
      next: () => this.#interruption.orElse(take),
      keep: () => undefined,
      end: () => leave(iterator),
    }
  }
}
