// Everything that this worker runs on one assigned partition: its store, a lane for each
// aggregation over the topic, and the subscribers' sinks; and the cut that writes them. Called by
// the engine.
import { join } from 'node:path'
import { KEY_TABLE_BYTES, readSliceStart } from '../batch/keys.ts'
import type { SharedMemory } from '../batch/memory.ts'
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import type { BadRecord, DeadLetters } from '../ingest/dead_letter.ts'
import { Intake } from '../ingest/intake.ts'
import { LaneFeed } from '../ingest/lane_feed.ts'
import { PendingSends } from '../ingest/pending_sends.ts'
import type { Executor } from '../kernel/executor.ts'
import type {
  BadRecordPolicy,
  LaneCounters,
  LaneKernel,
  LaneOptions,
  LanePosition,
} from '../kernel/lane.ts'
import type { AggregationPlan } from '../kernel/plan.ts'
import { ReferenceLane } from '../kernel/reference/lane.ts'
import { stateLayout } from '../kernel/state.ts'
import { WasmLane } from '../kernel/wasm_lane.ts'
import type { TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Settings } from '../settings.ts'
import { type CutLane, cutPartition } from '../table/cut.ts'
import { readPosition, tableNumber } from '../table/meta.ts'
import type { StoreOpener } from '../table/open.ts'
import { writeShape } from '../table/shape.ts'
import type { Store } from '../table/store.ts'
import { tablesPath } from './data_dir.ts'
import { LaneOutputs } from './lane_outputs.ts'

/** What tasks share. */
export interface TaskServices {
  readonly appId: string
  readonly settings: Settings
  readonly clock: Clock
  readonly memory: SharedMemory
  readonly openStore: StoreOpener
  /** Undefined for backend js. */
  readonly executor: Executor | undefined
  /** Bound of one lane's table, bytes. */
  readonly laneBytesMax: number
  readonly deadLetters: DeadLetters
  readonly onBadRecord?: ((record: BadRecord, policy: BadRecordPolicy) => void) | undefined
  readonly askForCut: (task: PartitionTask) => void
  readonly rewound: (intake: Intake) => void
  readonly progressed: () => void
  readonly laneFailed: (task: PartitionTask, table: string, error: unknown) => void
}

const MIB = 1 << 20
const nothing: LaneCounters = {
  nextOffset: 0,
  streamTimeMs: -1,
  counted: 0,
  late: 0,
  bad: 0,
  filtered: 0,
}

/** Names and types of what makes the key; a table keyed otherwise is another table. */
function keyTypes({ key, columns }: AggregationPlan): string[] {
  if (key.from === 'record') return ['record key']
  return key.columns.map((column) => `${columns[column].path.join('.')} ${columns[column].type}`)
}

/** Slices of the table up to this may be in the store. */
async function storedThrough(store: Store, table: number, windowed: boolean): Promise<number> {
  const from = Buffer.alloc(KEY_TABLE_BYTES)
  const to = Buffer.alloc(KEY_TABLE_BYTES)
  from.writeUInt16BE(table)
  to.writeUInt16BE(table + 1)
  for await (const [key] of store.scan({ gte: from, lt: to, reverse: true, limit: 1 })) {
    return windowed ? readSliceStart(key) : Number.POSITIVE_INFINITY
  }
  return Number.NEGATIVE_INFINITY
}

/** An aggregation's lane on this partition. */
export interface TaskLane extends CutLane {
  readonly aggregation: AggregationDefinition
  readonly outputs: LaneOutputs
  /** Late records on their way. */
  readonly late: PendingSends
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
    const kernel = this.#makeKernel(aggregation, table)
    const late = new PendingSends()
    const feed = this.#makeFeed(aggregation, kernel, late)
    const stored = (await readPosition(store, table)) ?? nothing
    const committed = { ...stored, nextOffset: Math.max(stored.nextOffset, earliest) }
    const layout = stateLayout(plan)
    const { decode: decodeKey } = aggregation.keys
    const outputs = new LaneOutputs(
      store,
      table,
      { layout, window: plan.window, decodeKey },
      aggregation,
    )
    const cutting = undefined
    const lane: TaskLane = { aggregation, feed, table, layout, committed, cutting, outputs, late }
    kernel.restore(await this.#position(store, table, committed, plan.window !== undefined))
    this.lanes.push(lane)
    this.intake.lanes.push(feed)
    await outputs.open(committed.streamTimeMs)
    return stored.nextOffset
  }

  async #position(
    store: Store,
    table: number,
    cut: LaneCounters,
    windowed: boolean,
  ): Promise<LanePosition> {
    return { ...cut, storedThroughMs: await storedThrough(store, table, windowed) }
  }

  #makeKernel(aggregation: AggregationDefinition, table: number): LaneKernel {
    const { settings, clock, memory, executor, laneBytesMax } = this.#services
    const { plan, onBadRecord } = aggregation
    const options: LaneOptions = {
      plan,
      table,
      onBadRecord,
      collectLate: aggregation.late.length > 0,
      clock,
    }
    const inflatedBytesMax = settings.maxDecompressedMib * MIB
    if (executor === undefined) return new ReferenceLane(options, { inflatedBytesMax })
    return new WasmLane({
      ...options,
      memory,
      executor,
      checkCrcs: settings.checkCrcs,
      arenaBytesMax: laneBytesMax,
      inflatedBytesMax,
    })
  }

  #makeFeed(definition: AggregationDefinition, lane: LaneKernel, late: PendingSends): LaneFeed {
    const { name } = definition.plan
    const { settings, askForCut, progressed, laneFailed } = this.#services
    const { topic, partition } = this.intake
    return new LaneFeed({
      topic,
      partition,
      lane,
      queueMax: settings.laneQueueBatches,
      retriesMax: settings.laneRetries,
      reject: (record) => this.#reject(definition, late, record),
      askForCut: () => askForCut(this),
      restore: () => this.#restore(name),
      rewind: (offset) => this.rewind(offset),
      progressed,
      failed: (error) => {
        laneFailed(this, name, error)
        progressed()
      },
    })
  }

  async #reject(
    { late, onBadRecord: policy }: AggregationDefinition,
    pending: PendingSends,
    record: BadRecord,
  ): Promise<void> {
    if (record.reason === 'late') {
      const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0)
      for (const send of late) await pending.add(bytes, () => send(record))
      return
    }
    const { deadLetters, onBadRecord } = this.#services
    onBadRecord?.(record, policy)
    await deadLetters.add(record)
  }

  /** Has the partition read from that offset again. */
  rewind(offset: number): void {
    this.intake.rewind(offset)
    this.#services.rewound(this.intake)
  }

  /** Puts one lane back to the last cut: the one under way, if it holds the lane's rows already. */
  async #restore(name: string): Promise<number> {
    const lane = this.lanes.find((each) => each.aggregation.plan.name === name)!
    await lane.cutting
    const { window } = lane.aggregation.plan
    lane.feed.lane.restore(
      await this.#position(this.store!, lane.table, lane.committed, window !== undefined),
    )
    return lane.committed.nextOffset
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
    for (const { feed, outputs } of this.lanes) {
      if (!mayRun) feed.lane.close()
      await outputs.close()
    }
    await this.store?.close()
    // a fetch that waited for this partition alone
    this.#services.progressed()
  }
}
