// What one partition's tables have at one moment, and its store does not: drained from the lanes
// and from the tables of agents into a batch for the store and into changelogs, to be written once
// the log has it, or dropped. Lanes stop only while they are drained. Called by app/task_cut.ts.
//
//   hold lane ─▶ drain ─▶ (deltas: merge with the store, absorb) ─▶ release
//                  ▲                      │      └─▶ rows to the batch, the changelog, the view
//                  └── more dirty cells ◀─┘
import { eachRow, ROW_DELTA, ROW_HEADER_BYTES, ROW_PUT } from '../batch/rows.ts'
import type { LaneFeed } from '../ingest/lane_feed.ts'
import { mergeStates } from '../kernel/aggregates.ts'
import type { LaneCounters } from '../kernel/lane.ts'
import type { StateLayout } from '../kernel/state.ts'
import { EXPIRED_ROWS_MIN, type ExpiredCells, type Expiry } from './expiry.ts'
import { writePosition } from './meta.ts'
import { Overlay } from './overlay.ts'
import { MISSING, ValueReader } from './packed.ts'
import type { Store, StoreBatch } from './store.ts'

/** Where the rows of a table go besides the store. */
export interface CutChangelog {
  /** Packed rows (puts, deletes), which are theirs only until it resolves. */
  add(rows: Uint8Array): Promise<void>
  drop(): void
}

/** One lane of the partition. */
export interface CutLane {
  readonly feed: LaneFeed
  /** Number of the table in this store. */
  readonly table: number
  readonly layout: StateLayout
  readonly changelog: CutChangelog | undefined
  /** Undefined for tables that keep everything. */
  readonly expiry: Expiry | undefined
  /** Somebody reads the table as of the cut: results. */
  readonly wantsView: boolean
  /** The position of the last cut. */
  committed: LaneCounters
  /**
   * Settles when the cut that has drained the lane is written, or given up: only then is
   * `committed` what the store holds. Undefined when no cut is so far.
   */
  cutting: Promise<void> | undefined
  /** Called while the lane stands still: what it has besides its rows. */
  drained(): void
}

/** A lane between its last cut and this one. */
export interface DrainedLane<Lane extends CutLane> {
  readonly lane: Lane
  readonly before: LaneCounters
  readonly after: LaneCounters
  /** The store with the rows of the lane; where the lane wants it. */
  readonly view: Overlay | undefined
  readonly expired: ExpiredCells | undefined
}

/** No row is smaller, in bytes, but few are as small. */
const ROW_BYTES = 32

/** Replaces deltas by whole states, in place. */
async function mergeDeltas(store: Store, layout: StateLayout, rows: Uint8Array): Promise<void> {
  const stored = new ValueReader(await store.getDeltas(rows))
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
  eachRow(rows, (op, keyStart, keyEnd) => {
    if (op !== ROW_DELTA) return
    rows[keyStart - ROW_HEADER_BYTES] = ROW_PUT
    const old = stored.next()
    if (stored.length !== MISSING) mergeStates(layout, view, keyEnd, stored.view, old)
  })
}

/** A lane is left alone when nothing has moved since its last cut. */
function isClean({ feed, committed, expiry }: CutLane): boolean {
  if (feed.waitsForCut || expiry?.isBehind) return false
  return feed.lane.counters().nextOffset === committed.nextOffset
}

export class PartitionCut<Lane extends CutLane> {
  readonly store: Store
  /** What belongs to the rows may be added to it until it is written. */
  readonly batch: StoreBatch
  readonly lanes: DrainedLane<Lane>[] = []
  readonly #begun = new Set<Lane>()
  readonly #settled: Promise<void>
  #settle = (): void => undefined

  private constructor(store: Store) {
    this.store = store
    this.batch = store.batch()
    this.#settled = new Promise<void>((resolve) => {
      this.#settle = resolve
    })
  }

  /**
   * Undefined where nothing has moved and there are no rows of others. When it rejects every lane
   * of the partition has to go back to its last cut: cells that were drained are taken for written.
   */
  static async drain<Lane extends CutLane>(
    store: Store,
    lanes: readonly Lane[],
    hasOthers: boolean,
  ): Promise<PartitionCut<Lane> | undefined> {
    const moved = lanes.filter((lane) => !isClean(lane))
    if (moved.length === 0 && !hasOthers) return undefined
    const cut = new PartitionCut<Lane>(store)
    try {
      for (const lane of moved) await cut.#drain(lane)
    } catch (error) {
      cut.drop()
      throw error
    }
    return cut
  }

  async #drain(lane: Lane): Promise<void> {
    const { feed, layout, changelog, committed: before } = lane
    const kernel = feed.lane
    const view = lane.wantsView ? new Overlay(this.store) : undefined
    await feed.hold()
    let held = true
    let bytes = 0
    this.#begun.add(lane)
    try {
      for (;;) {
        const status = await kernel.drain()
        const rows = kernel.rows()
        if (kernel.deltas() > 0) {
          await mergeDeltas(this.store, layout, rows)
          await kernel.absorb(rows)
        }
        const after = kernel.counters()
        if (status === 'done') {
          await (feed.wantsRoom ? kernel.evict() : kernel.tidy())
          lane.drained()
          lane.cutting = this.#settled
          // the rows buffer is the next drain's: the lane may run on while it is copied
          feed.release()
          held = false
        }
        bytes += rows.length
        view?.add(rows)
        await Promise.all([this.batch.putRows(rows), changelog?.add(rows)])
        if (status === 'full') continue
        const expired = await this.#expire(lane, after, bytes)
        writePosition(this.batch, lane.table, after)
        this.lanes.push({ lane, before, after, view, expired })
        return
      }
    } finally {
      if (held) feed.release()
    }
  }

  async #expire(
    { expiry, changelog }: Lane,
    { streamTimeMs }: LaneCounters,
    bytes: number,
  ): Promise<ExpiredCells | undefined> {
    const rowsMax = Math.max(EXPIRED_ROWS_MIN, Math.ceil((2 * bytes) / ROW_BYTES))
    const expired = await expiry?.take(streamTimeMs, rowsMax)
    if (expired?.tombstones !== undefined) await changelog?.add(expired.tombstones)
    await expired?.apply(this.batch)
    return expired
  }

  /** Atomic. When it rejects nothing was written. */
  async write(options: { readonly sync: boolean }): Promise<void> {
    await this.batch.commit(options)
    for (const { lane, after, expired } of this.lanes) {
      expired?.written()
      lane.committed = after
      lane.feed.cutWritten()
    }
    this.#end()
  }

  /** Nothing of it will be in the store. */
  drop(): void {
    this.batch.drop()
    this.#end()
  }

  #end(): void {
    for (const lane of this.#begun) {
      lane.cutting = undefined
      lane.changelog?.drop()
    }
    this.#settle()
  }
}
