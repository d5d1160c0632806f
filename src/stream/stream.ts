// What an agent's function iterates over: values, whole events, or batches of them. The iterators
// are written by hand, one promise an event: an async generator would cost three.

import type { ColumnTypes } from '../kernel/user/column_types.ts'
import type { Kernel, NoParams } from '../kernel/user/kernel.ts'
import type { FieldMap } from '../record/fields.ts'
import { type BatchOptions, batchLimits } from './batch_options.ts'
import type { NoFields } from './batch_types.ts'
import type { ColumnBatch } from './column_batch.ts'
import type { EventPull } from './event_pull.ts'
import { DerivedStream, EventStream } from './event_stream.ts'
import type { Event } from './events.ts'
import {
  checkConcurrency,
  type FittingKernel,
  kernelRun,
  type MapBatchArguments,
} from './kernel_runs.ts'
import { type MappedBatch, MappedBatches } from './mapped_batches.ts'
import { SourcePull } from './source_pull.ts'
import type { StreamRoot } from './stream_root.ts'
import type { StreamSource } from './stream_source.ts'

/**
 * The events of one partition, in order. Ends when the worker stops or the partition moves away.
 */
export class Stream<K, V, Fields extends FieldMap = NoFields> extends EventStream<K, V> {
  readonly topic: string
  readonly partition: number
  readonly #source: StreamSource<K, V>
  /** @internal */
  protected readonly root: StreamRoot

  /** Made by the worker. */
  constructor(source: StreamSource<K, V>, topic: string, partition: number) {
    super()
    this.#source = source
    this.root = {
      clock: source.clock,
      wantRaw: () => source.keepRaw(),
      interrupt: (failure) => source.interrupt(failure),
    }
    this.topic = topic
    this.partition = partition
  }

  /** @internal */
  get source(): StreamSource<K, V> {
    return this.#source
  }

  /**
   * The values. Leaving the loop does not acknowledge the value in hand; the function's end does.
   */
  override [Symbol.asyncIterator](): AsyncIterableIterator<V> {
    const source = this.#source
    return handMade(() => source.takeValue())
  }

  /** The same with key, headers, offset, partition, timestamp and topic. */
  override events(): AsyncIterableIterator<Event<K, V>> {
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
    return handMade(() => source.takeBatch(limits)) as unknown as AsyncIterableIterator<
      ColumnBatch<K, V, Fields>
    >
  }

  /**
   * Batches, each with what the kernel makes of its columns, in order. The kernel is given the
   * columns that it declares, by their names. While it runs the next batch is made ready, and the
   * loop's body has the one before. What a run rejects with is thrown in the loop. Throws
   * APP_INVALID for a kernel whose columns the batches do not have.
   */
  mapBatch<In extends ColumnTypes, Out, Params extends ColumnTypes = NoParams>(
    kernel: Kernel<In, Out, Params> & FittingKernel<Fields, In>,
    ...[options]: MapBatchArguments<Params>
  ): AsyncIterableIterator<MappedBatch<ColumnBatch<K, V, Fields>, Out>> {
    const { maxRecords, maxBytes, concurrency = 1, ...rest } = options ?? {}
    checkConcurrency(concurrency)
    const source = this.#source
    const mapped = new MappedBatches({
      source,
      limits: batchLimits({ maxRecords, maxBytes }),
      concurrency,
      run: kernelRun(kernel, source.shape, rest),
    })
    return mapped as unknown as AsyncIterableIterator<MappedBatch<ColumnBatch<K, V, Fields>, Out>>
  }

  /**
   * The same events, which asking for the next one does not acknowledge: only ack() does, in any
   * order, also after the loop. What operators behind it leave out is acknowledged. While setting
   * unackedMax of them wait for it, no more come.
   */
  noAck(): EventStream<K, V> {
    return new DerivedStream(this.root, () => new SourcePull(this.#source, true))
  }

  /** Acknowledges an event of noAck(). False: it is already, or this function has not taken it. */
  ack({ offset }: Event<unknown, unknown>): boolean {
    return this.#source.ack(offset)
  }

  /** @internal */
  protected pull(): EventPull<K, V> {
    return new SourcePull(this.#source)
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
