// Everything that this worker runs on one assigned partition: its store, a lane for each
// aggregation over the topic, tables of agents, and the subscribers' sinks. Called by the engine;
// cut by task_cut.ts.
import { join } from 'node:path'
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import { Intake } from '../ingest/intake.ts'
import type { AggregationPlan } from '../kernel/plan.ts'
import type { TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Settings } from '../settings.ts'
import type { ChangelogWriter } from '../table/changelog.ts'
import { readPosition, tableNumber } from '../table/meta.ts'
import { writeShape } from '../table/shape.ts'
import type { Store } from '../table/store.ts'
import { tablesPath } from './data_dir.ts'
import { TaskLane } from './task_lane.ts'
import type { TaskServices } from './task_services.ts'

const MIB = 1 << 20

/** Names and types of what makes the key; a table keyed otherwise is another table. */
function keyTypes({ key, columns }: AggregationPlan): string[] {
  if (key.from === 'record') return ['record key']
  return key.columns.map((column) => `${columns[column].path.join('.')} ${columns[column].type}`)
}

/** One partition of a table that agents write. */
export interface TaskTable {
  readonly name: string
  readonly state: TablePartState
  readonly changelog: ChangelogWriter | undefined
}

/** What a cut asks of it (table/agent_table.ts). */
export interface TablePartState {
  /** Number of the table in the store. */
  readonly table: number
  readonly shape: string
  readonly dirty: boolean
  /** Packed rows of what has changed since the last take. */
  take(): Uint8Array
  /** The rows taken are in the store. */
  written(): void
}

export class PartitionTask {
  readonly intake: Intake
  /** Undefined where no aggregation reads the topic. */
  store: Store | undefined
  readonly lanes: TaskLane[] = []
  /** Tables of agents that are kept here. */
  readonly tables: TaskTable[] = []
  readonly #services: TaskServices
  /** The group's offset as last committed; 0 needs no commit, because there a group begins. */
  committed = 0

  constructor(topic: string, partition: number, services: TaskServices) {
    this.intake = new Intake(topic, partition)
    this.#services = services
  }

  /** Where the state of this partition is kept. */
  static storePath(settings: Settings, appId: string, topic: string, partition: number): string {
    return join(tablesPath(settings.dataDir, appId), topic, String(partition))
  }

  /**
   * Opens the store and sets the lanes to the cut that it holds; records before `earliest`, where
   * the log begins, are not to be counted although a batch may still have them. Resolves with the
   * offset that the store holds.
   */
  async open(
    aggregations: readonly AggregationDefinition[],
    earliest: number,
  ): Promise<number | undefined> {
    if (aggregations.length === 0) return undefined
    const { settings, appId, openStore } = this.#services
    const { topic, partition } = this.intake
    const path = PartitionTask.storePath(settings, appId, topic, partition)
    this.store = await openStore(settings.store, path, {
      writeBufferBytes: settings.writeBufferMib * MIB,
      cacheBytes: settings.cacheMib * MIB,
    })
    try {
      const stored: number[] = []
      for (const aggregation of aggregations)
        stored.push(await this.#openLane(this.store, aggregation, earliest))
      return Math.min(...stored)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Resolves with the offset that the store holds. */
  async #openLane(
    store: Store,
    aggregation: AggregationDefinition,
    earliest: number,
  ): Promise<number> {
    const { plan } = aggregation
    const shape = writeShape(keyTypes(plan), plan)
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

  /** Has the partition read from that offset again. */
  rewind(offset: number): void {
    this.intake.rewind(offset)
    this.#services.rewound(this.intake)
  }

  /** A drain has failed of a kernel: every lane goes back to its last cut, or stops. */
  async drainFailed(error: unknown): Promise<void> {
    for (const lane of this.lanes) if (!lane.feed.spoiled) await lane.feed.fail(error)
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
    for (const lane of this.lanes) lane.close(mayRun)
    for (const { changelog } of this.tables) changelog?.close()
    await this.store?.close()
    // a fetch that waited for this partition alone
    this.#services.progressed()
  }
}
