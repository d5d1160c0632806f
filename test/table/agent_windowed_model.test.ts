// Windowed tables of agents against a plain map: random events, out of order, over rows in memory
// and in the store, cuts, and crashes that go back to the last one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openMemoryStore } from '../../src/table/memory.ts'
import type { Store } from '../../src/table/store.ts'
import type { WindowRow } from '../../src/table/windowed_definition.ts'
import { settle } from '../support/manual_clock.ts'
import { all, counter, openWindowed } from '../support/windowed_table.ts'

interface Windows {
  readonly size: number
  readonly step: number
  readonly grace: number
  readonly expires: number
}

type Row = [start: number, key: string, value: number]

/** Values by start and key, without a thought for speed. */
class Model {
  readonly #windows: Windows
  values = new Map<string, Row>()
  time = Number.NEGATIVE_INFINITY
  late = 0

  constructor(windows: Windows) {
    this.#windows = windows
  }

  write(key: string, at: number, change: (n: number) => number | undefined): void {
    const { size, step, grace } = this.#windows
    this.time = Math.max(this.time, at)
    let isLate = true
    for (let start = -200; start <= at; start += step) {
      if (start + size <= at || start + size + grace <= this.time) continue
      isLate = false
      const name = `${start} ${key}`
      const value = change(this.values.get(name)?.[2] ?? 0)
      if (value === undefined) this.values.delete(name)
      else this.values.set(name, [start, key, value])
    }
    if (isLate) this.late++
  }

  /** Of windows that are kept. */
  rows(): Row[] {
    const { size, step, grace, expires } = this.#windows
    const current = Math.floor((this.time - grace - expires) / step) * step
    const isKept = (start: number): boolean => expires === 0 || start + size > current
    const kept = [...this.values.values()].filter(([start]) => isKept(start))
    return kept.sort(([a, k], [b, l]) => a - b || (k < l ? -1 : 1))
  }

  /** Windows that nobody may write any more. */
  closed(): Row[] {
    const { size, grace } = this.#windows
    const isClosed = (start: number): boolean => start + size + grace <= this.time
    return [...this.values.values()].filter(([start]) => isClosed(start))
  }

  copy(): Model {
    const copy = new Model(this.#windows)
    copy.values = new Map(this.values)
    copy.time = this.time
    copy.late = this.late
    return copy
  }
}

const windows = fc
  .record({
    step: fc.constantFrom(4, 5, 10),
    steps: fc.constantFrom(1, 2.5, 3, 4),
    grace: fc.constantFrom(0, 0, 7),
    expires: fc.constantFrom(0, 10, 30),
  })
  .map(({ step, steps, ...rest }) => ({ ...rest, step, size: Math.ceil(step * steps) }))

const action = fc.record({
  what: fc.constantFrom('update', 'update', 'update', 'set', 'delete', 'cut', 'cut', 'crash'),
  key: fc.constantFrom('a', 'b', 'c', ''),
  /** After the event before. */
  later: fc.oneof(fc.integer({ min: -6, max: 8 }), fc.integer({ min: -6, max: 40 })),
})

const rowsOf = (rows: readonly WindowRow<string, number>[]): Row[] =>
  rows.map(({ key, start, value }) => [start, key, value])

async function write(store: Store, rows: Uint8Array): Promise<void> {
  const batch = store.batch()
  await batch.putRows(rows)
  await batch.commit()
}

async function play(
  bounds: Windows,
  actions: readonly { what: string; key: string; later: number }[],
): Promise<void> {
  const store = openMemoryStore()
  const told: Row[] = []
  const open = () =>
    openWindowed(
      counter,
      (table: Parameters<Parameters<typeof openWindowed<string, number, number>>[1]>[0]) =>
        table.hopping(bounds.size, bounds.step, bounds).onWindowClose(({ key, start, value }) => {
          told.push([start, key, value])
        }),
      { stores: [store], cacheEntries: 3 },
    )
  let opened = await open()
  let model = new Model(bounds)
  let stored = model.copy()
  let toldThen = 0
  let at = 0
  /** Of a cut under way: what it will have stored. */
  let cutting: { rows: Uint8Array; model: Model; told: number } | undefined
  for (const { what, key, later } of actions) {
    at = Math.max(-100, at + later)
    opened.hand.at(at)
    const { table } = opened
    if (what === 'cut') {
      const [part] = opened.parts
      if (cutting === undefined && part.dirty) {
        await part.pause()
        cutting = { rows: part.take(), model: model.copy(), told: told.length }
        part.resume()
      } else if (cutting !== undefined) {
        await write(store, cutting.rows)
        part.written()
        stored = cutting.model
        toldThen = cutting.told
        cutting = undefined
      }
      await settle()
    } else if (what === 'crash') {
      cutting = undefined
      opened.parts[0].close()
      await settle()
      // what is told again was told after the cut
      told.length = toldThen
      opened = await open()
      model = stored
      stored = model.copy()
    } else if (what === 'set') {
      await table.set(key, at)
      model.write(key, at, () => at)
    } else if (what === 'delete') {
      await table.delete(key)
      model.write(key, at, () => undefined)
    } else {
      await table.update(key, (n) => n + 1)
      model.write(key, at, (n) => n + 1)
    }
    assert.deepEqual(rowsOf(await all(opened.table.range())), model.rows())
    assert.equal(opened.table.late, model.late)
  }
  if (cutting !== undefined) {
    await write(store, cutting.rows)
    opened.parts[0].written()
  }
  await opened.cut()
  await settle()
  const names = told.map(([start, key]) => `${start} ${key}`)
  assert.equal(new Set(names).size, names.length, 'a window was told of twice')
  const wanted = model.closed().map((row) => row.join(' '))
  assert.deepEqual(told.map((row) => row.join(' ')).sort(), wanted.sort())
  for (let i = 0; i < 3; i++) await opened.cut()
  opened.parts[0].close()
}

test('whatever comes in whatever order, windows hold it, and close once', async () => {
  const property = fc.asyncProperty(
    windows,
    fc.array(action, { minLength: 20, maxLength: 80 }),
    play,
  )
  await fc.assert(property, { numRuns: 40 })
})
