// One aggregation's lane on one partition: its kernel, the feed in front of it, and what becomes of
// records that it refuses. Made by PartitionTask.open() over the state that the store holds.
import { KEY_TABLE_BYTES, readSliceStart } from '../batch/keys.ts'
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import type { BadRecord } from '../ingest/dead_letter.ts'
import { LaneFeed } from '../ingest/lane_feed.ts'
import { PendingSends } from '../ingest/pending_sends.ts'
import type { LaneCounters, LaneKernel, LaneOptions, LanePosition } from '../kernel/lane.ts'
import { ReferenceLane } from '../kernel/reference/lane.ts'
import { type StateLayout, stateLayout } from '../kernel/state.ts'
import { WasmLane } from '../kernel/wasm_lane.ts'
import type { TopicPartition } from '../log/log.ts'
import type { CutLane } from '../table/cut.ts'
import { readPosition } from '../table/meta.ts'
import type { Store } from '../table/store.ts'
import { LaneOutputs } from './lane_outputs.ts'
import type { TaskServices } from './task_services.ts'

export interface TaskLaneOptions {
  readonly place: TopicPartition
  readonly store: Store
  /** Number of the table in the store. */
  readonly table: number
  readonly aggregation: AggregationDefinition
  readonly services: TaskServices
  readonly askForCut: () => void
  /** Has the partition read from that offset again. */
  readonly rewind: (offset: number) => void
  readonly failed: (error: unknown) => void
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

export class TaskLane implements CutLane {
  readonly aggregation: AggregationDefinition
  readonly feed: LaneFeed
  readonly table: number
  readonly layout: StateLayout
  readonly outputs: LaneOutputs
  /** Late records on their way. */
  readonly late = new PendingSends()
  committed: LaneCounters = nothing
  cutting: Promise<void> | undefined
  readonly #options: TaskLaneOptions

  private constructor(options: TaskLaneOptions) {
    const { aggregation, store, table } = options
    const { plan, keys } = aggregation
    this.#options = options
    this.aggregation = aggregation
    this.table = table
    this.layout = stateLayout(plan)
    this.feed = this.#makeFeed()
    const layout = { layout: this.layout, window: plan.window, decodeKey: keys.decode }
    this.outputs = new LaneOutputs(store, table, layout, aggregation)
  }

  /** At the cut that the store holds, but not before `earliest`, where the log begins. */
  static async open(options: TaskLaneOptions, earliest: number): Promise<TaskLane> {
    const lane = new TaskLane(options)
    const stored = (await readPosition(options.store, options.table)) ?? nothing
    lane.committed = { ...stored, nextOffset: Math.max(stored.nextOffset, earliest) }
    lane.feed.lane.restore(await lane.#position())
    await lane.outputs.open(lane.committed.streamTimeMs)
    return lane
  }

  /**
   * Goes back to the last cut: the one under way, if it holds the lane's rows already. Resolves
   * with the offset to read from.
   */
  async #restore(): Promise<number> {
    await this.cutting
    this.feed.lane.restore(await this.#position())
    return this.committed.nextOffset
  }

  async #position(): Promise<LanePosition> {
    const { store, table, aggregation } = this.#options
    const windowed = aggregation.plan.window !== undefined
    return { ...this.committed, storedThroughMs: await storedThrough(store, table, windowed) }
  }

  #makeKernel(): LaneKernel {
    const { aggregation, table, services } = this.#options
    const { settings, clock, memory, executor, laneBytesMax } = services
    const { plan, onBadRecord, late } = aggregation
    const options: LaneOptions = { plan, table, onBadRecord, collectLate: late.length > 0, clock }
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

  #makeFeed(): LaneFeed {
    const { place, services, askForCut, rewind, failed } = this.#options
    const { settings, progressed } = services
    return new LaneFeed({
      ...place,
      lane: this.#makeKernel(),
      queueMax: settings.laneQueueBatches,
      retriesMax: settings.laneRetries,
      reject: (record) => this.#reject(record),
      askForCut,
      restore: () => this.#restore(),
      rewind,
      progressed,
      failed: (error) => {
        failed(error)
        progressed()
      },
    })
  }

  async #reject(record: BadRecord): Promise<void> {
    const { late, onBadRecord: policy } = this.aggregation
    if (record.reason === 'late') {
      const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0)
      for (const send of late) await this.late.add(bytes, () => send(record))
      return
    }
    const { deadLetters, onBadRecord } = this.#options.services
    onBadRecord?.(record, policy)
    await deadLetters.add(record)
  }

  /** `mayRun`: a task of the lane may be in flight, so its memory must not become another's. */
  async close(mayRun: boolean): Promise<void> {
    if (!mayRun) this.feed.lane.close()
    await this.outputs.close()
  }
}
