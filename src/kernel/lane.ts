// A lane: one aggregation of one partition, fed with fetched batches and drained at each cut. The
// interface that ingest drives, implemented in WebAssembly and by the TypeScript reference.
import type { Clock } from '../clock.ts'
import type { StoredRecord } from '../log/log.ts'
import type { AggregationPlan, Reason } from './plan.ts'

/** What happens to a record that cannot be decoded or counted. */
export type BadRecordPolicy = 'dead-letter' | 'skip' | 'stop'

export interface LaneOptions {
  readonly plan: AggregationPlan
  /** Number of the table in the keys of the rows (batch/keys.ts). */
  readonly table: number
  /** 'dead-letter' hands bad records over as rejects, 'skip' only counts them. */
  readonly onBadRecord: BadRecordPolicy
  /** Late records are handed over as rejects too. */
  readonly collectLate: boolean
  /** Wall clock that `plan.maxFutureMs` is measured from. */
  readonly clock: Clock
  /** Its work is timed (`work()`). Default false. */
  readonly isTimed?: boolean
}

/** Whole RecordBatches of the lane's partition, in offset order. */
export interface BatchRef {
  readonly payload: Uint8Array
  /** The Batch (FlatBuffer) in shared memory, for kernels that run there. */
  readonly address: number
}

/**
 * How a call on a lane ended.
 *
 * - `done`: every record of the batch was consumed.
 * - `full`: no room for another cell; drain, grow or evict, and call again.
 * - `rejects-full`: take the rejects and call again.
 * - `stopped`: a bad record under the policy 'stop'. It is the last reject, nextOffset is its
 *   offset, and it is not counted in `bad`.
 * - `corrupt`: the next RecordBatch fails its CRC or framing; nothing of it was consumed unless the
 *   damage hides behind a correct CRC.
 */
export type LaneStatus = 'done' | 'full' | 'rejects-full' | 'stopped' | 'corrupt'

/** Every record below nextOffset was counted in exactly one of the four. */
export interface LaneCounters {
  /** Offset of the next record to consume; behind the last batch consumed, gaps included. */
  nextOffset: number
  /** Largest event time seen of a record that was neither bad nor filtered; -1 before the first. */
  streamTimeMs: number
  counted: number
  late: number
  bad: number
  /** Records that `where` left out. */
  filtered: number
}

/** What a lane has done and has. Of its time only where it is timed; not undone by restore(). */
export interface LaneWork {
  readonly backend: 'wasm' | 'js'
  /** Calls of the kernel that consumes. */
  readonly consumes: number
  /** ms in them, without waiting for a thread. */
  readonly consumeMs: number
  /** ms in all others: drains, merges, eviction. */
  readonly otherMs: number
  readonly cells: number
  /** Set aside for cells. */
  readonly bytes: number
}

export interface LanePosition extends LaneCounters {
  /**
   * Cells of slices that start at or before it may exist in the store (-Infinity: none, Infinity:
   * any; without windows: none or any). New ones of them are deltas until absorbed.
   */
  readonly storedThroughMs: number
}

/** A record that was late or bad, copied out of its batch. */
export interface Rejected extends StoredRecord {
  readonly reason: Reason
}

/**
 * One aggregation of one partition; at most one call is in flight. A call resumes where the last
 * one ended: records below nextOffset are passed over.
 */
export interface LaneKernel {
  /** Consumes the RecordBatches in payload; safe to call again with the same batch. */
  consume(batch: BatchRef): Promise<LaneStatus>
  /**
   * Writes dirty cells as packed rows into rows(): ROW_PUT with the absolute state, or ROW_DELTA
   * where the store may hold an older state of the cell. 'full': more remain, take rows() and call
   * again.
   */
  drain(): Promise<'done' | 'full'>
  /** Packed rows (batch/rows.ts) of the last drain; valid until the next call. */
  rows(): Uint8Array
  /** How many of them are deltas. */
  deltas(): number
  /**
   * Takes the merged states of cells that were drained as deltas, as ROW_PUT rows: those cells are
   * absolute from now on. Called, if at all, before the next consume.
   */
  absorb(rows: Uint8Array): Promise<void>
  /**
   * Only after a drain to 'done': drops the cells that no record can reach any more; if that frees
   * too little, all cells (new ones up to the newest slice dropped are deltas then).
   */
  evict(): Promise<void>
  /**
   * Only after a drain to 'done': drops cells that no record can reach any more, where that is
   * worth it.
   */
  tidy(): Promise<void>
  /** Makes room for more cells where the budget allows; false when it does not. */
  grow(): Promise<boolean>
  /** The rejects since the last call, in offset order; forgets them. */
  rejects(): Rejected[]
  counters(): LaneCounters
  work(): LaneWork
  /** About how many bytes of rows a drain would give now. */
  dirtyBytes(): number
  /** Empties the lane and continues from that position. */
  restore(position: LanePosition): void
  /** Gives its memory back; nothing may be called afterwards. */
  close(): void
}
