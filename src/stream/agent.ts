// An agent: a function of the user's that runs once per assigned partition of a topic, and what is
// said to it: cast, ask, map, join. Made by app.agent(); the ingest loop opens its partitions.

import { EuphorionError } from '../errors.ts'
import type { RecordMetadata } from '../ingest/receipt.ts'
import type { EventSubscriber } from '../ingest/subscriber.ts'
import type { CodecLike } from '../record/codec.ts'
import { parseDuration } from '../units.ts'
import type { AgentDefinition, AgentFunction, AgentServices } from './agent_definition.ts'
import { type AgentPort, runningAgent } from './agent_port.ts'
import { AgentCounters, type AgentStatistics } from './agent_statistics.ts'
import { agentSubscriber } from './agent_subscriber.ts'
import type { Message } from './message.ts'
import { sinksOfNothing } from './replies.ts'
import { type ReplyValue, replyValue, takeReply } from './reply_value.ts'
import type {
  AgentMessage,
  AskLimits,
  AskOptions,
  AskPort,
  CastOptions,
  KeyedMapOptions,
  MapOptions,
} from './request.ts'
import { arriving } from './request_map.ts'
import { type Requester, requesterOf } from './requester.ts'
import type { Sink } from './sink.ts'
import { checkSupervision, type SupervisionOptions } from './supervision.ts'
import type { Topic } from './topic.ts'
import { TopicSet } from './topic_set.ts'

export interface AgentOptions<R, K = unknown, V = unknown> extends SupervisionOptions<K, V> {
  /** Default: the function's name, else the topic's. */
  readonly name?: string
  /** Where yielded values go, each to all of them in their order; for agents that yield. */
  readonly sink?: [R] extends [never] ? never : Sink<R> | readonly Sink<R>[]
  /** Functions that share a partition; more than one gives up the order. Default 1. */
  readonly concurrency?: number
  /** Type of the yielded values, where they are replies. Default json(). */
  readonly reply?: CodecLike<R>
  /**
   * Requests say in headers where their reply goes; false: around the value, for agents of Faust
   * with use_reply_headers=False. Who asks that way waits for the time-out where the agent fails.
   * Default true.
   */
  readonly replyHeaders?: boolean
}

const CONCURRENCY_MAX = 1000

/** What an agent whose function is no generator is asked as. */
interface AgentThatYields {
  readonly yields: true
}

type Asked<R, A> = [R] extends [never] ? AgentThatYields : A

export class Agent<K, V, R = never> {
  readonly definition: AgentDefinition<K, V, R>
  readonly #topic: Topic<K, V>
  readonly #requester: Requester<K, V>
  readonly #reply: ReplyValue<R>
  readonly #port: AskPort
  /** @internal */
  running: AgentPort | undefined

  /** Made by app.agent(). */
  constructor(
    definition: AgentDefinition<K, V, R>,
    topic: Topic<K, V>,
    { reply, replyHeaders = true }: Pick<AgentOptions<R>, 'reply' | 'replyHeaders'>,
    port: AskPort,
  ) {
    this.definition = definition
    this.#topic = topic
    this.#requester = requesterOf(topic, replyHeaders)
    this.#reply = replyValue(reply)
    this.#port = port
  }

  get name(): string {
    return this.definition.name
  }

  /** What became of events that it has failed on in this process. */
  get statistics(): AgentStatistics {
    return { ...(this.definition.counters ?? new AgentCounters()) }
  }

  /** Sends a value to the agent, as topic.send(): resolves once it is stored. */
  cast(value: V, options: CastOptions<K> = {}): Promise<RecordMetadata> {
    return this.#topic.send({ ...options, value })
  }

  /**
   * The same of a whole message. With `replyTo` and `correlationId` every value that the agent
   * yields for it goes to that topic. Rejects with APP_INVALID for one without the other.
   */
  send(message: AgentMessage<K, V>): Promise<RecordMetadata> {
    const { replyTo, correlationId, ...rest } = message
    const sent: Message<K, V> = rest
    if (replyTo === undefined && correlationId === undefined) return this.#topic.send(sent)
    if (!replyTo || !correlationId) {
      const message = `a request to agent ${this.name} needs both replyTo and correlationId`
      return Promise.reject(new EuphorionError('APP_INVALID', message))
    }
    const topic = typeof replyTo === 'string' ? replyTo : replyTo.name
    return this.#requester.send(sent, { replyTo: topic, correlationId }, false)
  }

  /**
   * Sends a value, and resolves with the first that the agent yields for it. Begins the app's
   * client where the app does not run. Rejects with ASK_TIMEOUT, ASK_CANCELLED (the signal, or
   * stop()), ASK_FAILED (the agent failed on it, or went on without a value), ASK_QUEUE_FULL,
   * RECORD_INVALID for a value that does not fit, and APP_INVALID for an agent that does not yield.
   * The request is stored at once, also under exactly_once; the reply counts with its cut.
   */
  ask(this: Asked<R, Agent<K, V, R>>, value: V, options?: AskOptions<K>): Promise<R>
  ask(value: V, options: AskOptions<K> = {}): Promise<R> {
    const { timeout, signal, ...rest } = options
    return this.#ask({ ...rest, value }, { timeout, signal })
  }

  /**
   * Asks for each value, and gives the results as they arrive; values are taken and sent meanwhile,
   * up to 1,000 ahead of the results that the loop has taken. The first that fails is thrown in the
   * loop; leaving it ends the rest.
   */
  map(
    this: Asked<R, Agent<K, V, R>>,
    values: Iterable<V> | AsyncIterable<V>,
    options?: MapOptions<K>,
  ): AsyncIterableIterator<R>
  map(values: Iterable<V> | AsyncIterable<V>, options: MapOptions<K> = {}) {
    const { key } = options
    return this.#map(values, (value) => ({ value, key }), options)
  }

  /** The same of pairs of a key and a value. */
  kvmap(
    this: Asked<R, Agent<K, V, R>>,
    pairs: Iterable<readonly [K, V]> | AsyncIterable<readonly [K, V]>,
    options?: KeyedMapOptions,
  ): AsyncIterableIterator<R>
  kvmap(
    pairs: Iterable<readonly [K, V]> | AsyncIterable<readonly [K, V]>,
    options: KeyedMapOptions = {},
  ) {
    return this.#map(pairs, ([key, value]) => ({ key, value }), options)
  }

  /** Asks for each value; resolves with all results, in the order of the values. */
  join(
    this: Asked<R, Agent<K, V, R>>,
    values: Iterable<V> | AsyncIterable<V>,
    options?: MapOptions<K>,
  ): Promise<R[]>
  join(values: Iterable<V> | AsyncIterable<V>, options: MapOptions<K> = {}): Promise<R[]> {
    const { key } = options
    return this.#join(values, (value) => ({ value, key }), options)
  }

  /** The same of pairs of a key and a value. */
  kvjoin(
    this: Asked<R, Agent<K, V, R>>,
    pairs: Iterable<readonly [K, V]> | AsyncIterable<readonly [K, V]>,
    options?: KeyedMapOptions,
  ): Promise<R[]>
  kvjoin(
    pairs: Iterable<readonly [K, V]> | AsyncIterable<readonly [K, V]>,
    options: KeyedMapOptions = {},
  ): Promise<R[]> {
    return this.#join(pairs, ([key, value]) => ({ key, value }), options)
  }

  async #ask(message: Message<K, V>, limits: AskLimits): Promise<R> {
    const { name } = this
    if (this.definition.reply === undefined) {
      const message = `agent ${name} does not yield: make its function an async generator to ask it`
      throw new EuphorionError('APP_INVALID', message)
    }
    const { timeout } = limits
    if (timeout !== undefined && !(parseDuration(timeout)! > 0))
      throw new EuphorionError('APP_INVALID', `timeout '${timeout}' is no time of at least 1 ms`)
    const reply = await this.#port.ask(
      (address, to) => this.#requester.send(message, address, true, to),
      limits,
    )
    const { error, parsed, bytes } = reply
    if (error === undefined) return takeReply(this.#reply.decode(parsed, bytes), name)
    const { place } = error
    throw new EuphorionError('ASK_FAILED', error.message, {
      cause: error,
      place,
    })
  }

  #map<T>(
    inputs: Iterable<T> | AsyncIterable<T>,
    toMessage: (input: T) => Message<K, V>,
    { timeout, signal: ending }: AskLimits,
  ): AsyncGenerator<R, void> {
    return arriving({
      inputs,
      ask: (input: T, signal) => this.#ask(toMessage(input), { timeout, signal }),
      room: () => this.#port.room(),
      signal: ending,
    })
  }

  async #join<T>(
    inputs: Iterable<T> | AsyncIterable<T>,
    toMessage: (input: T) => Message<K, V>,
    { timeout, signal: ending }: AskLimits,
  ): Promise<R[]> {
    const results: R[] = []
    let count = 0
    const ask = async (input: T, signal: AbortSignal): Promise<void> => {
      const index = count++
      results[index] = await this.#ask(toMessage(input), { timeout, signal })
    }
    const room = (): Promise<void> => this.#port.room()
    for await (const _ of arriving({ inputs, ask, room, signal: ending }));
    return results
  }

  /**
   * Has it run on this worker: as soon as it is declared, and again after stop(), from where it
   * was. Resolves when its topics are read. Rejects with APP_INVALID while the app does not run.
   */
  async start(): Promise<void> {
    await runningAgent(this.name, this.running).start()
  }

  /**
   * Ends it on this worker, once it has finished what it has in hand and that counts. Its
   * partitions stay here and wait for start(); where others read them, these go on. Agents must not
   * await it: it waits for them.
   */
  async stop(): Promise<void> {
    await runningAgent(this.name, this.running).stop()
  }

  /** stop() and start(): its functions begin anew. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** For the ingest loop of one run of the app. */
  subscriber(services: AgentServices): EventSubscriber {
    return agentSubscriber(this.definition, services)
  }
}

/** Throws APP_INVALID. */
export function defineAgent<K, V, R>(
  topic: Topic<K, V>,
  run: AgentFunction<K, V, R>,
  options: AgentOptions<R, K, V>,
  port: AskPort,
): Agent<K, V, R> {
  const { concurrency = 1, retry, onError } = options
  checkSupervision(options)
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > CONCURRENCY_MAX) {
    const range = `a whole number from 1 to ${CONCURRENCY_MAX}`
    throw new EuphorionError('APP_INVALID', `concurrency ${concurrency}: it is ${range}`)
  }
  const name = options.name ?? (run.name || topic.name)
  const mayYield = Object.prototype.toString.call(run) !== '[object AsyncFunction]'
  const definition: AgentDefinition<K, V, R> = {
    name,
    topic: topic.name,
    topics: topic instanceof TopicSet ? topic : undefined,
    key: topic.key,
    value: topic.value,
    schema: topic.schema,
    keyedBy: topic.options.keyedBy,
    onBadRecord: topic.onBadRecord,
    concurrency,
    sinks: sinksOf(name, options, mayYield),
    reply: mayYield ? replyValue(options.reply) : undefined,
    wrapped: replyValue(topic.options.value),
    run,
    counters: new AgentCounters(),
    supervision: { ...(retry && { retry }), ...(onError && { onError }) },
  }
  return new Agent<K, V, R>(definition, topic, options, port)
}

function sinksOf<R>(
  name: string,
  options: Pick<AgentOptions<R>, 'sink'>,
  mayYield: boolean,
): Sink<R>[] {
  const sink = (options.sink ?? []) as Sink<R> | readonly Sink<R>[]
  const sinks = Array.isArray(sink) ? [...sink] : [sink as Sink<R>]
  if (sinks.length > 0 && !mayYield) throw sinksOfNothing(name)
  if (new Set(sinks).size < sinks.length)
    throw new EuphorionError('APP_INVALID', `agent ${name} has a sink twice`)
  return sinks
}
