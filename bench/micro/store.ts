// The kinds of stores side by side: rows of cuts written, reads, scans, expiry, restore and copies.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { type Random, seededRandom, systemClock } from '../../src/clock.ts'
import { openStore } from '../../src/table/open.ts'
import type { Store } from '../../src/table/store.ts'
import { rocksdbKinds } from '../../test/support/stores.ts'
import { type BenchContext, numberOption } from '../report/bench.ts'
import type { FigureSpec } from '../report/figure.ts'
import type { MicroPart } from './part.ts'
import { countRows, expire, fill, keyOf, numberOf, pack } from './store_rows.ts'

const KEYS = 200_000
const BATCH_ROWS = 10_000
const GETS = 10_000
const ROUNDS = 3
/** Smoke has so much less of everything. */
const SMALLER = 100
/** Rows as times the keys. */
const EXPIRED = 2.5
const RESTORED = 5

const figures = {
  written: { group: 'rows of cuts written, at random places', unit: 'rows/s', better: 'more' },
  mainMs: { group: 'main thread, for 10,000 rows written', unit: 'ms', better: 'less' },
  hotGet: { group: 'get of a key that was just written', unit: 'µs', better: 'less' },
  coldGet: { group: 'get, after the store was opened anew', unit: 'µs', better: 'less' },
  scanned: { group: 'rows scanned', unit: 'rows/s', better: 'more' },
  expiredMs: { group: 'a window expired', unit: 'ms', better: 'less' },
  restored: { group: 'rows restored, in the order of their keys', unit: 'rows/s', better: 'more' },
  copiedMs: { group: 'a copy of the store', unit: 'ms', better: 'less' },
} as const satisfies Record<string, Pick<FigureSpec, 'group' | 'unit' | 'better'>>

type Name = keyof typeof figures
type Found = Partial<Record<Name, number>>

interface Sizes {
  readonly keys: number
  readonly batchRows: number
  readonly gets: number
}

export const store: MicroPart = {
  name: 'store',
  async run(context) {
    const { isSmoke, seed, say } = context
    const keys = Math.ceil(numberOption(context, 'store-rows', KEYS) / BATCH_ROWS) * BATCH_ROWS
    const whole = { keys, batchRows: BATCH_ROWS, gets: GETS }
    const small = { keys: keys / SMALLER, batchRows: BATCH_ROWS / SMALLER, gets: GETS / SMALLER }
    const sizes = isSmoke ? small : whole
    const kinds = ['memory', ...rocksdbKinds] as const
    const found = kinds.map((): Found[] => [])
    for (let round = 0; round < (isSmoke ? 1 : ROUNDS); round++)
      for (const [index, kind] of kinds.entries()) {
        say(`store: ${kind}, round ${round + 1}`)
        found[index].push(await measure(kind, sizes, seed + round))
      }
    for (const name of Object.keys(figures) as Name[])
      for (const [index, kind] of kinds.entries())
        addFigure(context, name, kind, found[index], sizes)
  },
}

function addFigure(
  { add }: BenchContext,
  name: Name,
  kind: Store['kind'],
  found: readonly Found[],
  { keys, batchRows }: Sizes,
): void {
  const samples = found.map((each) => each[name]).filter((sample) => sample !== undefined)
  if (samples.length === 0) return
  const times = { expiredMs: EXPIRED, restored: RESTORED, copiedMs: RESTORED }
  const rows = keys * (name in times ? times[name as keyof typeof times] : 1)
  const facts = { rows, batch: name === 'written' ? batchRows : undefined }
  add({ ...figures[name], case: kind, samples, facts })
}

/** A store of its own for each part, as a store has one partition. */
async function measure(kind: Store['kind'], sizes: Sizes, seed: number): Promise<Found> {
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-bench-store-'))
  const within = async (name: string, work: (store: Store) => Promise<Found>): Promise<Found> => {
    const store = await openStore(kind, join(directory, name))
    try {
      return await work(store)
    } finally {
      await store.close()
    }
  }
  const random = seededRandom(seed)
  const batches = randomBatches(sizes, random)
  try {
    const found = await within('writes', (store) => writesAndReads(store, batches, sizes))
    if (kind === 'memory') return found
    const written = batches.flat()
    const some = Array.from(
      { length: sizes.gets },
      () => written[Math.floor(random() * written.length)],
    )
    return {
      ...found,
      ...(await within('writes', async (store) => ({ coldGet: await getAll(store, some) }))),
      ...(await within('expiry', (store) => expiry(store, sizes))),
      ...(await within('restore', (store) => restore(store, join(directory, 'copy'), sizes))),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** As many rows as there are keys, of keys by chance. */
function randomBatches({ keys, batchRows }: Sizes, random: Random): number[][] {
  return Array.from({ length: keys / batchRows }, () =>
    Array.from({ length: batchRows }, () => Math.floor(random() * keys)),
  )
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const started = systemClock.monotonic()
  await work()
  return (systemClock.monotonic() - started) / 1000
}

async function writesAndReads(
  store: Store,
  batches: readonly number[][],
  { keys, gets }: Sizes,
): Promise<Found> {
  const packed = batches.map((numbers) => pack(0, numbers))
  const before = performance.eventLoopUtilization()
  const writing = await secondsOf(async () => {
    for (const rows of packed) {
      const batch = store.batch()
      await batch.putRows(rows)
      await batch.commit()
    }
  })
  const { active } = performance.eventLoopUtilization(before)
  const last = batches[batches.length - 1]
  const hotGet = await getAll(store, last.slice(0, gets))
  let rows = 0
  const scanning = await secondsOf(async () => {
    rows = await countRows(store, 0)
  })
  assert.equal(rows, new Set(batches.flat()).size)
  const mainMs = (active / keys) * BATCH_ROWS
  return { written: keys / writing, mainMs, hotGet, scanned: rows / scanning }
}

/** Microseconds of one. */
async function getAll(store: Store, numbers: readonly number[]): Promise<number> {
  const rows = pack(0, numbers)
  const seconds = await secondsOf(async () => {
    for (let i = 0; i < numbers.length; i++) {
      const value = await store.get(keyOf(rows, i))
      assert(value !== undefined && numberOf(value) === numbers[i], 'a row is not there')
    }
  })
  return (seconds / numbers.length) * 1e6
}

async function expiry(store: Store, { keys, batchRows }: Sizes): Promise<Found> {
  await fill(store, 1000, { rows: keys * EXPIRED, batchRows })
  await fill(store, 2000, { rows: batchRows, batchRows })
  const seconds = await secondsOf(() => expire(store, 1000, 2000))
  assert.equal(await countRows(store, 1000), batchRows)
  return { expiredMs: seconds * 1000 }
}

async function restore(store: Store, path: string, { keys, batchRows }: Sizes): Promise<Found> {
  const rows = keys * RESTORED
  const seconds = await secondsOf(() => fill(store, 5000, { rows, batchRows }))
  assert.equal(await countRows(store, 5000), rows)
  const restored = rows / seconds
  if (store.checkpoint === undefined) return { restored }
  const copying = await secondsOf(() => store.checkpoint!(path))
  const copy = await openStore(store.kind, path)
  assert.equal(await countRows(copy, 5000), rows)
  await copy.close()
  return { restored, copiedMs: copying * 1000 }
}
