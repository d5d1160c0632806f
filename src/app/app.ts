// The App: what a user's program declares (topics, agents, timers, aggregations) and how it starts
// and stops. Declaring does nothing; start(), main() or `euphorion worker` run it in worker.ts.
import { type Clock, systemClock, systemRandom } from '../clock.ts'
import { readConfigFile } from '../config_file.ts'
import { EuphorionError } from '../errors.ts'
import type { TableReader } from '../ingest/aggregation.ts'
import type { RecordMetadata } from '../ingest/receipt.ts'
import type { Log } from '../log/log.ts'
import { createLogger, type Logger } from '../logger.ts'
import {
  resolveSettings,
  type Settings,
  type SettingsInput,
  type SettingsSource,
} from '../settings.ts'
import type { Agent } from '../stream/agent.ts'
import type { Channel, ChannelPort } from '../stream/channel.ts'
import type { Message } from '../stream/message.ts'
import type { AskPort } from '../stream/request.ts'
import { Topic, type TopicPort } from '../stream/topic.ts'
import type { TokenLogin } from '../wire/login.ts'
import type { AppOptions } from './app_options.ts'
import { AppSends } from './app_sends.ts'
import { AskClient } from './ask_client.ts'
import { Connection } from './connection.ts'
import { DeclaringApp } from './declaring_app.ts'
import type { Health } from './health.ts'
import { beginKernels } from './kernels.ts'
import type { LaneStatistics } from './lane_statistics.ts'
import { LazyPages } from './lazy_pages.ts'
import { isProgram } from './program.ts'
import type { RecoveryFacts } from './recovery_progress.ts'
import type { ReplyStatistics } from './reply_waiters.ts'
import type { AppSystem } from './system.ts'
import { Worker } from './worker.ts'

const noReplies: ReplyStatistics = {
  waiting: 0,
  answered: 0,
  failed: 0,
  timedOut: 0,
  cancelled: 0,
  unclaimed: 0,
}

/** Marks apps, also those of another copy of the package. */
export const appMark = Symbol.for('euphorion.app')

/**
 * A stream processing program. Its id names the consumer group, the dead-letter topic and the
 * folder of local state: workers with the same id share the work.
 */
export class App extends DeclaringApp {
  readonly id: string
  readonly [appMark] = true
  readonly #clock: Clock
  readonly #code: SettingsSource
  readonly #givenLogger: Logger | undefined
  readonly #sasl: TokenLogin | undefined
  readonly #envPrefix: string | undefined
  readonly #sends = new AppSends({
    hooks: this.hooks,
    sensors: this.sensors,
    topics: this.declared.topics,
    clock: () => this.clock,
    settings: () => this.settings,
    opened: () => this.#opened,
    connect: () => this.#connect(),
    runs: () => this.#worker !== undefined,
  })
  /** @internal */
  protected readonly port: TopicPort = this.#sends
  readonly #pages = new LazyPages(this.served.pages, () => ({
    bodyBytesMax: this.settings.webBodyBytes,
    logger: () => this.#logger,
    route: (table, key) => this.#worker?.route(table, key) ?? 'unknown',
    proxy: { timeoutMs: this.settings.queryTimeoutMs, clock: this.clock },
  }))
  /** @internal */
  protected readonly asks: AskPort = {
    ask: async (send, limits) => (this.#asking ?? (await this.#askClient())).ask(send, limits),
    room: async () => this.#asking?.room(),
  }
  /** @internal */
  protected readonly channelPort: ChannelPort = {
    clock: () => this.clock,
    capacity: () => this.settings.channelCapacity,
  }
  #cli: SettingsSource = {}
  #system: AppSystem | undefined
  #connection: Promise<Connection> | undefined
  /** The same, once it is there. */
  #opened: Connection | undefined
  #worker: Worker | undefined
  /** Of the last start(). */
  #logger: Logger | undefined
  #asking: AskClient | undefined
  #stopping: Promise<void> | undefined

  /** Throws APP_INVALID for an id that cannot name a folder and a consumer group. */
  constructor(id: string, options: AppOptions = {}) {
    if (!/^[\w.-]{1,200}$/.test(id) || /^\.+$/.test(id)) {
      throw new EuphorionError(
        'APP_INVALID',
        `'${id}' cannot be an app's id: use a-z A-Z 0-9 . _ -`,
      )
    }
    super()
    const { clock, logger, sasl, envPrefix, ...code } = options
    this.#envPrefix = envPrefix
    this.id = id
    this.#clock = clock ?? systemClock
    this.#givenLogger = logger
    this.#sasl = sasl
    this.#code = code
  }

  /**
   * Sends to a topic, or to one by its name: with the types it was first declared with, else values
   * as JSON and keys as bytes. See Topic.send.
   */
  send<K, V>(target: Topic<K, V> | Channel<K, V>, message: Message<K, V>): Promise<RecordMetadata>
  send(topic: string, message: Message<unknown, unknown>): Promise<RecordMetadata>
  send(
    topic: string | Topic<unknown, unknown> | Channel<unknown, unknown>,
    message: Message<unknown, unknown>,
  ): Promise<RecordMetadata> {
    if (typeof topic !== 'string') return topic.send(message)
    const declared = this.declared.topics.get(topic)
    if (declared !== undefined) return declared.send(message)
    return new Topic<unknown, unknown>(topic, {}, this.port).send(message)
  }

  /** Throws SETTING_INVALID. */
  get settings(): Settings {
    return resolveSettings({
      code: this.#code,
      file: readConfigFile(process.cwd()),
      env: process.env,
      ...(this.#envPrefix !== undefined && { envPrefix: this.#envPrefix }),
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
  runOn(system: AppSystem | undefined): void {
    this.#system = system
  }

  /**
   * Leaves what runs as it stands, for ever: the machine that it ran on is gone.
   *
   * @internal
   */
  abandon(): void {
    this.#worker = undefined
    this.#asking = undefined
    this.#stopping = undefined
    this.#connection = undefined
    this.#opened = undefined
  }

  /**
   * Has what was worked out so far counted now, as after each commit interval. Rejects when nothing
   * of it counts.
   *
   * @internal
   */
  async cut(): Promise<void> {
    await this.#worker?.cut()
  }

  /** Runs the app in this process; resolves once it works. A stopped app can be started again. */
  async start(): Promise<void> {
    if (this.#worker !== undefined) throw new EuphorionError('APP_INVALID', 'the app runs already')
    this.hooks.call('beforeConfigured', { app: this, settings: this.#code as SettingsInput })
    const { settings } = this
    this.hooks.call('configured', { app: this, settings })
    beginKernels(this.#code, this.#cli)
    const system = this.#system
    this.#logger = this.#loggerOf(settings)
    this.logged = (message, err) => this.#logger?.error({ err }, message)
    const worker = new Worker({
      app: this,
      settings,
      logger: this.#logger,
      connect: () => this.#connect('refuse'),
      system,
    })
    this.#worker = worker
    try {
      await worker.start()
      if (settings.replyCreateTopic) await (await this.#askClient()).open()
    } catch (error) {
      await this.stop().catch(() => undefined)
      throw error
    }
  }

  /**
   * Opens the app's log for cast, ask and send, without joining a group: for scripts and servers,
   * whose agents run elsewhere. What is first sent or asked does it too. stop() ends it; start()
   * makes a worker of it, which rejects with LOG_LOCKED where another process has the embedded log.
   * Rejects with BROKER_MISSING, BROKER_UNREACHABLE, and as start() for wrong settings.
   */
  async startClient(): Promise<void> {
    await this.#connect()
    if (this.settings.replyCreateTopic) await (await this.#askClient()).open()
  }

  /** What became of the requests of this process; all 0 before the first. */
  replies(): ReplyStatistics {
    return this.#asking?.statistics ?? noReplies
  }

  async #askClient(): Promise<AskClient> {
    const connection = await this.#connect()
    const { settings, clock } = this
    if (this.#opened !== connection)
      throw new EuphorionError('ASK_CANCELLED', 'the app was stopped')
    this.#asking ??= new AskClient({
      connection,
      settings,
      clock,
      random: this.#system?.random ?? systemRandom,
      logger: this.#loggerOf(settings),
      requests: {
        storeRow: (topic, row) => this.#sends.storeRowBy(topic, row, (each) => each.atOnce),
      },
    })
    return this.#asking
  }

  #loggerOf({ logLevel }: Settings): Logger {
    return this.#system?.logger ?? this.#givenLogger ?? createLogger(this.id, logLevel)
  }

  /**
   * Finishes what is in flight, cuts, leaves the group and closes the log; nothing of the app keeps
   * the process alive then. A start() under way rejects. Agents, timers and tasks must not await
   * it: it waits for them.
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

  /**
   * This worker leads; false while the app does not run. Throws APP_INVALID where nothing of the
   * app needs a leader (onLeader, the option of a timer or crontab) and setting leader is off.
   */
  isLeader(): boolean {
    if (this.#worker?.leads) return true
    if (this.background.needsLeader || this.settings.leader) return false
    throw new EuphorionError(
      'APP_INVALID',
      'nothing of the app needs a leader: set { leader: true }',
    )
  }

  /** How the worker is: what /health/ready of its web server answers. */
  health(): Health {
    const stopped = { status: 'stopped', ready: false, recovering: 0, stopped: [] } as const
    return this.#worker?.health() ?? { id: this.id, ...stopped }
  }

  /**
   * Answers a request by the app's pages (a standard Request and Response): for servers of others,
   * such as Hono, Next, or Express and Fastify with an adapter. 404 for other paths. `env` is what
   * handlers see as context.env.
   */
  fetch(request: Request, env?: object): Promise<Response> {
    return this.#pages.answer(request, env)
  }

  /** Where each aggregation stands on each partition; empty unless the app runs. */
  statistics(): LaneStatistics[] {
    return this.#worker?.statistics() ?? []
  }

  /** Tables that are being restored from their changelogs; their partitions are read afterwards. */
  recoveries(): RecoveryFacts[] {
    return this.#worker?.recoveries() ?? []
  }

  /**
   * The worker's metrics as Prometheus reads them: what its web server answers at /metrics, for a
   * server of your own. Empty unless the app runs, with `metrics: false`, and in a test driver.
   */
  metrics(): string {
    return this.#worker?.metrics?.text() ?? ''
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

  /** @internal */
  protected agentDeclared(agent: Agent<unknown, unknown, unknown>): void {
    agent.running = { running: () => this.#worker?.agent(agent) }
    const running = this.#worker?.agent(agent)
    if (running === undefined) return
    running.start().catch((error: unknown) => {
      this.#logger?.error({ agent: agent.name, err: error }, 'an agent does not start')
    })
  }

  /** @internal */
  protected reader(table: string): TableReader {
    const reader = this.#worker?.table(table)
    if (reader !== undefined) return reader
    throw new EuphorionError('QUERY_UNAVAILABLE', 'the app does not run', { place: { table } })
  }

  /**
   * The partitions of a table that are on this worker; undefined for an unknown one.
   *
   * @internal
   */
  tableHere(name: string): TableReader | undefined {
    return this.#worker?.table(name, 'here')
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
    const asking = this.#asking
    this.#worker = undefined
    this.#connection = undefined
    this.#opened = undefined
    this.#asking = undefined
    await asking?.close()
    await (await connection?.catch(() => undefined))?.close()
  }
}
