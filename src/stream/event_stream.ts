// What agents' streams, channels' streams and streams over iterables have in common: the operators.
// Each one's way with events is a file of operators/; nothing is taken before a loop asks for it.
import type { Clock } from '../clock.ts'
import { EventLoop } from './event_loop.ts'
import type { EventPull } from './event_pull.ts'
import type { Event } from './events.ts'
import { FilterPull, type Predicate } from './operators/filter.ts'
import { FlatMapPull, type Values } from './operators/flat_map.ts'
import { MapPull } from './operators/map.ts'

/**
 * A stream of events. Asking for the next one acknowledges the one before; what an operator leaves
 * out is acknowledged, too. What the functions of operators throw is thrown in the loop.
 */
export abstract class EventStream<K, V> implements AsyncIterable<V> {
  /** @internal */
  protected abstract readonly clock: Clock

  /** @internal */
  protected abstract pull(): EventPull<K, V>

  /** The values. */
  [Symbol.asyncIterator](): AsyncIterableIterator<V> {
    return new EventLoop(this.pull(), ({ value }) => value)
  }

  /** The values with key, headers, offset, partition, timestamp and topic. */
  events(): AsyncIterableIterator<Event<K, V>> {
    return new EventLoop(this.pull(), (event) => event)
  }

  /** Pairs of key and value. */
  items(): AsyncIterableIterator<[K, V]> {
    return new EventLoop(this.pull(), ({ key, value }): [K, V] => [key, value])
  }

  /** Pairs of number and value, counted from `start` in each loop. */
  enumerate(start = 0): AsyncIterableIterator<[number, V]> {
    let number = start
    return new EventLoop(this.pull(), ({ value }): [number, V] => [number++, value])
  }

  /** Only what the predicate says yes to. A type guard narrows the type of the values. */
  filter<U extends V>(predicate: (value: V, event: Event<K, V>) => value is U): EventStream<K, U>
  filter(predicate: Predicate<K, V>): EventStream<K, V>
  filter(predicate: Predicate<K, V>): EventStream<K, V> {
    return this.#derive((pull) => new FilterPull(pull, predicate))
  }

  /** What the function, which may be async, makes of each value; one after the other. */
  map<U>(change: (value: V, event: Event<K, V>) => U | Promise<U>): EventStream<K, U> {
    return this.#derive((pull) => new MapPull(pull, change))
  }

  /**
   * Each of the values that the function makes of one: an array, any iterable, an async generator.
   * The event is acknowledged with the last of them.
   */
  flatMap<U>(
    values: (value: V, event: Event<K, V>) => Values<U> | Promise<Values<U>>,
  ): EventStream<K, U> {
    return this.#derive((pull) => new FlatMapPull(pull, values))
  }

  #derive<U>(pull: (from: EventPull<K, V>) => EventPull<K, U>): EventStream<K, U> {
    return new DerivedStream(this.clock, () => pull(this.pull()))
  }
}

/** A stream behind an operator. */
class DerivedStream<K, V> extends EventStream<K, V> {
  /** @internal */
  protected readonly clock: Clock
  readonly #pull: () => EventPull<K, V>

  constructor(clock: Clock, pull: () => EventPull<K, V>) {
    super()
    this.clock = clock
    this.#pull = pull
  }

  /** @internal */
  protected pull(): EventPull<K, V> {
    return this.#pull()
  }
}
