// The reserved table number 0 of a store: which tables it holds, and where each of them stands.
// Called when a table is opened, by the cut, and by the command line on a store without its
// program.
//
//   0 u16 │ "table/" name         {"number":…,"shape":…}
//   0 u16 │ "position/" number    the lane's position, in the batch of the rows that it belongs to
//   0 u16 │ "changelog/" number   how much of the table's changelog its rows are, in the same batch
//   0 u16 │ "sources"             offsets that agents' tables belong to, in the same batch
//   0 u16 │ "retained/" number    start of the oldest window that is kept whole
//   0 u16 │ "expired/" number     start of the slice below which expiry has deleted everything
import { EuphorionError } from '../errors.ts'
import type { LaneCounters } from '../kernel/lane.ts'
import { shapesFit, tableChanged } from './shape_change.ts'
import type { Store, StoreBatch, StoreReads } from './store.ts'

export interface StoredTable {
  readonly name: string
  /** Stable in this store; the first two bytes of the table's keys. */
  readonly number: number
  /** What shape.ts writes. */
  readonly shape: string
}

/** 65535 has no number above it to end its range. */
const NUMBER_MAX = 65534

function metaKey(text: string): Buffer {
  return Buffer.from(`\0\0${text}`)
}

async function readJson<T>(store: StoreReads, key: string): Promise<T | undefined> {
  const bytes = await store.get(metaKey(key))
  return bytes && JSON.parse(bytes.toString())
}

function putJson(batch: StoreBatch, key: string, value: unknown): void {
  batch.put(metaKey(key), Buffer.from(JSON.stringify(value)))
}

/** Every table of the store, by name. */
export async function storedTables(store: StoreReads): Promise<StoredTable[]> {
  const prefix = metaKey('table/')
  const tables: StoredTable[] = []
  for await (const [key, value] of store.scan({ gte: prefix, lt: metaKey('table0') })) {
    const { number, shape } = JSON.parse(value.toString()) as Omit<StoredTable, 'name'>
    tables.push({ name: key.toString('utf8', prefix.length), number, shape })
  }
  return tables
}

/** Stores whose numbers are being given out: two new tables must not get the same one. */
const turns = new WeakMap<Store, Promise<unknown>>()

/**
 * The number of the table in this store: the one it has, or the next free one from 1, on disk when
 * the promise resolves. TABLE_CHANGED when it is stored with another shape that does not go
 * together with this one; else this one is stored from now on.
 */
export function tableNumber(store: Store, name: string, shape: string): Promise<number> {
  const before = turns.get(store) ?? Promise.resolve()
  const mine = before.then(() => findOrAdd(store, name, shape))
  turns.set(
    store,
    mine.catch(() => {}),
  )
  return mine
}

async function findOrAdd(store: Store, name: string, shape: string): Promise<number> {
  const tables = await storedTables(store)
  const stored = tables.find((table) => table.name === name)
  if (stored?.shape === shape) return stored.number
  if (stored && !shapesFit(stored.shape, shape))
    throw tableChanged(name, 'the state', stored.shape, shape)
  const next = tables.reduce((most, table) => Math.max(most, table.number), 0) + 1
  const number = stored?.number ?? next
  if (number > NUMBER_MAX)
    throw new EuphorionError('STORE_FAILED', `no number is left for table ${name}`)
  const batch = store.batch()
  putJson(batch, `table/${name}`, { number, shape })
  await batch.commit({ sync: true })
  return number
}

/** The position that belongs to the table's rows; undefined before the first cut. */
export function readPosition(store: StoreReads, table: number): Promise<LaneCounters | undefined> {
  return readJson(store, `position/${table}`)
}

/** To be put in the batch of the rows that were drained at this position. */
export function writePosition(batch: StoreBatch, table: number, position: LaneCounters): void {
  const { nextOffset, streamTimeMs, counted, late, bad, filtered } = position
  putJson(batch, `position/${table}`, { nextOffset, streamTimeMs, counted, late, bad, filtered })
}

/** What the rows of a table have of its changelog. */
export interface ChangelogPosition {
  /** Every record below it. */
  readonly nextOffset: number
  /** Of the topic, where the log has ids: a topic that was made anew has other records. */
  readonly topicId?: string | undefined
  /** Wall clock of the write: a position that is too old may have missed tombstones. */
  readonly atMs: number
  /**
   * 'between': copied, perhaps to the middle of a cut only: rows may be newer than the position.
   * 'stale': the rows are to be dropped before anything is copied. Undefined: as a cut left it.
   */
  readonly state?: 'between' | 'stale' | undefined
  /** The group's offset was beyond the position: the table is younger. */
  readonly isBehind?: boolean | undefined
}

/** Undefined for a table that no changelog was ever written or read for. */
export function readChangelogPosition(
  store: Store,
  table: number,
): Promise<ChangelogPosition | undefined> {
  return readJson(store, `changelog/${table}`)
}

/** To be put in the batch of the rows that end at this position. */
export function writeChangelogPosition(
  batch: StoreBatch,
  table: number,
  { nextOffset, topicId, atMs, state, isBehind }: ChangelogPosition,
): void {
  putJson(batch, `changelog/${table}`, { nextOffset, topicId, atMs, state, isBehind })
}

/** Offsets of the next events, by topic; undefined in a store without agents' tables. */
export function readSources(store: Store): Promise<Readonly<Record<string, number>> | undefined> {
  return readJson(store, 'sources')
}

/** To be put in the batch of the agents' rows that were made of the events below them. */
export function writeSources(batch: StoreBatch, sources: Readonly<Record<string, number>>): void {
  putJson(batch, 'sources', sources)
}

export async function forgetSources(store: Store): Promise<void> {
  const batch = store.batch()
  batch.delete(metaKey('sources'))
  await batch.commit()
}

/** Whatever is written from then on is in no changelog. */
export function forgetChangelog(batch: StoreBatch, table: number): void {
  batch.delete(metaKey(`changelog/${table}`))
}

/** Everything but the table's name, number and shape. */
export function forgetTable(batch: StoreBatch, table: number): void {
  for (const kind of ['position', 'changelog', 'retained', 'expired'])
    batch.delete(metaKey(`${kind}/${table}`))
}

/** Start of the oldest window that no expiry has touched; -Infinity before the first expiry. */
export async function readRetained(store: StoreReads, table: number): Promise<number> {
  return (await readJson<number>(store, `retained/${table}`)) ?? Number.NEGATIVE_INFINITY
}

export function writeRetained(batch: StoreBatch, table: number, startMs: number): void {
  putJson(batch, `retained/${table}`, startMs)
}

/** No cell of a slice below it is left; -Infinity before the first expiry is through. */
export async function readExpired(store: StoreReads, table: number): Promise<number> {
  return (await readJson<number>(store, `expired/${table}`)) ?? Number.NEGATIVE_INFINITY
}

export function writeExpired(batch: StoreBatch, table: number, startMs: number): void {
  putJson(batch, `expired/${table}`, startMs)
}
