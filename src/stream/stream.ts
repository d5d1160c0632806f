// What an agent's function iterates over: values, whole events, or batches of them. The iterators
// are written by hand, one promise an event: an async generator would cost three.

import { EuphorionError } from '../errors.ts'
import type { ColumnTypes } from '../kernel/user/column_types.ts'
import type { Kernel, NoParams } from '../kernel/user/kernel.ts'
import type { CodecLike } from '../record/codec.ts'
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
import {
  type AnyKeyFunction,
  type Derivation,
  type GroupByOptions,
  type GroupedStream,
  grouping,
  type KeyFunction,
  passage,
} from './repartition.ts'
import { SourcePull } from './source_pull.ts'
import type { StreamRoot } from './stream_root.ts'
import type { StreamSource } from './stream_source.ts'
import type { Topic } from './topic.ts'

/**
 * The events of one partition, in order. Ends when the worker stops or the partition moves away.
 */
export class Stream<K, V, Fields extends FieldMap = NoFields> extends EventStream<K, V> {
  readonly topic: string
  readonly partition: number
  readonly #source: StreamSource<K, V>
  /** It goes through another topic. */
  #isDerived = false
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

  /**
   * The same events by another key: a field of theirs, or what a function makes of each. Where the
   * topic is `keyedBy` that field it is this stream; else its records go through a topic of the
   * app's own, `{app}-{agent}-{topic}-{name}-repartition`, whose partitions the agent's function
   * reads here: it is called for those, too. Values, headers and times stay as they are; what gets
   * no key, or one of another type, is a bad record. Throws APP_INVALID for a field that is not
   * there, for a second groupBy or through of the stream, and with a concurrency of more than 1.
   */
  groupBy<Name extends keyof NonNullable<V> & string>(
    field: Name,
    options?: GroupByOptions<NonNullable<NonNullable<V>[Name]>>,
  ): Stream<NonNullable<NonNullable<V>[Name]>, V, Fields>
  groupBy<NewKey extends string>(
    name: string,
    key: KeyFunction<K, V, NewKey>,
    options?: GroupByOptions<NewKey>,
  ): Stream<NewKey, V, Fields>
  groupBy<NewKey>(
    name: string,
    key: KeyFunction<K, V, NewKey>,
    options: GroupByOptions<NewKey> & { readonly key: CodecLike<NewKey> },
  ): Stream<NewKey, V, Fields>
  groupBy(name: string, second?: object, third?: object): object {
    const isOf = typeof second === 'function'
    const key = isOf ? (second as AnyKeyFunction) : undefined
    const options = (isOf ? third : second) as GroupByOptions<never> | undefined
    const derivation = grouping(this.#grouped(), name, key, options ?? {})
    return derivation === undefined ? this : this.#derive(derivation)
  }

  /**
   * The same events, written to that topic with its types and read from there, by this app: what is
   * sent is what the stream gives. The agent's function is called for the topic's partitions, too.
   * Throws as groupBy().
   */
  through<K2, V2, Fields2 extends FieldMap>(
    topic: Topic<K2, V2, Fields2> & (V extends V2 ? (K extends K2 ? unknown : never) : never),
  ): Stream<K2, V2, Fields2> {
    const given = topic as unknown as Topic<never, never>
    return this.#derive(passage(this.#grouped(), given)) as unknown as Stream<K2, V2, Fields2>
  }

  #grouped(): GroupedStream {
    const { keyedBy, schema } = this.#source
    return { topic: this.topic, keyedBy, schema }
  }

  #derive(derivation: Derivation): Stream<unknown, unknown> {
    if (this.#isDerived) {
      const message = 'the stream goes through another topic already: group what that gives'
      throw new EuphorionError('APP_INVALID', message, { place: { topic: this.topic } })
    }
    const derived = this.#source.derive(derivation)
    this.#isDerived = true
    return derived
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

  /**
   * Acknowledges these events of noAck(), or all that were handed out so far, in any order: the
   * offset that counts is that of the first that is not. False: one of them is acknowledged
   * already, or this function has not taken it.
   */
  ack(events?: Event<unknown, unknown> | readonly Event<unknown, unknown>[]): boolean {
    if (events === undefined) return this.#source.ackHanded()
    let areAll = true
    for (const { topic, partition, offset } of [events].flat() as Event<unknown, unknown>[]) {
      const isOurs = topic === this.topic && partition === this.partition
      if (!isOurs || !this.#source.ack(offset)) areAll = false
    }
    return areAll
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
