// The App: what a user's program declares (topics, agents, timers, aggregations) and how it starts
// and stops. Declaring does nothing; start(), main() or `euphorion worker` run it in worker.ts.
import { type Clock, systemClock } from '../clock.ts'
import { readConfigFile } from '../config_file.ts'
import { EuphorionError } from '../errors.ts'
import type { TableReader } from '../ingest/aggregation.ts'
import type { RecordMetadata } from '../ingest/receipt.ts'
import { recordOf } from '../ingest/rows.ts'
import type { Log } from '../log/log.ts'
import { createLogger, type Logger } from '../logger.ts'
import type { CodecLike } from '../record/codec.ts'
import type { EventOf, FieldMap } from '../record/fields.ts'
import type { RecordType } from '../record/record.ts'
import { settingSpecs } from '../setting_specs.ts'
import {
  resolveSettings,
  type Settings,
  type SettingsInput,
  type SettingsSource,
} from '../settings.ts'
import { type Agent, type AgentOptions, defineAgent } from '../stream/agent.ts'
import type { AgentFunction } from '../stream/agent_definition.ts'
import { type DeclaredStream, declareStream } from '../stream/aggregation.ts'
import type { NoFields } from '../stream/batch_types.ts'
import type { Message } from '../stream/message.ts'
import { type ResultHandle, ResultTable } from '../stream/results.ts'
import { defineTable, Table, type TableDefault, type TableOptions } from '../stream/table.ts'
import { Topic, type TopicOptions, type TopicPort } from '../stream/topic.ts'
import type { Duration } from '../units.ts'
import type { TokenLogin } from '../wire/login.ts'
import { Connection } from './connection.ts'
import { Declarations, type TimerFunction, type Topology } from './declarations.ts'
import { beginKernels } from './kernels.ts'
import type { LaneStatistics } from './lane_statistics.ts'
import { isProgram } from './program.ts'
import type { RecoveryFacts } from './recovery_progress.ts'
import type { AppSystem } from './system.ts'
import { ensureTopics, wantedTopic } from './topics.ts'
import { Worker } from './worker.ts'

/** Settings, and what stands in for the system in tests. */
export interface AppOptions extends SettingsInput {
  readonly clock?: Clock
  /** Default: pino, to standard error. */
  readonly logger?: Logger
  /** Logs in to Kafka with tokens that it is given whenever a broker wants one. */
  readonly sasl?: TokenLogin
}

/** Marks apps, also those of another copy of the package. */
export const appMark = Symbol.for('euphorion.app')

/**
 * A stream processing program. Its id names the consumer group, the dead-letter topic and the
 * folder of local state: workers with the same id share the work.
 */
export class App {
  readonly id: string
  readonly [appMark] = true
  readonly #clock: Clock
  readonly #code: SettingsSource
  readonly #givenLogger: Logger | undefined
  readonly #sasl: TokenLogin | undefined
  readonly #declared = new Declarations()
  readonly #port: TopicPort = {
    now: () => this.clock.now(),
    storeRow: (topic, row) => {
      if (this.#opened?.knows(topic)) return this.#opened.storeRow(topic, row)
      const record = recordOf(row)
      const { partition } = row
      return this.#store(topic, (connection) => connection.store(topic, partition, record))
    },
    storeMany: (topic, rows) =>
      this.#store(topic, (connection) => connection.storeMany(topic, rows)),
  }
  #cli: SettingsSource = {}
  #system: AppSystem | undefined
  #connection: Promise<Connection> | undefined
  /** The same, once it is there. */
  #opened: Connection | undefined
  #worker: Worker | undefined
  #stopping: Promise<void> | undefined

  /** Throws APP_INVALID for an id that cannot name a folder and a consumer group. */
  constructor(id: string, options: AppOptions = {}) {
    if (!/^[\w.-]{1,200}$/.test(id) || /^\.+$/.test(id)) {
      throw new EuphorionError(
        'APP_INVALID',
        `'${id}' cannot be an app's id: use a-z A-Z 0-9 . _ -`,
      )
    }
    const { clock, logger, sasl, ...code } = options
    this.id = id
    this.#clock = clock ?? systemClock
    this.#givenLogger = logger
    this.#sasl = sasl
    this.#code = code
  }

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
    const topic = new Topic<unknown, unknown>(name, given, this.#port)
    this.#declared.addTopic(topic)
    return topic
  }

  /** Creates a declared topic where nobody has yet; a running app did so when it started. */
  async #store<T>(topic: string, store: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.#opened ?? (await this.#connect())
    try {
      return await store(connection)
    } catch (error) {
      const unknown = error instanceof EuphorionError && error.code === 'TOPIC_UNKNOWN'
      const declared = this.#declared.topics.get(topic)
      const { createTopics: create, topicPartitions: partitions } = this.settings
      if (!unknown || declared === undefined || this.#worker !== undefined || !create) throw error
      await ensureTopics(connection.log, [wantedTopic(declared)], { create, partitions })
      return store(connection)
    }
  }

  /**
   * Sends to a topic, or to one by its name: with the types it was first declared with, else values
   * as JSON and keys as bytes. See Topic.send.
   */
  send<K, V>(topic: Topic<K, V>, message: Message<K, V>): Promise<RecordMetadata>
  send(topic: string, message: Message<unknown, unknown>): Promise<RecordMetadata>
  send(
    topic: string | Topic<unknown, unknown>,
    message: Message<unknown, unknown>,
  ): Promise<RecordMetadata> {
    if (typeof topic !== 'string') return topic.send(message)
    const declared = this.#declared.topics.get(topic)
    if (declared !== undefined) return declared.send(message)
    return new Topic<unknown, unknown>(topic, {}, this.#port).send(message)
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
    this.#declared.addAgent(agent)
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
        const added = this.#declared.addAggregation(declared, topic.onBadRecord)
        return new ResultTable({ ...added, reader: () => this.#reader(added.name) })
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
    this.#declared.addTable(definition)
    return new Table(definition)
  }

  /**
   * Declares a function that is called every `every` ('1s', or ms) while the app runs, first after
   * one period, never twice at once. What it throws is logged.
   */
  timer(name: string, every: Duration, run: TimerFunction): void {
    this.#declared.addTimer(name, every, run)
  }

  /** What was declared so far. */
  get topology(): Topology {
    return this.#declared
  }

  /** Throws SETTING_INVALID. */
  get settings(): Settings {
    return resolveSettings({
      code: this.#code,
      file: readConfigFile(process.cwd()),
      env: process.env,
      cli: this.#cli,
    })
  }

  /** Settings of the command line, which beat all others. For the command line; before start(). */
  configure(cli: SettingsSource): void {
    this.#cli = cli
  }

  get clock(): Clock {
    return this.#system?.clock ?? this.#clock
  }

  /**
   * Has the app run on a machine and a log that are simulated; before start().
   *
   * @internal
   */
  runOn(system: AppSystem): void {
    this.#system = system
  }

  /** Runs the app in this process; resolves once it works. A stopped app can be started again. */
  async start(): Promise<void> {
    if (this.#worker !== undefined) throw new EuphorionError('APP_INVALID', 'the app runs already')
    const { settings } = this
    beginKernels(this.#code, this.#cli)
    const system = this.#system
    const logger = system?.logger ?? this.#givenLogger ?? createLogger(this.id, settings.logLevel)
    const worker = new Worker({
      app: this,
      settings,
      logger,
      connect: () => this.#connect('refuse'),
      system,
    })
    this.#worker = worker
    try {
      await worker.start()
    } catch (error) {
      await this.stop().catch(() => undefined)
      throw error
    }
  }

  /**
   * Finishes what is in flight, cuts, leaves the group and closes the log; nothing of the app keeps
   * the process alive then. A start() under way rejects. Agents and timers must not await it: it
   * waits for them.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined
    })
    return this.#stopping
  }

  async #stop(): Promise<void> {
    try {
      await this.#worker?.stop()
    } finally {
      await this.#release()
    }
  }

  /** Where each aggregation stands on each partition; empty unless the app runs. */
  statistics(): LaneStatistics[] {
    return this.#worker?.statistics() ?? []
  }

  /** Tables that are being restored from their changelogs; their partitions are read afterwards. */
  recoveries(): RecoveryFacts[] {
    return this.#worker?.recoveries() ?? []
  }

  /** The app's connection to its log, opened if it is not; stop() closes it. */
  async log(): Promise<Log> {
    return (await this.#connect()).log
  }

  /** Resolves once the running app is stopped; rejects with what made it fail. */
  get ended(): Promise<void> {
    return this.#worker?.ended ?? Promise.resolve()
  }

  /**
   * Hands over to the command line (`node app.js worker`) if the module of `meta` is the program,
   * and ends the process then. In a module that something else imported it does nothing.
   */
  async main(meta: { readonly url: string }): Promise<void> {
    if (!isProgram(meta.url)) return
    const { runCommandLine } = await import('../cli/command_line.ts')
    await runCommandLine(process.argv.slice(2), { app: this })
  }

  #reader(table: string): TableReader {
    const reader = this.#worker?.table(table)
    if (reader !== undefined) return reader
    throw new EuphorionError('QUERY_UNAVAILABLE', 'the app does not run', { place: { table } })
  }

  #connect(remote: 'allow' | 'refuse' = 'allow'): Promise<Connection> {
    if (this.#connection === undefined) {
      const options = {
        clientId: this.id,
        remote,
        ...(this.#sasl && { sasl: this.#sasl }),
        system: this.#system,
      }
      const opening = Connection.open(this.settings, this.clock, options)
      this.#connection = opening
      opening.then(
        (connection) => {
          if (this.#connection === opening) this.#opened = connection
        },
        () => {
          if (this.#connection === opening) this.#connection = undefined
        },
      )
    }
    return this.#connection
  }

  async #release(): Promise<void> {
    const connection = this.#connection
    this.#worker = undefined
    this.#connection = undefined
    this.#opened = undefined
    await (await connection?.catch(() => undefined))?.close()
  }
}
