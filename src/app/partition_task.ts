// Everything that this worker runs on one assigned partition: its store, a lane for each
// aggregation over the topic, and the subscribers' sinks; and the cut that writes them. Called by
// the engine.
import { join } from 'node:path'
import { EuphorionError } from '../errors.ts'
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import { Intake } from '../ingest/intake.ts'
import type { AggregationPlan } from '../kernel/plan.ts'
import type { TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Settings } from '../settings.ts'
import { cutPartition } from '../table/cut.ts'
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

export class PartitionTask {
  readonly intake: Intake
  /** Undefined where no aggregation reads the topic. */
  store: Store | undefined
  readonly lanes: TaskLane[] = []
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
    const table = await tableNumber(store, plan.name, writeShape(keyTypes(plan), plan))
    const services = this.#services
    const lane = await TaskLane.open(
      {
        place: this.place,
        store,
        table,
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

  /**
   * Writes what has changed. `flush` is awaited before anything is committed. A kernel that fails
   * in it sends every lane back to its last cut; when anything else fails they stop there, because
   * what was drained is in no later cut.
   */
  async cut(flush: () => Promise<void>, sync: boolean): Promise<void> {
    const { store, lanes } = this
    if (store === undefined) return
    const running = lanes.filter((lane) => !lane.feed.spoiled)
    let written = false
    try {
      const flushAll = async () => {
        await flush()
        for (const lane of running) await lane.late.flush()
      }
      written = await cutPartition(store, running, { flush: flushAll, sync })
    } catch (error) {
      for (const lane of running) await lane.feed.fail(error)
      if (error instanceof EuphorionError) throw error
    }
    for (const lane of written ? running : [])
      await lane.outputs.written(lane.committed.streamTimeMs)
  }

  /** Offset below which every lane's state is stored; Infinity without lanes. */
  storedOffset(): number {
    return Math.min(...this.lanes.map((lane) => lane.committed.nextOffset))
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
    for (const lane of this.lanes) await lane.close(mayRun)
    await this.store?.close()
    // a fetch that waited for this partition alone
    this.#services.progressed()
  }
}
