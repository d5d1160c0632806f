// The cut of one partition: its lanes' changed cells, positions and what else belongs to them go to
// the store in one atomic batch. Lanes stop only while they are drained. Called by the engine,
// which sees to it that cuts never overlap.
//
//   hold lane ─▶ drain ─▶ (deltas: merge with the store, absorb) ─▶ rows into the batch ─▶ release
//                  ▲                                          │
//                  └────────── more dirty cells ◀─────────────┘         … all lanes ─▶ commit
import { eachRow, ROW_DELTA, ROW_HEADER_BYTES, ROW_PUT } from '../batch/rows.ts'
import type { LaneFeed } from '../ingest/lane_feed.ts'
import { mergeStates } from '../kernel/aggregates.ts'
import type { LaneCounters } from '../kernel/lane.ts'
import type { StateLayout } from '../kernel/state.ts'
import { writePosition } from './meta.ts'
import { MISSING, ValueReader } from './packed.ts'
import type { Store, StoreBatch } from './store.ts'

/** Who has to hear of what a cut writes. */
export interface CutOutputs {
  /** Packed rows of whole states; theirs only during the call. */
  drained(rows: Uint8Array): void
  /** May add rows of its own. */
  note(batch: StoreBatch): void
  forget(): void
}

/** One lane of the partition. */
export interface CutLane {
  readonly feed: LaneFeed
  /** Number of the table in this store. */
  readonly table: number
  readonly layout: StateLayout
  /** The position of the last cut. */
  committed: LaneCounters
  /**
   * Settles when the cut that has drained the lane is written, or given up: only then is
   * `committed` what the store holds. Undefined when no cut is so far.
   */
  cutting: Promise<void> | undefined
  readonly outputs: CutOutputs
}

/** Replaces deltas by whole states, in place; answers whether there were any. */
async function mergeDeltas(store: Store, layout: StateLayout, rows: Uint8Array): Promise<boolean> {
  let deltas = 0
  eachRow(rows, (op) => {
    if (op === ROW_DELTA) deltas++
  })
  if (deltas === 0) return false
  const stored = new ValueReader(await store.getDeltas(rows))
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
  eachRow(rows, (op, keyStart, keyEnd) => {
    if (op !== ROW_DELTA) return
    rows[keyStart - ROW_HEADER_BYTES] = ROW_PUT
    const old = stored.next()
    if (stored.length !== MISSING) mergeStates(layout, view, keyEnd, stored.view, old)
  })
  return true
}

async function drainLane(
  store: Store,
  batch: StoreBatch,
  lane: CutLane,
  settled: Promise<void>,
): Promise<LaneCounters> {
  const { feed, layout, outputs } = lane
  const kernel = feed.lane
  await feed.hold()
  let held = true
  try {
    for (;;) {
      const status = await kernel.drain()
      const rows = kernel.rows()
      if (await mergeDeltas(store, layout, rows)) await kernel.absorb(rows)
      const position = kernel.counters()
      if (status === 'done') {
        await (feed.wantsRoom ? kernel.evict() : kernel.tidy())
        lane.cutting = settled
        // the rows buffer is the next drain's: the lane may run on while it is copied
        feed.release()
        held = false
      }
      outputs.drained(rows)
      await batch.putRows(rows)
      if (status === 'done') return position
    }
  } finally {
    if (held) feed.release()
  }
}

/** A lane is left alone when nothing has moved since its last cut. */
function isClean(lane: CutLane): boolean {
  return !lane.feed.wantsRoom && lane.feed.lane.counters().nextOffset === lane.committed.nextOffset
}

/**
 * Writes the cut of a partition, after `flush` (what lanes have sent elsewhere); resolves with
 * whether there was anything to write. When it rejects nothing was written, and every lane of the
 * partition has to go back to its last cut.
 */
export async function cutPartition(
  store: Store,
  lanes: readonly CutLane[],
  { flush, sync }: { readonly flush: () => Promise<void>; readonly sync: boolean },
): Promise<boolean> {
  const moved = lanes.filter((lane) => !isClean(lane))
  if (moved.length === 0) return false
  const batch = store.batch()
  let settle = (): void => undefined
  const settled = new Promise<void>((resolve) => {
    settle = resolve
  })
  try {
    const positions: LaneCounters[] = []
    for (const lane of moved) {
      const position = await drainLane(store, batch, lane, settled)
      writePosition(batch, lane.table, position)
      lane.outputs.note(batch)
      positions.push(position)
    }
    await flush()
    await batch.commit({ sync })
    moved.forEach((lane, i) => {
      lane.committed = positions[i]
      lane.feed.cutWritten()
      lane.feed.roomMade()
    })
  } catch (error) {
    batch.drop()
    for (const lane of moved) lane.outputs.forget()
    throw error
  } finally {
    for (const lane of moved) lane.cutting = undefined
    settle()
  }
  return true
}
