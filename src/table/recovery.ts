// The rows of one table on their way from its changelog to a store. Called by recovery and standbys
// (app/recovery_replica.ts).
//
//   stale ──drop──▶ between ──rows, rows, …──▶ (all of the changelog) ──▶ as a cut leaves it
//
// Whatever ends it, the store knows from where to copy on: rows of a changelog that are put a
// second time, in their order, come to the same.

import { KEY_TABLE_BYTES } from '../batch/keys.ts'
import { EuphorionError } from '../errors.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import { firstWindow } from '../kernel/slices.ts'
import type { ChangelogMeta } from './changelog.ts'
import {
  type ChangelogPosition,
  forgetChangelog,
  forgetTable,
  readChangelogPosition,
  readRetained,
  readSources,
  writeChangelogPosition,
  writePosition,
  writeRetained,
  writeSources,
} from './meta.ts'
import type { Store, StoreLoad } from './store.ts'

/** Rows loaded in bulk before the position is noted: what a crash makes to be copied again. */
const LOAD_BYTES = 64 << 20

/** Inclusive and exclusive bound of a table's keys. */
export function tableRange(table: number): { readonly gte: Buffer; readonly lt: Buffer } {
  const gte = Buffer.alloc(KEY_TABLE_BYTES)
  const lt = Buffer.alloc(KEY_TABLE_BYTES)
  gte.writeUInt16BE(table)
  lt.writeUInt16BE(table + 1)
  return { gte, lt }
}

/** Whether the store has a row of the table. */
export async function hasRows(store: Store, table: number): Promise<boolean> {
  for await (const _row of store.scan({ ...tableRange(table), limit: 1 })) return true
  return false
}

/**
 * Drops the table's rows and position; `from` is where its changelog is to be read next. When it is
 * interrupted the store says so (`stale`), and it is to be called again.
 */
export async function dropTable(
  store: Store,
  table: number,
  from: ChangelogPosition,
): Promise<void> {
  const note = async (state: ChangelogPosition['state']): Promise<void> => {
    const batch = store.batch()
    forgetTable(batch, table)
    writeChangelogPosition(batch, table, { ...from, state })
    await batch.commit()
  }
  if (await hasRows(store, table)) {
    await note('stale')
    const { gte, lt } = tableRange(table)
    await store.deleteRange(gte, lt)
  }
  await note(from.state)
}

/** Its rows are not to be read or copied on: the next to come drops them. */
export async function markStale(store: Store, table: number): Promise<void> {
  const batch = store.batch()
  forgetTable(batch, table)
  writeChangelogPosition(batch, table, { nextOffset: 0, atMs: 0, state: 'stale' })
  await batch.commit()
}

/**
 * From now on the table is written without its changelog. STATE_LOST where it was being copied from
 * it, and is neither the state of one cut nor of another.
 */
export async function leaveChangelog(store: Store, name: string, table: number): Promise<void> {
  const stored = await readChangelogPosition(store, table)
  if (stored === undefined) return
  if (stored.state !== undefined) {
    const message = `table ${name} was being copied from its changelog, and is not whole`
    throw new EuphorionError('STATE_LOST', `${message}: start with changelog: true`, {
      place: { table: name },
    })
  }
  const batch = store.batch()
  forgetChangelog(batch, table)
  await batch.commit()
}

/**
 * Leaves windows out that have expired at that stream time, as the cut there did (expiry.ts): a
 * changelog says nothing of it, and may have parts of such windows.
 */
export async function retainWindows(
  store: Store,
  table: number,
  window: WindowPlan,
  streamTimeMs: number,
): Promise<void> {
  if (streamTimeMs < 0) return
  const kept = firstWindow(window, streamTimeMs - window.graceMs - window.retentionMs)
  if (kept <= (await readRetained(store, table))) return
  const batch = store.batch()
  writeRetained(batch, table, kept)
  await batch.commit()
}

/** What the agents' tables of one store were written from, while several of them are copied. */
export class CopiedSources {
  #offsets: Readonly<Record<string, number>>

  private constructor(offsets: Readonly<Record<string, number>>) {
    this.#offsets = offsets
  }

  static async of(store: Store): Promise<CopiedSources> {
    return new CopiedSources((await readSources(store)) ?? {})
  }

  /** The later offset of each topic: one table may be copied further than another. */
  merge(others: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
    const merged: Record<string, number> = { ...this.#offsets }
    for (const [topic, offset] of Object.entries(others))
      merged[topic] = Math.max(offset, merged[topic] ?? 0)
    this.#offsets = merged
    return merged
  }
}

export interface TableCopyOptions {
  readonly store: Store
  readonly table: number
  readonly sources: CopiedSources
  /** Of the changelog, as it is read. */
  readonly topicId: string | undefined
  /** As the store has it. */
  readonly isBehind: boolean | undefined
  /** Rows loaded in bulk before the position is noted; default 64 MiB. */
  readonly loadBytes?: number
  readonly now: () => number
}

export class TableCopy {
  readonly #options: TableCopyOptions
  #load: StoreLoad | undefined
  #loadedBytes = 0
  /** Of rows that are loaded and not noted yet. */
  #meta: ChangelogMeta | undefined
  #nextOffset = 0
  #isBehind: boolean | undefined

  constructor(options: TableCopyOptions) {
    this.#options = options
    this.#isBehind = options.isBehind
  }

  /**
   * Takes the rows of the changelog up to `nextOffset`, in one atomic batch with that position. In
   * `bulk` the position follows later, at the latest in finish().
   */
  async put(
    rows: Uint8Array,
    meta: ChangelogMeta | undefined,
    nextOffset: number,
    bulk: boolean,
  ): Promise<void> {
    this.#nextOffset = nextOffset
    this.#meta = meta ?? this.#meta
    if (meta !== undefined) this.#isBehind = meta.isBehind
    if (!bulk) {
      await this.#endLoad()
      return this.#note('between', rows)
    }
    if (rows.length > 0) {
      this.#load ??= this.#options.store.load()
      await this.#load.putRows(rows)
      this.#loadedBytes += rows.length
    }
    if (this.#loadedBytes < (this.#options.loadBytes ?? LOAD_BYTES)) return
    await this.#endLoad()
    await this.#note('between')
  }

  /** Everything that was put can be read. */
  async flush(): Promise<void> {
    if (this.#load === undefined) return
    await this.#endLoad()
    await this.#note('between')
  }

  /** The changelog has been read to its end, so that rows and position belong to one cut. */
  async finish(nextOffset: number): Promise<void> {
    this.#nextOffset = nextOffset
    await this.#endLoad()
    await this.#note(undefined)
  }

  /** What was loaded and not noted is copied again. */
  async drop(): Promise<void> {
    const load = this.#load
    this.#load = undefined
    await load?.drop()
  }

  async #endLoad(): Promise<void> {
    const load = this.#load
    this.#load = undefined
    this.#loadedBytes = 0
    await load?.finish()
  }

  async #note(state: ChangelogPosition['state'], rows?: Uint8Array): Promise<void> {
    const { store, table, sources, topicId, now } = this.#options
    const batch = store.batch()
    try {
      if (rows !== undefined && rows.length > 0) await batch.putRows(rows)
    } catch (error) {
      batch.drop()
      throw error
    }
    const { position, sources: from } = this.#meta ?? {}
    const nextOffset = this.#nextOffset
    const isBehind = this.#isBehind
    if (position !== undefined) writePosition(batch, table, position)
    if (from !== undefined) writeSources(batch, sources.merge(from))
    writeChangelogPosition(batch, table, { nextOffset, topicId, atMs: now(), state, isBehind })
    this.#meta = undefined
    await batch.commit()
  }
}
