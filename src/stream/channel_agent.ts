// An agent on a channel: its function runs once in each process, over what is sent while it does.
// Made by app.agent(); run by the worker.
import type { Clock } from '../clock.ts'
import type { RecordMetadata } from '../ingest/receipt.ts'
import type { Channel } from './channel.ts'
import type { EventPull } from './event_pull.ts'
import { EventStream } from './event_stream.ts'
import type { Message } from './message.ts'
import { Outputs, type Sink } from './sink.ts'
import type { StreamRoot } from './stream_root.ts'
import type { Subscriber } from './subscriber.ts'
import { SubscriberPull } from './subscriber_pull.ts'

export type ChannelFunction<K, V, R> = (
  stream: EventStream<K, V>,
) => Promise<void> | AsyncIterable<R>

export interface ChannelAgentOptions<R> {
  /** Default: the function's name, else the channel's. */
  readonly name?: string
  /** Where yielded values go. */
  readonly sink?: Sink<R> | readonly Sink<R>[]
}

export interface ChannelAgentServices {
  readonly clock: Clock
  /** The function threw, or a sink did; it begins again with the next event. */
  readonly onError: (error: unknown) => void
}

/** From a failure to the next run. */
const RESTART_MS = 1000

export class ChannelAgent<K, V, R> {
  readonly name: string
  readonly channel: Channel<K, V>
  readonly #run: ChannelFunction<K, V, R>
  readonly #sinks: readonly Sink<R>[]

  /** Made by app.agent(). */
  constructor(
    channel: Channel<K, V>,
    run: ChannelFunction<K, V, R>,
    { name, sink = [] }: ChannelAgentOptions<R>,
  ) {
    this.name = name ?? (run.name || channel.name)
    this.channel = channel
    this.#run = run
    this.#sinks = Array.isArray(sink) ? sink : [sink as Sink<R>]
  }

  /** Sends to its channel. */
  send(message: Message<K, V>): Promise<RecordMetadata> {
    return this.channel.send(message)
  }

  /** Reads from this moment on; resolves when the channel has ended, or the function returned. */
  async run(services: ChannelAgentServices): Promise<void> {
    const { subscriber, leave } = this.channel.subscribe()
    const { clock, onError } = services
    const stream = new SubscribedStream(subscriber, clock)
    for (let isOver = false; !isOver; ) {
      try {
        await this.#runOnce(stream)
        isOver = true
      } catch (error) {
        onError(error)
        isOver = subscriber.hasEnded || (await isEnding(subscriber, clock))
      }
    }
    leave()
  }

  async #runOnce(stream: EventStream<K, V>): Promise<void> {
    let failure: { readonly error: unknown } | undefined
    const outputs = new Outputs<R>(this.#sinks, (_, error) => {
      failure ??= { error }
    })
    const result = this.#run(stream)
    if (Symbol.asyncIterator in result) {
      for await (const value of result) {
        await outputs.put(value, 0)
        if (failure !== undefined) throw failure.error
      }
    } else await result
    await outputs.settled()
    if (failure !== undefined) throw failure.error
  }
}

/** Waits a while for it. */
async function isEnding(subscriber: Subscriber<unknown, unknown>, clock: Clock): Promise<boolean> {
  let cancel = (): void => undefined
  const waited = new Promise<void>((resolve) => {
    cancel = clock.after(RESTART_MS, resolve)
  })
  await Promise.race([waited, subscriber.ending])
  cancel()
  return subscriber.hasEnded
}

/** The events of one reader, also where one loop follows another. */
class SubscribedStream<K, V> extends EventStream<K, V> {
  /** @internal */
  protected readonly root: StreamRoot
  readonly #subscriber: Subscriber<K, V>

  constructor(subscriber: Subscriber<K, V>, clock: Clock) {
    super()
    this.#subscriber = subscriber
    this.root = {
      clock,
      wantRaw: () => undefined,
      interrupt: (failure) =>
        failure === undefined ? subscriber.close() : subscriber.fail(failure),
    }
  }

  /** @internal */
  protected pull(): EventPull<K, V> {
    return new SubscriberPull(this.#subscriber, () => undefined)
  }
}
