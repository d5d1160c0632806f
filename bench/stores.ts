// The two kinds of RocksDB side by side: batches, reads, scans, expiry, restore and copies, each
// checked. Run by hand: `npm run build && npm run build:native:store && node dist/bench/stores.js
// [rounds]`; with --smoke, once and small. Where there is one kind only, that one is measured.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { KEY_WINDOW_BYTES, writeWindowPrefix } from '../src/batch/keys.ts'
import { eachRow, ROW_HEADER_BYTES, ROW_PUT } from '../src/batch/rows.ts'
import { seededRandom, systemClock } from '../src/clock.ts'
import { sliceBound } from '../src/table/cell.ts'
import { nativeStoreAddon } from '../src/table/native_rocksdb_addon.ts'
import { openStore } from '../src/table/open.ts'
import type { Store } from '../src/table/store.ts'

const smoke = process.argv.includes('--smoke')
const ROUNDS = smoke ? 1 : Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 3)
const SCALE = smoke ? 100 : 1
const BATCH_ROWS = 10_000 / SCALE
const WRITTEN = 1_000_000 / SCALE
const EXPIRED = 2_500_000 / SCALE
const RESTORED = 5_000_000 / SCALE
const GETS = 20_000 / SCALE
const KEY_BYTES = 21
const VALUE_BYTES = 24
const ROW_BYTES = ROW_HEADER_BYTES + KEY_BYTES + VALUE_BYTES
const TABLE = 1

const kinds = (
  nativeStoreAddon() === undefined ? ['rocksdb-package'] : ['rocksdb-package', 'rocksdb-native']
) as readonly Store['kind'][]

/** Packed rows of a windowed table: key `numbers[i]` in the slice that starts at `slice`. */
function pack(slice: number, numbers: ArrayLike<number>): Uint8Array {
  const rows = new Uint8Array(numbers.length * ROW_BYTES)
  const view = new DataView(rows.buffer)
  for (let i = 0; i < numbers.length; i++) {
    const row = i * ROW_BYTES
    view.setUint8(row, ROW_PUT)
    view.setUint16(row + 2, KEY_BYTES, true)
    view.setUint32(row + 4, VALUE_BYTES, true)
    const key = row + ROW_HEADER_BYTES
    writeWindowPrefix(view, key, TABLE, BigInt(slice), 0)
    view.setUint32(key + KEY_WINDOW_BYTES, numbers[i])
    view.setFloat64(key + KEY_BYTES, numbers[i], true)
  }
  return rows
}

const ascending = (from: number, rows: number): number[] =>
  Array.from({ length: rows }, (_, i) => from + i)

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const started = systemClock.monotonic()
  await work()
  return (systemClock.monotonic() - started) / 1000
}

async function fill(store: Store, slice: number, rows: number): Promise<void> {
  const load = store.load()
  for (let at = 0; at < rows; at += BATCH_ROWS)
    await load.putRows(pack(slice, ascending(at, BATCH_ROWS)))
  await load.finish()
}

/** Rows from the slice on, in key order, counted without an object each. */
async function countRows(store: Store, slice: number): Promise<number> {
  let rows = 0
  const bounds = { gte: sliceBound(TABLE, slice), lt: sliceBound(TABLE, Number.POSITIVE_INFINITY) }
  for await (const chunk of store.scanRows(bounds)) eachRow(chunk, () => rows++)
  return rows
}

type Figures = Record<string, number>

/** Batches at random places of a million keys, then reads of what was written. */
async function writesAndReads(store: Store, random: () => number): Promise<Figures> {
  const batches: Uint8Array[] = []
  const keys = new Set<number>()
  for (let rows = 0; rows < WRITTEN; rows += BATCH_ROWS) {
    const numbers = Array.from({ length: BATCH_ROWS }, () => Math.floor(random() * WRITTEN))
    for (const number of numbers) keys.add(number)
    batches.push(pack(0, numbers))
  }
  const before = performance.eventLoopUtilization()
  const writing = await secondsOf(async () => {
    for (const rows of batches) {
      const batch = store.batch()
      await batch.putRows(rows)
      await batch.commit()
    }
  })
  const { active } = performance.eventLoopUtilization(before)
  const last = batches[batches.length - 1]
  const getting = await secondsOf(async () => {
    for (let i = 0; i < GETS; i++) {
      const start = (i % BATCH_ROWS) * ROW_BYTES + ROW_HEADER_BYTES
      const found = await store.get(last.subarray(start, start + KEY_BYTES))
      assert(found !== undefined, 'a row is not there')
    }
  })
  let rows = 0
  const scanning = await secondsOf(async () => {
    rows = await countRows(store, 0)
  })
  assert.equal(rows, keys.size)
  return {
    'batch writes, thousand rows/s': WRITTEN / writing / 1000,
    'main thread, ms per 10k rows': (active / WRITTEN) * 10_000,
    'hot get, µs': (getting / GETS) * 1e6,
    'scan, thousand rows/s': rows / scanning / 1000,
  }
}

async function expiry(store: Store): Promise<Figures> {
  await fill(store, 1000, EXPIRED)
  await fill(store, 2000, BATCH_ROWS)
  const seconds = await secondsOf(() =>
    store.deleteRange(sliceBound(TABLE, 1000), sliceBound(TABLE, 2000)),
  )
  assert.equal(await countRows(store, 1000), BATCH_ROWS)
  return { 'expiry of 2.5 M rows, ms': seconds * 1000 }
}

async function restore(store: Store, path: string): Promise<Figures> {
  const seconds = await secondsOf(() => fill(store, 5000, RESTORED))
  const figures: Figures = { 'restore, thousand rows/s': RESTORED / seconds / 1000 }
  if (store.checkpoint !== undefined) {
    const copying = await secondsOf(() => store.checkpoint!(path))
    const copy = await openStore(store.kind, path)
    assert.equal(await countRows(copy, 5000), RESTORED)
    await copy.close()
    figures['copy of 5 M rows, ms'] = copying * 1000
  }
  assert.equal(await countRows(store, 5000), RESTORED)
  return figures
}

/** A store of its own for each part, as a store has one partition. */
async function measure(kind: Store['kind'], seed: number): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-bench-stores-'))
  const within = async (name: string, work: (store: Store) => Promise<Figures>) => {
    const store = await openStore(kind, join(directory, name))
    const figures = await work(store)
    await store.close()
    return figures
  }
  try {
    return {
      ...(await within('writes', (store) => writesAndReads(store, seededRandom(seed)))),
      ...(await within('expiry', expiry)),
      ...(await within('restore', (store) => restore(store, join(directory, 'copy')))),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]

const rounds: Figures[][] = kinds.map(() => [])
for (let round = 0; round < ROUNDS; round++)
  for (const [index, kind] of kinds.entries()) rounds[index].push(await measure(kind, 7 + round))

const names = [...new Set(rounds.flatMap(([first]) => Object.keys(first)))]
console.log(['median of', ROUNDS, ...kinds, 'ratio'].join(' │ '))
for (const name of names) {
  const values = rounds.map((figures) => median(figures.map((each) => each[name] ?? Number.NaN)))
  const shown = values.map((value) => (Number.isNaN(value) ? '–' : value.toPrecision(3)))
  const [first, last] = [values[0], values[values.length - 1]]
  const ratio = / (ms|µs)/.test(name) ? first / last : last / first
  console.log([name, ...shown, Number.isNaN(ratio) ? '–' : `${ratio.toPrecision(3)} ×`].join(' │ '))
}
