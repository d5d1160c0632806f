// What an agent's function iterates over: values, or whole events. The iterators are written by
// hand, one promise an event: an async generator would cost three.
import type { Event } from './events.ts'

/**
 * Where the iterators take from: one slot (running function) of one partition. Asking for the next
 * acknowledges the one before.
 */
export interface StreamSource<K, V> {
  takeValue(): Promise<IteratorResult<V, undefined>>
  takeEvent(): Promise<IteratorResult<Event<K, V>, undefined>>
}

/**
 * The events of one partition, in order. Ends when the worker stops or the partition moves away.
 */
export class Stream<K, V> implements AsyncIterable<V> {
  readonly topic: string
  readonly partition: number
  readonly #source: StreamSource<K, V>

  /** Made by the worker. */
  constructor(source: StreamSource<K, V>, topic: string, partition: number) {
    this.#source = source
    this.topic = topic
    this.partition = partition
  }

  /**
   * The values. Leaving the loop does not acknowledge the value in hand; the function's end does.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<V> {
    const source = this.#source
    return handMade(() => source.takeValue())
  }

  /** The same with key, headers, offset, partition, timestamp and topic. */
  events(): AsyncIterableIterator<Event<K, V>> {
    const source = this.#source
    return handMade(() => source.takeEvent())
  }
}

function handMade<T>(next: () => Promise<IteratorResult<T, undefined>>): AsyncIterableIterator<T> {
  const iterator: AsyncIterableIterator<T> = {
    next,
    return: () => Promise.resolve({ done: true, value: undefined }),
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}
