// What agents' streams, channels' streams and streams over iterables have in common: the operators.
// Each one's way with events is a file of operators/; nothing is taken before a loop asks for it.
import { EventLoop } from './event_loop.ts'
import type { EventPull } from './event_pull.ts'
import type { Event } from './events.ts'
import { HandingPull } from './handing_pull.ts'
import type { Values } from './iterators.ts'
import { BRANCH_EVENTS, Branches } from './operators/branch.ts'
import { BufferedEvents, checkBound } from './operators/buffer.ts'
import { echoTo } from './operators/echo.ts'
import { FilterPull, type Predicate } from './operators/filter.ts'
import { FlatMapPull } from './operators/flat_map.ts'
import { type EventTarget, forwardTo, type RawTarget } from './operators/forward.ts'
import { MapPull } from './operators/map.ts'
import { MergedEvents } from './operators/merge.ts'
import { PeekPull } from './operators/peek.ts'
import { TakeLoop, type TakeOptions } from './operators/take.ts'
import { type Timestamped, timestamped } from './operators/take_with_timestamp.ts'
import type { Target } from './operators/target.ts'
import { drainTo } from './operators/to.ts'
import { rootOfAll, type StreamRoot } from './stream_root.ts'

/**
 * A stream of events. Asking for the next one acknowledges the one before; what an operator leaves
 * out is acknowledged, too. What the functions of operators throw is thrown in the loop.
 */
export abstract class EventStream<K, V> implements AsyncIterable<V> {
  /** @internal */
  protected abstract readonly root: StreamRoot

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

  /** Has something done with each event: the function is awaited, its answer has no meaning. */
  peek(look: (value: V, event: Event<K, V>) => unknown): EventStream<K, V> {
    return this.#derive((pull) => new PeekPull(pull, look))
  }

  /**
   * Sends each event, with key, timestamp and headers, to all targets at once, and goes on with it
   * when they have it.
   */
  echo(...targets: readonly Target<K, V>[]): EventStream<K, V> {
    return this.#derive((pull) => new PeekPull(pull, (_, event) => echoTo(targets, event)))
  }

  /**
   * Sends the record of each event to all topics as it was, byte for byte, whatever operators have
   * made of its value, and the event to channels; goes on when all have it. Throws APP_INVALID in
   * the loop where a topic is to get an event that is no record of a log.
   */
  forward(...targets: readonly (RawTarget | EventTarget<K, V>)[]): EventStream<K, V> {
    return this.#derive((pull) => {
      this.root.wantRaw()
      return new PeekPull(pull, (_, event) => forwardTo(targets, event))
    })
  }

  /**
   * Takes up to `max` events (1 to 100,000) before they are asked for: the functions of operators
   * in front of it run while the loop's body does. What waits here is not in hand, and comes again
   * when the loop is left.
   */
  buffer(max: number): EventStream<K, V> {
    checkBound('buffer', max)
    return this.#derive((pull) => new HandingPull(new BufferedEvents(pull, max)))
  }

  /**
   * The events of this and other streams, in the order in which they come. Ends when all have
   * ended, and with the error of the first that fails.
   */
  merge<S extends readonly EventStream<unknown, unknown>[]>(
    ...others: S
  ): EventStream<K | KeyOf<S[number]>, V | ValueOf<S[number]>> {
    type Merged = EventStream<K | KeyOf<S[number]>, V | ValueOf<S[number]>>
    const streams = [this, ...others] as unknown as readonly Merged[]
    return new DerivedStream(rootOfAll(streams.map(({ root }) => root)), () => {
      return new HandingPull(new MergedEvents(streams.map((stream) => stream.pull())))
    })
  }

  /**
   * As many streams as predicates: an event goes to the first that says yes to it, and is
   * acknowledged where none does. All of them have to be looped over at the same time, each once:
   * where 100 events wait for one loop, the others wait for it too. Where one is left, all end.
   */
  branch<const P extends readonly Predicate<K, V>[]>(...predicates: P): Branched<K, V, P> {
    const branches = new Branches(() => this.pull(), predicates, BRANCH_EVENTS)
    const streams = predicates.map(
      (_, branch) => new DerivedStream(this.root, () => branches.pull(branch)),
    )
    return streams as unknown as Branched<K, V, P>
  }

  /**
   * Lists of up to `max` values. A list is acknowledged, with all of its events, when the loop asks
   * for the next one. Throws APP_INVALID for numbers out of bounds.
   */
  take(max: number, options: TakeOptions = {}): AsyncIterableIterator<V[]> {
    return this.#take(max, options, ({ value }) => value)
  }

  /** The same, of events. */
  takeEvents(max: number, options: TakeOptions = {}): AsyncIterableIterator<Event<K, V>[]> {
    return this.#take(max, options, (event) => event)
  }

  /** The same, of values that have the time of their event in `field`, where they are objects. */
  takeWithTimestamp<const Field extends string>(
    max: number,
    { field, ...options }: TakeOptions & { readonly field: Field },
  ): AsyncIterableIterator<Timestamped<V, Field>[]> {
    return this.#take(max, options, (event) => timestamped(event, field))
  }

  /**
   * Sends each event, with key, timestamp and headers, to a topic, channel or agent, or to a
   * function, which is awaited. An event is acknowledged when what was sent is stored. Resolves
   * when the stream has ended; rejects with what sending rejects with.
   */
  to(target: Target<K, V>): Promise<void> {
    return drainTo(this.pull(), target)
  }

  /** What waits for the next event of the chain that this is of gets the error thrown. */
  throw(error: unknown): void {
    this.root.interrupt({ error })
  }

  /** Ends all loops over the chain that this is of. */
  stop(): void {
    this.root.interrupt(undefined)
  }

  #take<T>(
    max: number,
    options: TakeOptions,
    pick: (event: Event<K, V>) => T,
  ): AsyncIterableIterator<T[]> {
    return new TakeLoop(this.pull(), this.root.clock, max, options, pick)
  }

  #derive<U>(pull: (from: EventPull<K, V>) => EventPull<K, U>): EventStream<K, U> {
    return new DerivedStream(this.root, () => pull(this.pull()))
  }
}

type KeyOf<S> = S extends EventStream<infer K, unknown> ? K : never
type ValueOf<S> = S extends EventStream<unknown, infer V> ? V : never

/** A stream for each predicate; type guards narrow. */
type Branched<K, V, P extends readonly unknown[]> = {
  readonly [Index in keyof P]: EventStream<K, Guarded<V, P[Index]>>
}

type Guard<V, U extends V> = (value: V, ...more: never) => value is U
type Guarded<V, P> = P extends Guard<V, infer U> ? U : V

/** A stream that begins elsewhere: behind an operator. */
export class DerivedStream<K, V> extends EventStream<K, V> {
  /** @internal */
  protected readonly root: StreamRoot
  readonly #pull: () => EventPull<K, V>

  constructor(root: StreamRoot, pull: () => EventPull<K, V>) {
    super()
    this.root = root
    this.#pull = pull
  }

  /** @internal */
  protected pull(): EventPull<K, V> {
    return this.#pull()
  }
}
