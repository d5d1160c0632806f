// What the app hands to the engine for one declared aggregation, and what it reads from it. Made by
// app.stream(…)…aggregate(…).
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { AggregationPlan } from '../kernel/plan.ts'
import type { BadRecord } from './dead_letter.ts'
import type { RowSink } from './rows.ts'

export interface AggregationDefinition {
  readonly topic: string
  readonly plan: AggregationPlan
  readonly keys: KeyCodec
  readonly onBadRecord: BadRecordPolicy
  /** The same array for ever; the program adds to it before the app starts. */
  readonly outputs: readonly ResultOutput[]
  /** As `outputs`. */
  readonly late: readonly LateOutput[]
}

/** Where records go that came too late for all of their windows. */
export interface LateOutput {
  readonly topic: string
  /** In `to` where it is given, else as the program sends. */
  send(record: BadRecord, to?: RowSink): Promise<unknown>
}

/** Key bytes of cells to what rows show, and back for queries. */
export interface KeyCodec {
  /** Throws RECORD_INVALID for a key of another type. */
  encode(key: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/**
 * `start` (inclusive) and `end` (exclusive) in ms are those of the window; absent without windows.
 */
export interface ResultRow {
  readonly key: unknown
  readonly start?: number
  readonly end?: number
  readonly [field: string]: unknown
}

/** Where results go; called at cuts. */
export interface ResultOutput {
  /** Each changed row once a cut, or each row once when its window has closed. */
  readonly mode: 'changes' | 'final'
  readonly topic: string
  /** Resolves once the row is stored: in `to` where it is given, else as the program sends. */
  send(row: ResultRow, to?: RowSink): Promise<unknown>
}

export interface ReadOptions {
  /** Copies of partitions will do, which may lag behind: also while their owner is away. */
  readonly stale?: boolean
}

export interface RangeQuery<Key> extends ReadOptions {
  /** Windows that start at or after it (ms). */
  readonly from?: number
  /** Windows that start before it (ms). */
  readonly to?: number
  /** Only this key. */
  readonly key?: Key
}

/** A table while the app runs. */
export interface TableReader {
  get(key: unknown, options?: ReadOptions): Promise<ResultRow | undefined>
  windows(
    key: unknown,
    options: ReadOptions & { readonly at: number },
  ): Promise<readonly ResultRow[]>
  range(query: RangeQuery<unknown>): AsyncIterable<ResultRow>
}
