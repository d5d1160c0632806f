// A topic in memory: what is sent goes to all loops that there are at that moment. Made by
// app.channel(); a source of agents, a sink, a target of operators.

import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { RecordMetadata } from '../ingest/receipt.ts'
import type { CodecLike } from '../record/codec.ts'
import type { EventPull } from './event_pull.ts'
import { EventStream } from './event_stream.ts'
import type { Event } from './events.ts'
import { headersOf, type Message } from './message.ts'
import type { StreamRoot } from './stream_root.ts'
import { Subscriber } from './subscriber.ts'
import { SubscriberPull } from './subscriber_pull.ts'

export interface ChannelOptions<K, V> {
  /** Type of keys: for the compiler, nothing is encoded. */
  readonly key?: CodecLike<K>
  /** Type of values: for the compiler, nothing is encoded. */
  readonly value?: CodecLike<V>
  /** Events that wait for each loop, 1 to 1,000,000. Default: setting channelCapacity. */
  readonly capacity?: number
}

export interface ChannelPort {
  readonly clock: () => Clock
  /** Where none is given. */
  readonly capacity: () => number
}

const CAPACITY_MAX = 1_000_000

/**
 * In memory only: nothing is kept for loops that begin later, nor over a restart. Each loop has a
 * queue of its own; who sends waits until all of them have room, so a loop must not wait for a
 * send to its own channel. Events have partition and offset -1.
 */
export class Channel<K, V> extends EventStream<K, V> {
  readonly name: string
  /** @internal */
  protected readonly root: StreamRoot
  readonly #port: ChannelPort
  readonly #capacity: number | undefined
  readonly #subscribers = new Set<Subscriber<K, V>>()

  /** Made by app.channel(). Throws APP_INVALID. */
  constructor(name: string, { capacity }: ChannelOptions<K, V>, port: ChannelPort) {
    super()
    this.name = name
    this.#capacity = capacity
    this.#port = port
    if (capacity !== undefined) checkCapacity(name, capacity)
    const subscribers = this.#subscribers
    this.root = {
      get clock() {
        return port.clock()
      },
      wantRaw: () => undefined,
      interrupt(failure) {
        for (const each of subscribers) failure === undefined ? each.close() : each.fail(failure)
      },
    }
  }

  /** Loops that there are. */
  get subscribers(): number {
    return this.#subscribers.size
  }

  /** The operators; the same as those of the channel itself. */
  stream(): EventStream<K, V> {
    return this
  }

  /** Resolves when all loops have it or have room for it; rejects with RECORD_INVALID. */
  async send(message: Message<K, V>): Promise<RecordMetadata> {
    const { key = null, value, headers } = message
    const timestamp = message.timestamp ?? this.#port.clock().now()
    const place = { topic: this.name, partition: -1, offset: -1 }
    await this.put({
      key: key as K,
      value,
      ...place,
      timestamp,
      headers: headers === undefined ? [] : headersOf(headers, this.name),
    })
    return { ...place, timestamp }
  }

  /** The same for an event, whose place and time stay what they are. */
  async put(event: Event<K, V>): Promise<void> {
    if (this.#subscribers.size === 0) return
    await Promise.all([...this.#subscribers].map((each) => each.put(event)))
  }

  /** All loops end when they have what has been sent. */
  end(): void {
    for (const each of this.#subscribers) each.end()
  }

  /**
   * A reader that is there from now on, for loops one after the other; `leave` ends it.
   *
   * @internal
   */
  subscribe(): { readonly subscriber: Subscriber<K, V>; readonly leave: () => void } {
    const subscriber = new Subscriber<K, V>(this.#capacity ?? this.#port.capacity())
    this.#subscribers.add(subscriber)
    const leave = (): void => {
      this.#subscribers.delete(subscriber)
      subscriber.close()
    }
    return { subscriber, leave }
  }

  /** @internal */
  protected pull(): EventPull<K, V> {
    const { subscriber, leave } = this.subscribe()
    return new SubscriberPull(subscriber, leave)
  }
}

function checkCapacity(name: string, capacity: number): void {
  if (Number.isInteger(capacity) && capacity >= 1 && capacity <= CAPACITY_MAX) return
  const range = `a whole number from 1 to ${CAPACITY_MAX}`
  throw new EuphorionError('APP_INVALID', `channel ${name}: capacity ${capacity}: it is ${range}`)
}
