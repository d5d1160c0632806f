// One run of an app: services, topics, engine and what runs beside it, from start to stop. Called
// by App.
import { deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { TableReader } from '../ingest/aggregation.ts'
import type { BadRecord, DeadLetters } from '../ingest/dead_letter.ts'
import type { EventSubscriber } from '../ingest/subscriber.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Logger } from '../logger.ts'
import type { Settings } from '../settings.ts'
import type { Agent } from '../stream/agent.ts'
import type { AgentServices } from '../stream/agent_definition.ts'
import type { RunningAgent } from '../stream/agent_port.ts'
import { storeKind } from '../table/open.ts'
import type { App } from './app.ts'
import { Background } from './background.ts'
import { ChannelAgents } from './channel_agents.ts'
import type { Connection } from './connection.ts'
import { workerSockets } from './data_dir.ts'
import { deadline } from './deadline.ts'
import { Engine } from './engine.ts'
import { GroupHooks } from './group_hooks.ts'
import { type Health, HealthBook } from './health.ts'
import { parseKey } from './key_text.ts'
import type { LaneStatistics } from './lane_statistics.ts'
import { leaderSubscriber } from './leader.ts'
import { openDeadLetters } from './open_dead_letters.ts'
import type { PageRoute } from './pages.ts'
import { QueryServer } from './query_server.ts'
import { type QueriedTable, queriedAgentTable } from './read_agent_table.ts'
import type { RecoveryFacts } from './recovery_progress.ts'
import { RejectLog } from './reject_log.ts'
import { replyPort } from './reply_port.ts'
import { RunningAgents } from './running_agents.ts'
import { Services } from './services.ts'
import type { AppSystem } from './system.ts'
import { ensureTopics, type WantedTopic, wantedTopic } from './topics.ts'
import type { WebServer } from './web_server.ts'
import { WorkerMetrics } from './worker_metrics.ts'

export interface WorkerOptions {
  readonly app: App
  readonly settings: Settings
  readonly logger: Logger
  readonly connect: () => Promise<Connection>
  /** Where the worker is simulated. */
  readonly system?: AppSystem | undefined
}

const BYTES_PER_MIB = 1024 ** 2

export class Worker {
  readonly #options: WorkerOptions
  readonly #background: Background
  readonly #services: Services
  #channelAgents: ChannelAgents | undefined
  #engine: Engine | undefined
  #agents: RunningAgents | undefined
  #queries: QueryServer | undefined
  #web: WebServer | undefined
  #starting: Promise<void> | undefined
  #stopping = false
  readonly #health = new HealthBook()
  readonly #ended = deferred()
  readonly #rejects: RejectLog
  /** Undefined where they are off, and where the worker is simulated. */
  readonly metrics: WorkerMetrics | undefined

  constructor(options: WorkerOptions) {
    this.#options = options
    const { app, settings, logger, system } = options
    if (settings.metrics && system === undefined) this.metrics = new WorkerMetrics(options)
    this.#rejects = new RejectLog(logger, app.clock)
    const fail = (error: unknown) => this.#fail(error)
    const mayTick = () => system?.runsTimers?.() !== false
    this.#background = new Background({ ...options, mayTick, fail })
    this.#services = new Services(app.background.services, { app, logger, fail })
  }

  /** Resolves when this run has been stopped; rejects with what made the engine fail. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** Rejects with APP_INVALID where stop() came before it was done. */
  start(): Promise<void> {
    this.#starting = this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    const { app, settings, logger, connect } = this.#options
    const connection = await connect()
    this.#checkGoingOn()
    connection.requireGuarantee(settings)
    await this.metrics?.start()
    await this.#services.start()
    this.#checkGoingOn()
    await this.#ensureTopics(connection)
    const deadLetters = await openDeadLetters(this.#options, connection)
    this.#checkGoingOn()
    const services = this.#agentServices(deadLetters, connection)
    const agents = new RunningAgents({ ...this.#options, connection, services })
    this.#agents = agents
    const subscribers = await agents.open()
    this.#checkGoingOn()
    this.#engine = this.#makeEngine(connection, deadLetters, subscribers)
    this.metrics?.watch(this.#engine, connection, deadLetters)
    await this.#serveWeb(this.#engine)
    this.#channelAgents = new ChannelAgents(app.topology, app.clock, logger)
    await this.#engine.start()
    this.#checkGoingOn()
    agents.opened(this.#engine.subscriptions)
    agents.look()
    await this.#serveQueries(this.#engine)
    this.#health.status = 'running'
    this.#background.start()
    const { address: web } = this.#web ?? {}
    const facts = { broker: settings.broker, agents: app.topology.agents.length, web }
    logger.info({ ...facts, store: storeKind(settings.store) }, 'worker started')
    await app.hooks.tell('started', { app }, logger)
  }

  #checkGoingOn(): void {
    if (!this.#stopping) return
    throw new EuphorionError('APP_INVALID', 'the app was stopped while it started')
  }

  /** Cuts now, where the worker runs. */
  async cut(): Promise<void> {
    if (this.#health.status === 'running' && !this.#stopping) await this.#engine?.cut()
  }

  /** Undefined while the worker has not begun to start. */
  agent(agent: Agent<unknown, unknown, unknown>): RunningAgent | undefined {
    return this.#agents?.of(agent)
  }

  #makeEngine(
    connection: Connection,
    deadLetters: DeadLetters,
    agents: readonly EventSubscriber[],
  ): Engine {
    const { app, settings, logger, system } = this.#options
    return new Engine({
      log: connection.log,
      appId: app.id,
      settings,
      clock: app.clock,
      logger,
      aggregations: app.topology.aggregations.map((each) => ({
        ...each,
        plan: { ...each.plan, maxFutureMs: settings.maxFutureMs },
      })),
      agentTables: app.topology.tables,
      subscribers: [
        ...agents,
        ...(this.#needsLeader ? [leaderSubscriber(this.#background.leader.topic)] : []),
      ],
      group: new GroupHooks({
        app,
        logger,
        leader: this.#background.leader,
        health: this.#health,
      }),
      deadLetters,
      effects: connection.effects,
      sends: connection,
      address: () => this.#web?.address ?? '',
      ...(system && { openStore: system.openStore, plants: system.plants, random: system.random }),
      onBadRecord: this.#badRecord,
      closing: (task) => this.metrics?.closing(task),
      beforeCommit: async () => {
        await connection.sender.flush()
        await deadLetters.flush()
      },
      onError: (error) => this.#fail(error),
      onCut: (cut) => {
        this.metrics?.cut(cut, this.#engine!.cuts.transactionMs)
        app.sensors.tell('onCut', cut)
      },
      ...(app.sensors.has('onBatch') && {
        onBatch: ({ topic, partition, recordCount: records, payload, nextOffset }) => {
          const bytes = payload.length
          app.sensors.tell('onBatch', { topic, partition, records, bytes, nextOffset })
        },
      }),
    })
  }

  readonly #badRecord = (record: BadRecord, policy: BadRecordPolicy): void => {
    this.metrics?.badRecord(record, policy)
    this.#rejects.add(record, policy)
  }

  /** What fails while it starts is thrown by start(). */
  #fail(error: unknown): void {
    if (this.#health.status === 'running')
      this.#options.logger.error({ err: error }, 'the worker cannot go on')
    this.#health.status = 'failed'
    this.#ended.reject(error)
  }

  get #needsLeader(): boolean {
    const { app, settings } = this.#options
    return app.background.needsLeader || settings.leader
  }

  health(): Health {
    const stopped = this.statistics().filter((lane) => lane.stopped)
    return this.#health.read(this.#options.app.id, stopped, this.recoveries().length)
  }

  /** Which worker has the key, as text, of a table. Throws TABLE_UNKNOWN, USAGE. */
  route(table: string, key: string): PageRoute {
    const found = queriedTables(this.#options.app).find(({ plan }) => plan.name === table)
    if (found === undefined)
      throw new EuphorionError('TABLE_UNKNOWN', `there is no table ${table}`, { place: { table } })
    const bytes = found.keys.encode(parseKey(found.plan, found.keys, key))
    return this.#engine?.tables.route(table, bytes) ?? 'unknown'
  }

  /** This worker leads. */
  get leads(): boolean {
    return this.#background.leader.leads
  }

  /**
   * Also while it starts, and after that has failed. Rejects with APP_INVALID when it takes longer
   * than shutdownTimeoutMs; then the last cut counts.
   */
  async stop(): Promise<void> {
    const { app, settings, logger } = this.#options
    this.#stopping = true
    if (this.#health.status !== 'failed') this.#health.status = 'stopping'
    const hasStarted = await this.#starting?.then(
      () => true,
      () => false,
    )
    const { promise, cancel } = deadline(app.clock, settings.shutdownTimeoutMs)
    try {
      await Promise.race([this.#stopParts(hasStarted === true), promise])
      if (hasStarted) logger.info({}, 'worker stopped')
      this.#ended.resolve()
    } catch (error) {
      this.#ended.reject(error)
      await this.#queries?.close()
      await this.#web?.close()
      await this.#engine?.abort().catch(() => undefined)
      void this.#services.stop()
      void this.metrics?.close()
      throw error
    } finally {
      cancel()
    }
  }

  /** Undefined while the app has not started. 'here': only the partitions of this worker. */
  table(name: string, scope: 'here' | 'everywhere' = 'everywhere'): TableReader | undefined {
    return this.#engine?.tables.reader(name, scope)
  }

  /** Where each aggregation stands on each partition; empty while the app has not started. */
  statistics(): LaneStatistics[] {
    return this.#engine?.statistics() ?? []
  }

  recoveries(): RecoveryFacts[] {
    return this.#engine?.recoveries() ?? []
  }

  async #stopParts(hasStarted: boolean): Promise<void> {
    const { app, logger } = this.#options
    if (hasStarted) await app.hooks.tell('beforeShutdown', { app }, logger)
    this.#agents?.stop()
    await this.#background.stop()
    await this.#queries?.close()
    await this.#web?.drain()
    try {
      await this.#engine?.stop()
    } finally {
      // agents of topics send to channels until they have ended
      await this.#channelAgents?.stop()
      await this.#web?.close()
      await this.metrics?.close()
      await this.#services.stop()
    }
    if (hasStarted) await app.hooks.tell('stopped', { app }, logger)
  }

  /** Other commands read the tables through the worker while it has them open. */
  async #serveQueries(engine: Engine): Promise<void> {
    const { app, settings, logger, system } = this.#options
    const queried = queriedTables(app)
    if (queried.length === 0 || system !== undefined) return
    this.#queries = new QueryServer({
      queried,
      reader: (...asked) => engine.tables.reader(...asked),
    })
    try {
      await this.#queries.start(workerSockets(settings.dataDir, app.id))
    } catch (error) {
      logger.warn({ err: error }, 'this worker does not answer `euphorion table`')
    }
  }

  /** Others are told where as soon as this worker joins them. */
  async #serveWeb(engine: Engine): Promise<void> {
    const { app, settings, logger } = this.#options
    const queried = queriedTables(app)
    const wanted = queried.length > 0 || app.served.pages.length > 0 || settings.webPort !== 0
    if (!settings.web || !wanted) return
    const { clock } = app
    const { tables } = engine
    // its modules take as long to load as all that a small app needs
    const { WebServer } = await import('./web_server.ts')
    this.#web = new WebServer({
      app,
      settings,
      clock,
      queried,
      reader: (table) => tables.reader(table, 'everywhere'),
      part: (table, partition, stale) => tables.part(table, partition, stale),
      metrics: this.metrics && (() => this.metrics!.text()),
    })
    await this.#web.start()
    logger.debug({ address: this.#web.address }, 'serves HTTP')
  }

  async #ensureTopics(connection: Connection): Promise<void> {
    const { app, settings, logger } = this.#options
    const wanted: WantedTopic[] = [...app.topology.topics.values()].map(wantedTopic)
    if (this.#needsLeader) wanted.push({ name: this.#background.leader.topic, partitions: 1 })
    const created = await ensureTopics(connection.log, wanted, {
      create: settings.createTopics,
      partitions: settings.topicPartitions,
    })
    if (created.length > 0) logger.info({ topics: created }, 'created topics')
  }

  #agentServices(deadLetters: DeadLetters, connection: Connection): AgentServices {
    const { app, settings, logger, system } = this.#options
    return {
      clock: app.clock,
      deadLetters,
      replies: replyPort(connection, app.clock, logger),
      reading: {
        decompressedBytesMax: settings.maxDecompressedMib * BYTES_PER_MIB,
        checkCrcs: settings.checkCrcs,
      },
      unackedMax: settings.unackedMax,
      supervision: settings,
      random: this.#options.system?.random,
      effects: connection.effects,
      cutsRest: settings.guarantee === 'exactly_once' || app.topology.tables.length > 0,
      goBack: () => void this.#engine?.cut().catch(() => undefined),
      onFailed: (failed) => this.#rejects.failed(failed),
      onFunctionFailed: (agent, error) =>
        logger.error({ agent, err: error }, 'onError of an agent failed'),
      onCrash: (error) => this.#fail(error),
      extraction: () => this.#engine?.extraction(),
      onStopped: (error) => {
        if (isPassing(error)) {
          // it goes back to the last cut with everything else
          logger.warn({ ...error.place, err: error }, error.message)
          return
        }
        logger.error({ ...error.place, err: error }, error.message)
        this.#health.stoppedAt(error.place)
        this.#engine?.subscriberStopped(error)
      },
      onBadRecord: this.#badRecord,
      ...(system?.tap && { tap: system.tap }),
    }
  }
}

function queriedTables({ topology }: App): QueriedTable[] {
  return [...topology.aggregations, ...topology.tables.map(queriedAgentTable)]
}

/** What it sent was refused because its transaction could not be committed. */
function isPassing({ cause }: EuphorionError): boolean {
  return cause instanceof EuphorionError && cause.code === 'TRANSACTION_ABORTED'
}
