// What an agent's function iterates over: values, whole events, or batches of them. The iterators
// are written by hand, one promise an event: an async generator would cost three.
import type { FieldMap } from '../record/fields.ts'
import type { BatchLimits } from './agent_records.ts'
import { type BatchOptions, batchLimits } from './batch_options.ts'
import type { NoFields } from './batch_types.ts'
import type { ColumnBatch } from './column_batch.ts'
import type { Event } from './events.ts'

/**
 * Where the iterators take from: one slot (running function) of one partition. Asking for the next
 * acknowledges the one before.
 */
export interface StreamSource<K, V> {
  takeValue(): Promise<IteratorResult<V, undefined>>
  takeEvent(): Promise<IteratorResult<Event<K, V>, undefined>>
  /** `holds`: what was taken before is not acknowledged by it, but by hold(). */
  takeBatch(
    limits: BatchLimits,
    holds: boolean,
  ): Promise<IteratorResult<ColumnBatch<K, V, FieldMap>, undefined>>
  /** What is below the offset is acknowledged; all that was taken, without one. */
  hold(offset?: number): void
  /** Aborted when nothing more is to be taken: the partition moves away, or has stopped. */
  readonly ending: AbortSignal
}

/**
 * The events of one partition, in order. Ends when the worker stops or the partition moves away.
 */
export class Stream<K, V, Fields extends FieldMap = NoFields> implements AsyncIterable<V> {
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

  /**
   * The same, many at once, as columns: what has been fetched, up to `maxRecords` and `maxBytes`.
   * A batch is acknowledged, with all of its events, when the loop asks for the next one. Throws
   * APP_INVALID for options out of bounds.
   */
  batches(options: BatchOptions = {}): AsyncIterableIterator<ColumnBatch<K, V, Fields>> {
    const source = this.#source
    const limits = batchLimits(options)
    return handMade(() => source.takeBatch(limits, false)) as AsyncIterableIterator<
      ColumnBatch<K, V, Fields>
    >
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
