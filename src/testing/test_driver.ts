// Runs an app in a test: the shipped engine, on a log, a disk and a clock in memory. Called by
// tests of users' programs.
import type { App } from '../app/app.ts'
import type { Connection } from '../app/connection.ts'
import { EuphorionError } from '../errors.ts'
import { recordOf } from '../ingest/rows.ts'
import type { Logger } from '../logger.ts'
import type { FieldMap } from '../record/fields.ts'
import type { SettingsInput } from '../settings.ts'
import type { Agent } from '../stream/agent.ts'
import type { NoFields } from '../stream/batch_types.ts'
import type { Message } from '../stream/message.ts'
import type { ResultTable } from '../stream/results.ts'
import { SetTable } from '../stream/set_table.ts'
import { Table } from '../stream/table.ts'
import { Topic, type TopicPort } from '../stream/topic.ts'
import { WindowedTable } from '../stream/windowed_table.ts'
import { type Duration, parseDuration } from '../units.ts'
import { DriverAgent } from './test_driver_agent.ts'
import { DriverResults, DriverSets, DriverTable, DriverWindows } from './test_driver_table.ts'
import { DriverTopic } from './test_driver_topic.ts'
import { DriverWorld } from './test_driver_world.ts'

export interface TestDriverOptions {
  /** The wall clock at the beginning, in ms since the epoch. Default 2026-01-01T00:00:00Z. */
  readonly startTime?: number | Date
  /** Of everything that is random in the engine. Default 1. */
  readonly seed?: number
  /** They beat the app's own. */
  readonly settings?: SettingsInput
  /** Default: silent; what the app would log as an error rejects the driver's calls anyway. */
  readonly logger?: Logger
}

const START_MS = Date.UTC(2026, 0, 1)
const driven = new WeakSet<App>()

/**
 * Starts the app on a log and a disk in memory, with one worker, on a time that stands still until
 * advanceTime() is called. Topics have one partition unless they are declared with more. Resolves
 * once the app runs; rejects with what its start rejects with, and with APP_INVALID where another
 * driver has the app.
 */
export async function testDriver(app: App, options: TestDriverOptions = {}): Promise<TestDriver> {
  if (driven.has(app)) throw new EuphorionError('APP_INVALID', 'the app has a test driver already')
  driven.add(app)
  try {
    return await TestDriver.start(app, options)
  } catch (error) {
    driven.delete(app)
    throw error
  }
}

/**
 * An app in a test. What the app would log as an error, an agent that fails or a timer that throws,
 * rejects the next call that settles, and so does a rejection that nobody handles.
 */
export class TestDriver {
  readonly app: App
  readonly #world: DriverWorld
  readonly #outside: Connection
  /** Topics by what they were asked for with: each reads on where it was. */
  readonly #topics = new Map<unknown, unknown>()
  #isStopped = false

  private constructor(app: App, world: DriverWorld, outside: Connection) {
    this.app = app
    this.#world = world
    this.#outside = outside
  }

  /** @internal */
  static async start(app: App, options: TestDriverOptions): Promise<TestDriver> {
    const { startTime = START_MS, seed = 1, settings = {}, logger } = options
    const world = new DriverWorld({ startMs: Number(startTime), seed, settings, logger })
    try {
      await world.start(app)
      const outside = await world.openOutside(app.settings)
      return new TestDriver(app, world, outside)
    } catch (error) {
      await world.stop(app).catch(() => undefined)
      throw error
    }
  }

  /** The app's wall clock: ms since the epoch. */
  get time(): number {
    return this.#world.clock.now()
  }

  /** What was ever stored, as a checksum: equal for equal runs. */
  get fingerprint(): string {
    return this.#world.fingerprint
  }

  /**
   * A topic, seen from outside of the app. Each call with the same topic gives the same, which
   * reads on where it was. A name gives the topic with the types of its first declaration; a topic
   * that does not exist is made.
   */
  topic<K, V, Fields extends FieldMap>(topic: Topic<K, V, Fields>): DriverTopic<K, V, Fields>
  topic(name: string): DriverTopic<unknown, unknown, NoFields>
  topic<K, V, Fields extends FieldMap>(
    topic: Topic<K, V, Fields> | string,
  ): DriverTopic<K, V, Fields> {
    let made = this.#topics.get(topic) as DriverTopic<K, V, Fields> | undefined
    if (made === undefined) {
      const { name, options } = (
        typeof topic === 'string'
          ? (this.app.topology.topics.get(topic) ?? { name: topic, options: {} })
          : topic
      ) as Topic<K, V, Fields>
      this.#world.ensureTopic(name, options.partitions ?? this.app.settings.topicPartitions)
      made = new DriverTopic<K, V, Fields>({
        topic: new Topic<K, V, Fields>(name, options, this.#port),
        partitions: () => this.#world.cluster.topic(name).partitions,
        settled: () => this.settle(),
      })
      this.#topics.set(topic, made)
    }
    return made
  }

  /** A table, to read it once everything has happened that can without time passing. */
  table<K, V, Missing extends V | undefined>(
    table: Table<K, V, Missing>,
  ): DriverTable<K, V, Missing>
  table<K, V, Missing extends V | undefined>(
    table: WindowedTable<K, V, Missing>,
  ): DriverWindows<K, V, Missing>
  table<K, M>(table: SetTable<K, M>): DriverSets<K, M>
  table<Key, Row, Windowed>(
    table: ResultTable<Key, Row, Windowed>,
  ): DriverResults<Key, Row, Windowed>
  table(table: unknown): object {
    const settled = () => this.settle()
    if (table instanceof Table) return new DriverTable(table, settled)
    if (table instanceof WindowedTable) return new DriverWindows(table, settled)
    if (table instanceof SetTable) return new DriverSets(table, settled)
    return new DriverResults(table as ResultTable<unknown, unknown, unknown>, settled)
  }

  /** An agent, to give it one event at a time and see what it makes of it. */
  agent<K, V, R>(agent: Agent<K, V, R>): DriverAgent<K, V, R> {
    const { definition } = agent
    const topic = this.topic(definition.topic)
    return new DriverAgent<K, V, R>({
      tapped: this.#world.taps.of(definition.name),
      send: (message) => topic.send(message as Message<unknown, unknown>),
      settled: () => this.settle(),
    })
  }

  /**
   * Resolves when everything has happened that can without time passing, cuts included: what was
   * sent is read, worked on, counted and sent on. Rejects with the first error since the last call.
   */
  async settle(): Promise<void> {
    if (!this.#isStopped) await this.#world.settle(this.app)
    this.#world.check()
  }

  /**
   * Lets time pass: timers, cron, time-outs and cuts come when it is their time, one after the
   * other; then settles. Time stops at the first error, with which it rejects.
   */
  async advanceTime(by: Duration): Promise<void> {
    const ms = parseDuration(by)
    if (ms === undefined) throw new EuphorionError('APP_INVALID', `'${by}' is no time`)
    this.#checkRunning()
    await this.settle()
    await this.#world.runTo(this.#world.clock.monotonic() + ms)
    await this.settle()
  }

  /**
   * Resolves or rejects as the promise does, and lets time pass while it needs some, at most
   * `within` (default '1m').
   */
  async until<T>(promise: Promise<T>, within: Duration = '1m'): Promise<T> {
    this.#checkRunning()
    return this.#world.until(promise, parseDuration(within) ?? 0, 'what the test waits for')
  }

  /**
   * Kills the worker, as kill -9 would, and starts the app again: it goes on at its last cut. With
   * `wipe` on an empty disk, so that tables come back from their changelogs.
   */
  async restart({ wipe = false }: { readonly wipe?: boolean } = {}): Promise<void> {
    this.#checkRunning()
    await this.#world.crash(this.app, wipe)
    await this.#world.start(this.app)
  }

  /**
   * Stops the app, as app.stop(); topics can be read still. Rejects with what it rejects with, and
   * with errors that no call has rejected with.
   */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    try {
      await this.#world.stop(this.app)
    } finally {
      driven.delete(this.app)
    }
    this.#world.check()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #checkRunning(): void {
    if (this.#isStopped) throw new EuphorionError('APP_INVALID', 'the test driver was stopped')
  }

  readonly #port: TopicPort = {
    now: () => this.time,
    storeRow: (topic, row) => {
      if (this.#outside.knows(topic)) return this.#outside.storeRow(topic, row)
      return this.#outside.store(topic, row.partition, recordOf(row))
    },
    storeMany: (topic, rows) => this.#outside.storeMany(topic, rows),
  }
}
