// One aggregation's lane on one partition: its kernel, the feed in front of it, and what becomes of
// records that it refuses. Made by PartitionTask.open() over the state that the store holds.
import { KEY_TABLE_BYTES, readSliceStart } from '../batch/keys.ts'
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import type { BadRecord } from '../ingest/dead_letter.ts'
import { LaneFeed } from '../ingest/lane_feed.ts'
import { PendingSends } from '../ingest/pending_sends.ts'
import type { RowSink } from '../ingest/rows.ts'
import type { LaneCounters, LaneKernel, LaneOptions, LanePosition } from '../kernel/lane.ts'
import { ReferenceLane } from '../kernel/reference/lane.ts'
import { type StateLayout, stateLayout } from '../kernel/state.ts'
import { WasmLane } from '../kernel/wasm_lane.ts'
import type { TopicPartition } from '../log/log.ts'
import type { ChangelogWriter } from '../table/changelog.ts'
import type { CutLane, DrainedLane } from '../table/cut.ts'
import { Expiry } from '../table/expiry.ts'
import { readPosition } from '../table/meta.ts'
import type { Store } from '../table/store.ts'
import { LaneOutputs } from './lane_outputs.ts'
import type { TaskServices } from './task_services.ts'

export interface TaskLaneOptions {
  readonly place: TopicPartition
  readonly store: Store
  /** Number of the table in the store. */
  readonly table: number
  /** What the store and the changelog say of the table. */
  readonly shape: string
  /** Where its changes go; undefined without changelogs. */
  readonly changelog: ChangelogWriter | undefined
  readonly aggregation: AggregationDefinition
  readonly services: TaskServices
  readonly askForCut: () => void
  /** Has the partition read from that offset again. */
  readonly rewind: (offset: number) => void
  readonly failed: (error: unknown) => void
}

const MIB = 1 << 20
/** Late and bad records that wait for a cut, where they do; then the lane waits too. */
const HELD_MAX = 10_000
const HELD_BYTES_MAX = 8 * MIB
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
  readonly changelog: ChangelogWriter | undefined
  readonly expiry: Expiry | undefined
  readonly wantsView: boolean
  committed: LaneCounters = nothing
  /** What it began with. */
  opened: LaneCounters = nothing
  cutting: Promise<void> | undefined
  readonly #options: TaskLaneOptions
  readonly #outputs: LaneOutputs
  /** Late records on their way. */
  readonly #late = new PendingSends()
  /** Late and bad records since the lane was drained, which count with its next rows. */
  #held: BadRecord[] = []
  #heldBytes = 0
  /** Those up to the last drain. */
  #due: BadRecord[] = []

  private constructor(options: TaskLaneOptions) {
    const { aggregation, store, table } = options
    const { plan, keys } = aggregation
    this.#options = options
    this.aggregation = aggregation
    this.table = table
    this.layout = stateLayout(plan)
    this.changelog = options.changelog
    this.expiry = plan.window && new Expiry({ store, number: table }, plan.window)
    this.feed = this.#makeFeed()
    const layout = { layout: this.layout, window: plan.window, decodeKey: keys.decode }
    this.#outputs = new LaneOutputs(table, layout, aggregation)
    this.wantsView = this.#outputs.isWanted
  }

  /** At the cut that the store holds, but not before `earliest`, where the log begins. */
  static async open(options: TaskLaneOptions, earliest: number): Promise<TaskLane> {
    const lane = new TaskLane(options)
    const stored = (await readPosition(options.store, options.table)) ?? nothing
    lane.committed = { ...stored, nextOffset: Math.max(stored.nextOffset, earliest) }
    lane.opened = lane.committed
    lane.feed.lane.restore(await lane.#position())
    return lane
  }

  get shape(): string {
    return this.#options.shape
  }

  /**
   * Goes back to the last cut: the one under way, if it holds the lane's rows already. Resolves
   * with the offset to read from.
   */
  async #restore(): Promise<number> {
    await this.cutting
    this.#held = []
    this.#heldBytes = 0
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
    const collectLate = late.length > 0
    const isTimed = settings.metrics
    const options: LaneOptions = { plan, table, onBadRecord, collectLate, clock, isTimed }
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
    const { settings, progressed, dirtyBytesMax } = services
    return new LaneFeed({
      ...place,
      lane: this.#makeKernel(),
      queueMax: settings.laneQueueBatches,
      retriesMax: settings.laneRetries,
      reject: (record) => this.#reject(record),
      mustCut: () => this.#held.length > HELD_MAX || this.#heldBytes > HELD_BYTES_MAX,
      dirtyBytesMax,
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
    const { services } = this.#options
    if (record.reason !== 'late') services.onBadRecord?.(record, this.aggregation.onBadRecord)
    if (!services.isExactlyOnce) return this.#pass(record, undefined)
    this.#held.push(record)
    this.#heldBytes += bytesOf(record)
  }

  /** On to where late or bad records go. */
  async #pass(record: BadRecord, to: RowSink | undefined): Promise<void> {
    if (record.reason !== 'late') return this.#options.services.deadLetters.add(record, to)
    for (const late of this.aggregation.late)
      await this.#late.add(bytesOf(record), () => late.send(record, to))
  }

  drained(): void {
    this.#due = this.#held
    this.#held = []
    this.#heldBytes = 0
  }

  /**
   * Sends what a cut of the lane makes due; resolves when it is stored, and what was sent before.
   * `to`: where it counts with the cut.
   */
  async sendDue(drained: DrainedLane<TaskLane>, to: RowSink | undefined): Promise<void> {
    for (const record of this.#due.splice(0)) await this.#pass(record, to)
    const { view, before, after } = drained
    const times = { beforeMs: before.streamTimeMs, afterMs: after.streamTimeMs }
    if (view !== undefined) await this.#outputs.send({ view, ...times }, to)
    await this.#late.flush()
  }

  /** `mayRun`: a task of the lane may be in flight, so its memory must not become another's. */
  close(mayRun: boolean): void {
    if (mayRun) return
    if (!this.feed.isAbandoned) this.feed.lane.close()
    this.changelog?.close()
  }
}

function bytesOf({ key, value }: BadRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}
