// Everything that this worker runs on one assigned partition: its store, a lane for each
// aggregation over the topic, tables of agents, and the subscribers' sinks. Called by the engine;
// cut by task_cut.ts.
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import { Intake } from '../ingest/intake.ts'
import type { SinkFeed } from '../ingest/sink_feed.ts'
import type { EventSubscriber, SinkHalt } from '../ingest/subscriber.ts'
import type { TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { AgentTablePart } from '../table/agent_part.ts'
import type { ChangelogWriter } from '../table/changelog.ts'
import { readPosition, tableNumber } from '../table/meta.ts'
import { leaveChangelog } from '../table/recovery.ts'
import type { Store } from '../table/store.ts'
import { type AgentSources, agentSources } from './agent_sources.ts'
import { agentsTable, aggregationShape, aggregationTable } from './changelog_tables.ts'
import type { RecoveredTable } from './recovery_partition.ts'
import { TaskLane } from './task_lane.ts'
import type { TaskServices } from './task_services.ts'
import { openTaskStore } from './task_store.ts'

/** What a task that is opened has to know of its partition. */
export interface TaskBeginning {
  /** Where the log begins. */
  readonly earliest: number
  /** The group's offset. */
  readonly committed?: number | undefined
  /** Aborts when the partition is given up meanwhile. */
  readonly signal?: AbortSignal | undefined
}

/** What has been found. */
export interface OpenedState {
  /** Offset that every lane begins at, or behind; undefined without lanes. */
  readonly offset: number | undefined
  /** Nothing was left of the state: the partition is to be read from its beginning. */
  readonly isLost: boolean
}

/** One partition of a table that agents write. */
export interface TaskTable {
  readonly name: string
  readonly state: AgentTablePart
  readonly changelog: ChangelogWriter | undefined
}

export class PartitionTask {
  readonly intake: Intake
  /** Undefined where nothing of the topic is kept. */
  store: Store | undefined
  readonly lanes: TaskLane[] = []
  /** Tables of agents that are kept here. */
  readonly tables: TaskTable[] = []
  readonly #services: TaskServices
  /** It goes back to its last cut, or has had its last one: it is in no other. */
  isGivenUp = false
  #quiet: Promise<unknown> | undefined
  /** Where subscribers have to stop when the partition is opened again. */
  readonly halts = new Map<EventSubscriber, SinkHalt>()
  /** Where subscribers were that were removed while the partition stays. */
  readonly left = new Map<EventSubscriber, number>()
  /** The group's offset as last committed; 0 needs no commit, because there a group begins. */
  committed = 0

  constructor(topic: string, partition: number, services: TaskServices) {
    this.intake = new Intake(topic, partition)
    this.#services = services
  }

  /**
   * Opens the store, has it brought up to its changelogs, and sets the lanes to the cut that it
   * holds then; records before `earliest` are not to be counted although a batch may still have
   * them. Undefined without tables. Rejects with the signal's reason when it aborts.
   */
  async open(
    aggregations: readonly AggregationDefinition[],
    beginning: TaskBeginning,
  ): Promise<OpenedState | undefined> {
    const { settings, appId, openStore, recovery, agentTables } = this.#services
    const { place } = this
    const tables = agentTables.of(place.topic)
    if (tables.length > 0) agentTables.expect(place)
    else await agentTables.ready(place, beginning.signal)
    if (aggregations.length === 0 && tables.length === 0) return undefined
    const kept = await recovery?.take(place)
    this.store = kept ?? (await openTaskStore(openStore, settings, appId, place))
    try {
      const isLost = !(await this.#recover(this.store, aggregations, beginning))
      const stored: number[] = []
      for (const aggregation of aggregations)
        stored.push(await this.#openLane(this.store, aggregation, beginning.earliest))
      for (const state of await agentTables.open(place, this.store)) {
        const changelog = this.#services.changelogs?.writer(state.table)
        this.tables.push({ name: state.name, state, changelog })
      }
      const offset = stored.length === 0 ? undefined : Math.min(...stored)
      return { offset, isLost }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Resolves with false where the state had to be given up. */
  async #recover(
    store: Store,
    aggregations: readonly AggregationDefinition[],
    { committed, signal }: TaskBeginning,
  ): Promise<boolean> {
    const { recovery, appId, agentTables } = this.#services
    const { topic } = this.place
    const hasAgents = this.#services.hasAgents(topic)
    const kept = [
      ...aggregations.map((aggregation) => aggregationTable(appId, aggregation)),
      ...agentTables.of(topic).map(({ definition }) => agentsTable(appId, topic, definition)),
    ]
    const tables: RecoveredTable[] = []
    for (const table of kept) {
      const number = await tableNumber(store, table.name, table.shape)
      tables.push({ ...table, hasAgents, number })
    }
    if (recovery === undefined) {
      for (const { name, number } of tables) await leaveChangelog(store, name, number)
      return true
    }
    return recovery.open(this.place, store, tables, committed, signal)
  }

  /** Resolves with the offset that the store holds. */
  async #openLane(
    store: Store,
    aggregation: AggregationDefinition,
    earliest: number,
  ): Promise<number> {
    const { plan } = aggregation
    const shape = aggregationShape(plan)
    const table = await tableNumber(store, plan.name, shape)
    const services = this.#services
    const lane = await TaskLane.open(
      {
        place: this.place,
        store,
        table,
        shape,
        changelog: services.changelogs?.writer(table),
        aggregation,
        services,
        askForCut: () => services.askForCut(this),
        rewind: (offset) => this.rewind(offset),
        failed: (error) => services.laneFailed(this, plan.name, error),
      },
      earliest,
    )
    this.lanes.push(lane)
    this.intake.lanes.push(lane.feed)
    return (await readPosition(store, table))?.nextOffset ?? 0
  }

  /** Of a subscriber that has gone: its sink was closed, and a cut has what it acknowledged. */
  removeSink(feed: SinkFeed): void {
    const { sinks } = this.intake
    sinks.splice(sinks.indexOf(feed), 1)
    this.#services.agentTables.removeHolder(this.place, feed.sink)
    this.#services.progressed()
  }

  /** Has the partition read from that offset again. */
  rewind(offset: number): void {
    this.intake.rewind(offset)
    this.#services.rewound(this.intake)
  }

  /** A drain has failed of a kernel: every lane goes back to its last cut, or stops. */
  async drainFailed(error: unknown): Promise<void> {
    for (const lane of this.lanes) if (!lane.feed.spoiled) await lane.feed.fail(error)
  }

  /** Where agents stand that write the tables which are kept here. */
  sources(tasks: readonly PartitionTask[]): AgentSources {
    if (this.tables.length === 0) return {}
    const { partition, topic } = this.intake
    const writers = this.#services.agentTables.writers(topic)
    const intakes = tasks.map(({ intake }) => intake)
    return agentSources(
      intakes.filter((each) => each.partition === partition && writers.includes(each.topic)),
    )
  }

  /** Resolves when nothing runs on it that its last cut would not have. Never rejects. */
  quiesce(): Promise<unknown> {
    this.#quiet ??= Promise.all([
      this.intake.quiesce(),
      ...this.tables.map(({ state }) => state.end()),
    ])
    return this.#quiet
  }

  /** The largest offset that a lane or a sink begins at. */
  furthest(): number {
    const sinks = this.intake.sinks.map(({ sink }) => sink.acknowledged())
    return Math.max(0, ...sinks, ...this.lanes.map((lane) => lane.committed.nextOffset))
  }

  get place(): TopicPartition {
    return { topic: this.intake.topic, partition: this.intake.partition }
  }

  /** Late and bad records may be in no topic, by policy: then this is where a person sees them. */
  tellLeftOut(logger: Logger): void {
    for (const { aggregation, committed } of this.lanes) {
      const { counted, late, bad } = committed
      if (late + bad === 0) continue
      const facts = { table: aggregation.plan.name, ...this.place, counted, late, bad }
      logger.info(facts, 'late and bad records so far, which are in no row')
    }
  }

  /**
   * `mayRun`: tasks of the lanes may still be in flight, so that their memory must not become
   * another lane's.
   */
  async close(mayRun = false): Promise<void> {
    const { agentTables, closing } = this.#services
    if (!mayRun) closing?.(this)
    for (const { sink } of this.intake.sinks) {
      // one that was not waited for has no tables to write from now on
      void sink.close()
      agentTables.removeHolder(this.place, sink)
    }
    agentTables.close(
      this.place,
      this.tables.map(({ state }) => state),
    )
    for (const lane of this.lanes) lane.close(mayRun)
    for (const { changelog } of this.tables) changelog?.close()
    const { store } = this
    // a copy of the partition may be wanted here next
    if (store !== undefined)
      await (this.#services.recovery?.leave(this.place, store) ?? store.close())
    // a fetch that waited for this partition alone
    this.#services.progressed()
  }
}
