// What a program declares, the half of App that only writes down: topics, agents, tables,
// aggregations. Nothing runs before App.start().
import type { TableReader } from '../ingest/aggregation.ts'
import type { CodecLike } from '../record/codec.ts'
import type { EventOf, FieldMap } from '../record/fields.ts'
import type { RecordType } from '../record/record.ts'
import { settingSpecs } from '../setting_specs.ts'
import { type Agent, type AgentOptions, defineAgent } from '../stream/agent.ts'
import type { AgentFunction } from '../stream/agent_definition.ts'
import { type DeclaredStream, declareStream } from '../stream/aggregation.ts'
import type { NoFields } from '../stream/batch_types.ts'
import { type ResultHandle, ResultTable } from '../stream/results.ts'
import { defineTable, Table, type TableDefault, type TableOptions } from '../stream/table.ts'
import { Topic, type TopicOptions, type TopicPort } from '../stream/topic.ts'
import { BackgroundApp } from './background_app.ts'
import { Declarations, type Topology } from './declarations.ts'

export abstract class DeclaringApp extends BackgroundApp {
  /** @internal */
  protected readonly declared = new Declarations()
  /** @internal */
  protected abstract readonly port: TopicPort

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
  topic(name: string, options: object = {}): object {
    const given = options as TopicOptions<unknown, unknown>
    const topic = new Topic<unknown, unknown>(name, given, this.port)
    this.declared.addTopic(topic)
    return topic
  }

  /**
   * Declares a function that runs once per assigned partition of the topic. An event is
   * acknowledged when the loop asks for the next one; when the function throws, its partition stops
   * there.
   */
  agent<K, V, R, Fields extends FieldMap>(
    topic: Topic<K, V, Fields>,
    run: AgentFunction<K, V, R, Fields>,
    options?: AgentOptions<NoInfer<R>>,
  ): Agent<K, V, R>
  /** A function that is declared for a Stream<K, V> of whatever fields. */
  agent<K, V, R>(
    topic: Topic<K, V>,
    run: AgentFunction<K, V, R>,
    options?: AgentOptions<NoInfer<R>>,
  ): Agent<K, V, R>
  agent<K, V, R>(
    topic: Topic<K, V>,
    run: AgentFunction<K, V, R>,
    options: AgentOptions<NoInfer<R>> = {},
  ): Agent<K, V, R> {
    const agent = defineAgent(topic, run, options)
    this.declared.addAgent(agent)
    return agent
  }

  /** Begins the declaration of an aggregation: `.keyBy(…).window(…).aggregate(name, …)`. */
  stream<K, V, Fields extends FieldMap>(
    topic: Topic<K, V, Fields>,
  ): DeclaredStream<Fields, NonNullable<K>, false, ResultHandle> {
    const { keyedBy, partitions } = topic.options
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

  #table<K, V>(name: string, options: TableOptions<K, V>, isGlobal: boolean): Table<K, V> {
    const definition = defineTable(name, options, isGlobal)
    this.declared.addTable(definition)
    return new Table(definition)
  }

  /** What was declared so far. */
  get topology(): Topology {
    return this.declared
  }
}
