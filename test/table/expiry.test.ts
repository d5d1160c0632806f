// Expiry as a part of cuts, over random events: reads show the retained windows whole and no
// others, and a copy made of the rows and tombstones is the store.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { eachRow, ROW_DELETE } from '../../src/batch/rows.ts'
import type { WindowPlan } from '../../src/kernel/plan.ts'
import { firstWindow } from '../../src/kernel/slices.ts'
import { sliceBound, tableEnd, tableStart, type WindowState } from '../../src/table/cell.ts'
import { Expiry } from '../../src/table/expiry.ts'
import { openMemoryStore } from '../../src/table/memory.ts'
import { readExpired } from '../../src/table/meta.ts'
import { resultRow, type TableRow } from '../../src/table/result.ts'
import { eachWindow } from '../../src/table/windowed.ts'
import { type Event, eventLists, layout, PartModel, windowPlans } from './model.ts'

const NUMBER = 2
const decodeKey = (bytes: Uint8Array) => Buffer.from(bytes).toString()

class Run {
  readonly store = openMemoryStore()
  readonly model: PartModel
  readonly window: WindowPlan
  readonly copy = new Map<string, string>()
  expiry: Expiry
  largest = 0

  constructor(window: WindowPlan) {
    this.window = window
    this.model = new PartModel({ store: this.store, number: NUMBER }, window)
    this.expiry = new Expiry(this.model.part, window)
  }

  /** The process ends, and another goes on. */
  reopen(): void {
    this.expiry = new Expiry(this.model.part, this.window)
  }

  async cut(rowsMax: number): Promise<boolean> {
    const expired = await this.expiry.take(this.model.streamTime, rowsMax)
    this.#replay(await this.model.cut())
    if (expired === undefined) return false
    const batch = this.store.batch()
    await expired.apply(batch)
    await batch.commit()
    expired.written()
    if (expired.tombstones !== undefined) this.#replay(expired.tombstones)
    return true
  }

  #replay(rows: Uint8Array): void {
    let deleted = 0
    eachRow(rows, (op, keyStart, keyEnd, valueEnd) => {
      const text = (from: number, to: number) =>
        Buffer.from(rows.slice(from, to)).toString('latin1')
      const key = text(keyStart, keyEnd)
      if (op === ROW_DELETE) {
        assert.ok(this.copy.delete(key), 'a tombstone for a key that is not there')
        deleted++
      } else this.copy.set(key, text(keyEnd, valueEnd))
    })
    this.largest = Math.max(this.largest, deleted)
  }

  async stored(): Promise<Map<string, string>> {
    const rows = new Map<string, string>()
    const range = { gte: tableStart(NUMBER), lt: tableEnd(NUMBER) }
    for await (const [key, value] of this.store.scan(range))
      rows.set(key.toString('latin1'), value.toString('latin1'))
    return rows
  }

  async shown(): Promise<TableRow<string>[]> {
    const table = { layout, window: this.window, decodeKey }
    const found: WindowState[] = []
    for await (const each of eachWindow(this.model.part, table, {})) found.push(each)
    return found.map((each) => resultRow(table, each))
  }

  kept(): TableRow<string>[] {
    const { sizeMs, graceMs, retentionMs } = this.window
    const through = this.model.streamTime
    return this.model.rows(({ start }) => start! + sizeMs + graceMs + retentionMs > through)
  }
}

interface How {
  readonly perCut: number
  readonly rowsMax: number
  readonly reopens: boolean
  /** Takes what expires twice, as when a cut has failed. */
  readonly givesUp: boolean
}

const options: fc.Arbitrary<How> = fc.record({
  perCut: fc.integer({ min: 1, max: 9 }),
  rowsMax: fc.oneof(fc.constant(1000), fc.integer({ min: 1, max: 5 })),
  reopens: fc.boolean(),
  givesUp: fc.boolean(),
})

async function play(run: Run, events: readonly Event[], how: How) {
  for (let at = 0; at < events.length; at += how.perCut) {
    for (const event of events.slice(at, at + how.perCut)) run.model.add(event)
    if (how.givesUp) await run.expiry.take(run.model.streamTime, how.rowsMax)
    await run.cut(how.rowsMax)
    assert.deepEqual(await run.shown(), run.kept())
    assert.deepEqual(await run.stored(), run.copy)
    if (how.reopens) run.reopen()
  }
}

test('each cut shows the retained windows only, and rows and tombstones make the store', async () => {
  await fc.assert(
    fc.asyncProperty(windowPlans, eventLists, options, async (window, events, how) => {
      const run = new Run(window)
      await play(run, events, how)
      assert.ok(run.largest <= how.rowsMax)
      while (await run.cut(how.rowsMax));
      assert.equal(run.expiry.isBehind, false)
      assert.deepEqual(await run.shown(), run.kept())
      const { streamTime } = run.model
      const upTo = firstWindow(window, streamTime - window.graceMs - window.retentionMs)
      const bound = sliceBound(NUMBER, streamTime < 0 ? -Infinity : upTo).toString('latin1')
      assert.ok([...run.copy.keys()].every((key) => key >= bound))
      assert.deepEqual(await run.stored(), run.copy)
    }),
  )
})

test('a slice of many cells goes in parts, and each part begins where the last one ended', async () => {
  const run = new Run({ sizeMs: 10, stepMs: 10, graceMs: 0, retentionMs: 0 })
  const many = Array.from({ length: 100 }, (_, i) => ({ key: `key ${i}`, t: 5, v: i }))
  for (const event of [...many, { key: 'a', t: 50, v: 1 }]) run.model.add(event)
  await run.cut(30)
  assert.equal((await run.stored()).size, 101)
  assert.equal(run.expiry.isBehind, true)
  const sizes: number[] = []
  for (let i = 0; i < 4; i++) {
    const froms: (Uint8Array | undefined)[] = []
    const { scanRows } = run.store
    run.store.scanRows = (range) => {
      froms.push(range.gte)
      return scanRows.call(run.store, range)
    }
    await run.cut(30)
    run.store.scanRows = scanRows
    const [first] = [...(await run.stored()).keys()].sort()
    if (i > 0) assert.ok(Buffer.compare(froms[0]!, sliceBound(NUMBER, 0)) > 0)
    assert.ok(Buffer.compare(froms[0]!, Buffer.from(first, 'latin1')) < 0)
    sizes.push((await run.stored()).size)
  }
  assert.deepEqual(sizes, [71, 41, 11, 1])
  assert.equal(await readExpired(run.store, NUMBER), 50)
  assert.equal(await run.cut(30), false)
})

test('before the first event nothing expires', async () => {
  const run = new Run({ sizeMs: 10, stepMs: 10, graceMs: 0, retentionMs: 0 })
  assert.equal(await run.expiry.take(-1, 10), undefined)
  assert.equal(run.expiry.isBehind, false)
})
