// What a program declares, the half of App that only writes down: topics, agents, tables,
// aggregations. Nothing runs before App.start().
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { TableReader } from '../ingest/aggregation.ts'
import type { CodecLike } from '../record/codec.ts'
import type { EventOf, FieldMap } from '../record/fields.ts'
import type { RecordType } from '../record/record.ts'
import { settingSpecs } from '../setting_specs.ts'
import { type Agent, type AgentOptions, defineAgent } from '../stream/agent.ts'
import type { AgentFunction, Yielded } from '../stream/agent_definition.ts'
import { type DeclaredStream, declareStream } from '../stream/aggregation.ts'
import type { NoFields } from '../stream/batch_types.ts'
import { Channel, type ChannelOptions, type ChannelPort } from '../stream/channel.ts'
import {
  ChannelAgent,
  type ChannelAgentOptions,
  type ChannelFunction,
} from '../stream/channel_agent.ts'
import type { AskPort } from '../stream/request.ts'
import { type ResultHandle, ResultTable } from '../stream/results.ts'
import { defineSetTable, SetTable, type SetTableOptions } from '../stream/set_table.ts'
import { defineTable, Table, type TableDefault, type TableOptions } from '../stream/table.ts'
import { Topic, type TopicOptions, type TopicPort } from '../stream/topic.ts'
import { type TopicNames, TopicSet } from '../stream/topic_set.ts'
import { BackgroundApp } from './background_app.ts'
import { Declarations, type Topology } from './declarations.ts'
import type { LiveCheck, LiveCheckOptions } from './live_check.ts'
import type { LiveCheckFunction } from './live_check_run.ts'
import { LiveChecks } from './live_checks.ts'

/** Of the topic of an agent that has only its name, or none. */
export type AgentTopicOptions<K, V> = Pick<TopicOptions<K, V>, 'key' | 'value' | 'partitions'>

type AnyFunction = AgentFunction<unknown, unknown, unknown>
type AnyOptions = AgentOptions<unknown> & AgentTopicOptions<unknown, unknown>

export abstract class DeclaringApp extends BackgroundApp {
  abstract get clock(): Clock
  #liveChecks: LiveChecks | undefined
  abstract readonly id: string
  /** @internal */
  protected readonly declared = new Declarations()
  /** @internal */
  protected abstract readonly port: TopicPort
  /** @internal */
  protected abstract readonly asks: AskPort
  /** @internal */
  protected abstract readonly channelPort: ChannelPort

  /** @internal */
  protected abstract agentDeclared(agent: Agent<unknown, unknown, unknown>): void

  /** @internal */
  protected abstract reader(table: string): TableReader

  /** Declares a topic. Names may be declared again, with other types for other readers. */
  topic<Fields extends FieldMap, K = Uint8Array | null>(
    name: string,
    options: TopicOptions<K, EventOf<Fields>> & { readonly value: RecordType<Fields> },
  ): Topic<K, EventOf<Fields>, Fields>
  topic<V = unknown, K = Uint8Array | null>(
    name: string,
    options?: TopicOptions<K, V> & { readonly value?: CodecLike<V> },
  ): Topic<K, V, NoFields>
  /**
   * Several topics with the same types, for agents: by their names, or those that match, also if
   * they are made later. Throws APP_INVALID.
   */
  topic<Fields extends FieldMap, K = Uint8Array | null>(
    names: TopicNames,
    options: TopicOptions<K, EventOf<Fields>> & { readonly value: RecordType<Fields> },
  ): TopicSet<K, EventOf<Fields>, Fields>
  topic<V = unknown, K = Uint8Array | null>(
    names: TopicNames,
    options?: TopicOptions<K, V> & { readonly value?: CodecLike<V> },
  ): TopicSet<K, V, NoFields>
  topic(name: string | TopicNames, options: object = {}): object {
    const given = options as TopicOptions<unknown, unknown>
    if (typeof name !== 'string') {
      const set = new TopicSet<unknown, unknown>(name, given, this.port)
      for (const each of set.names ?? []) this.topic(each, given)
      return set
    }
    const topic = new Topic<unknown, unknown>(name, given, this.port)
    this.declared.addTopic(topic)
    return topic
  }

  /**
   * Declares a function that runs once per assigned partition of the topic. An event is
   * acknowledged when the loop asks for the next one. When the function throws, `retry` and
   * `onError` say what becomes of the event; by default its partition stops there. Throws
   * APP_INVALID for options out of bounds, and for sinks of a function that does not yield.
   */
  agent<K, V, Fields extends FieldMap, F extends AgentFunction<K, V, unknown, Fields>>(
    topic: Topic<K, V, Fields>,
    run: F,
    options?: AgentOptions<Yielded<F>, K, V>,
  ): Agent<K, V, Yielded<F>>
  /** A function that is declared for a Stream<K, V> of whatever fields. */
  agent<K, V, F extends AgentFunction<K, V, unknown>>(
    topic: Topic<K, V>,
    run: F,
    options?: AgentOptions<Yielded<F>, K, V>,
  ): Agent<K, V, Yielded<F>>
  /** Of a topic by its name: with the types that are given, else those it was declared with. */
  agent<F extends AgentFunction<K, V, unknown>, V = unknown, K = Uint8Array | null>(
    topic: string,
    run: F,
    options?: AgentOptions<Yielded<F>, K, V> & AgentTopicOptions<K, V>,
  ): Agent<K, V, Yielded<F>>
  /** Of a topic of its own, `{app}-{agent}`: what others cast and ask. */
  agent<F extends AgentFunction<K, V, unknown>, V = unknown, K = Uint8Array | null>(
    run: F,
    options?: AgentOptions<Yielded<F>, K, V> & AgentTopicOptions<K, V>,
  ): Agent<K, V, Yielded<F>>
  /** A function that runs once in this process, over what is sent to the channel. */
  agent<K, V, R>(
    channel: Channel<K, V>,
    run: ChannelFunction<K, V, R>,
    options?: ChannelAgentOptions<NoInfer<R>>,
  ): ChannelAgent<K, V, R>
  agent(
    first: Topic<unknown, unknown> | Channel<unknown, unknown> | string | AnyFunction,
    second?: AnyFunction | AnyOptions,
    third?: AnyOptions,
  ): object {
    if (first instanceof Channel) {
      const run = second as ChannelFunction<unknown, unknown, unknown>
      const agent = new ChannelAgent(first, run, third ?? {})
      this.declared.addChannelAgent(agent)
      return agent
    }
    const isOwn = typeof first === 'function'
    const run = isOwn ? first : (second as AnyFunction)
    const options = (isOwn ? (second as AnyOptions) : third) ?? {}
    const topic = isOwn ? this.#ownTopic(run, options) : this.#topicOf(first, options)
    const agent = defineAgent(topic, run, options, this.asks)
    this.declared.addAgent(agent)
    this.agentDeclared(agent as unknown as Agent<unknown, unknown, unknown>)
    return agent
  }

  #ownTopic(run: AnyFunction, options: AnyOptions): Topic<unknown, unknown> {
    const name = options.name ?? run.name
    if (name !== '') return this.#topicOf(`${this.id}-${name}`, options)
    const message = 'an agent without a topic has a name: async function* NAME(stream), or { name }'
    throw new EuphorionError('APP_INVALID', message)
  }

  #topicOf(topic: Topic<unknown, unknown> | string, options: AnyOptions): Topic<unknown, unknown> {
    if (typeof topic !== 'string') return topic
    const { key, value, partitions } = options
    const isTyped = key !== undefined || value !== undefined || partitions !== undefined
    const declared = isTyped ? undefined : this.declared.topics.get(topic)
    return declared ?? this.topic<unknown, unknown>(topic, { key, value, partitions })
  }

  /** Declares a channel: a topic in memory, of this process. Throws APP_INVALID. */
  channel<V = unknown, K = null>(name?: string, options: ChannelOptions<K, V> = {}): Channel<K, V> {
    const given = name ?? `channel-${this.declared.channels.length + 1}`
    const channel = new Channel<K, V>(given, options, this.channelPort)
    this.declared.addChannel(channel)
    return channel
  }

  /**
   * Begins the declaration of an aggregation: `.keyBy(…).window(…).aggregate(name, …)`. Throws
   * APP_INVALID for a channel, which has no records to read again.
   */
  stream<K, V, Fields extends FieldMap>(
    topic: Topic<K, V, Fields>,
  ): DeclaredStream<Fields, NonNullable<K>, false, ResultHandle> {
    if ((topic as object) instanceof Channel) {
      const message = `an aggregation reads a topic: ${topic.name} is a channel`
      throw new EuphorionError('APP_INVALID', message)
    }
    const { keyedBy, partitions } = topic.options
    if (topic instanceof TopicSet) {
      const message = `an aggregation reads one topic, and ${topic.name} is several`
      const advice = 'declare one for each, or have an agent send them all to one'
      throw new EuphorionError('APP_INVALID', `${message}: ${advice}`)
    }
    return declareStream<Fields, K, ResultHandle>(
      {
        name: topic.name,
        key: topic.key,
        value: topic.schema,
        keyedBy: keyedBy === undefined ? undefined : [keyedBy],
        partitions,
        maxFutureMs: settingSpecs.maxFutureMs.default,
      },
      (declared) => {
        const added = this.declared.addAggregation(declared, topic.onBadRecord)
        return new ResultTable({ ...added, reader: () => this.reader(added.name) })
      },
    )
  }

  /**
   * Declares a table that agents write: a map from keys to values, kept in a store; its partitions
   * move with those of the topics that agents read. Throws TABLE_DUPLICATE, APP_INVALID.
   */
  table<K, V>(name: string, options: TableOptions<K, V> & TableDefault<NoInfer<V>>): Table<K, V, V>
  table<K, V>(name: string, options: TableOptions<K, V>): Table<K, V>
  table<K, V>(name: string, options: TableOptions<K, V>): object {
    return this.#table(name, options, false)
  }

  /**
   * The same, with all partitions on every worker to read: what other workers wrote is seen
   * once it is committed.
   */
  globalTable<K, V>(
    name: string,
    options: TableOptions<K, V> & TableDefault<NoInfer<V>>,
  ): Table<K, V, V>
  globalTable<K, V>(name: string, options: TableOptions<K, V>): Table<K, V>
  globalTable<K, V>(name: string, options: TableOptions<K, V>): object {
    return this.#table(name, options, true)
  }

  /**
   * Declares a table of sets that agents write: members by key, each a row of its own, so that a
   * change costs a member whatever the size of the set. Throws TABLE_DUPLICATE, APP_INVALID.
   */
  setTable<K, M>(name: string, options: SetTableOptions<K, M>): SetTable<K, M> {
    const definition = defineSetTable(name, options)
    this.declared.addTable(definition)
    return new SetTable(definition)
  }

  #table<K, V>(name: string, options: TableOptions<K, V>, isGlobal: boolean): Table<K, V> {
    const definition = defineTable(name, options, isGlobal)
    this.declared.addTable(definition)
    return new Table(definition, (by) => this.declared.replaceTable(by))
  }

  /**
   * Declares a probe of the running program: `trigger()` where something begins, `signal()` where
   * it is handled, and a function that waits for the signals and asserts what must hold. Tests run
   * on the worker that has the topic `{id}-livecheck`; how they ended goes to
   * `{id}-livecheck-report`. Throws APP_INVALID.
   */
  liveCheck<Data, const Signal extends string>(
    name: string,
    options: LiveCheckOptions<Signal>,
    run: LiveCheckFunction<Data, Signal>,
  ): LiveCheck<Data, Signal> {
    this.#liveChecks ??= new LiveChecks(this, {
      id: this.id,
      clock: () => this.clock,
      failed: (error) => this.logged('a live check', error),
    })
    const { frequency, request } = options
    const check = this.#liveChecks.add(name, options, run)
    if (frequency !== undefined && request !== undefined)
      this.timer(`livecheck ${name}`, frequency, request, { onLeader: true })
    return check
  }

  /** What was declared so far. */
  get topology(): Topology {
    return this.declared
  }
}
