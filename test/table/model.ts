// Cells of random events written to stores as lanes would, beside the naive windows of the same
// events. Used by the tests of tables.
import fc from 'fast-check'
import { ROW_PUT, writeRow } from '../../src/batch/rows.ts'
import { addDouble, mergeStates } from '../../src/kernel/aggregates.ts'
import type { AggregationPlan, WindowPlan } from '../../src/kernel/plan.ts'
import { lastWindow, skippedFor, sliceStart } from '../../src/kernel/slices.ts'
import { emptyState, stateLayout } from '../../src/kernel/state.ts'
import { cellKey, plainKey, type TablePart } from '../../src/table/cell.ts'
import { Expiry } from '../../src/table/expiry.ts'
import { writePosition } from '../../src/table/meta.ts'
import type { TableRow } from '../../src/table/result.ts'
import type { Store } from '../../src/table/store.ts'

export interface Event {
  readonly key: string
  readonly t: number
  readonly v: number
}

export function planOf(window: WindowPlan | undefined): AggregationPlan {
  return {
    name: 't',
    value: undefined,
    columns: [
      { path: ['v'], type: 'float64' },
      { path: ['n'], type: 'int64' },
    ],
    where: undefined,
    key: { from: 'record' },
    time: { from: 'record' },
    window,
    aggregates: [
      { name: 'views', fn: 'count', column: -1 },
      { name: 'total', fn: 'sum', column: 0 },
      { name: 'least', fn: 'min', column: 0 },
      { name: 'most', fn: 'max', column: 1 },
    ],
    maxFutureMs: 0,
  }
}

export const layout = stateLayout(planOf(undefined))

/** The state of one event: v is whole, so that naive sums are exact. */
function stateOf({ v }: Event): Buffer {
  const state = Buffer.from(emptyState(layout))
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength)
  const [views, total, least, most] = layout.fields
  view.setBigUint64(views.offset, 1n, true)
  addDouble(view, total.offset, v, 0)
  view.setFloat64(least.offset, v, true)
  view.setBigInt64(most.offset, BigInt(v), true)
  view.setBigUint64(most.offset + 8, 1n, true)
  return state
}

type NaiveWindow = { key: string; start: number | undefined; events: Event[] }

/** One partition: the cells of a lane, and the windows by the definition. */
export class PartModel {
  readonly part: TablePart & { readonly store: Store }
  readonly window: WindowPlan | undefined
  streamTime = -1
  late = 0
  /** Windows by `start key`. */
  readonly windows = new Map<string, NaiveWindow>()
  /** Windows changed since the last cut. */
  readonly changed = new Set<string>()
  readonly #cells = new Map<string, { key: Buffer; state: Buffer }>()
  readonly #dirty = new Set<string>()

  constructor(part: TablePart & { readonly store: Store }, window: WindowPlan | undefined) {
    this.part = part
    this.window = window
  }

  add(event: Event): void {
    this.streamTime = Math.max(this.streamTime, event.t)
    this.#addNaive(event)
    const key = this.#cellKey(event)
    if (!key) {
      this.late++
      return
    }
    const text = key.toString('latin1')
    const cell = this.#cells.get(text)
    const state = stateOf(event)
    const view = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (cell) mergeStates(layout, view(cell.state), 0, view(state), 0)
    else this.#cells.set(text, { key, state })
    this.#dirty.add(text)
  }

  /** Writes the dirty cells and the position; returns the packed rows. */
  async cut(): Promise<Uint8Array> {
    const rows = new Uint8Array(this.#dirty.size * 256)
    let at = 0
    for (const text of this.#dirty) {
      const { key, state } = this.#cells.get(text)!
      at = writeRow(rows, at, ROW_PUT, key, state)
    }
    this.#dirty.clear()
    const batch = this.part.store.batch()
    await batch.putRows(rows.subarray(0, at))
    writePosition(batch, this.part.number, {
      nextOffset: 0,
      streamTimeMs: this.streamTime,
      counted: 0,
      late: this.late,
      bad: 0,
      filtered: 0,
    })
    await batch.commit()
    return rows.subarray(0, at)
  }

  /** As cuts do: what reads leave out, and `isThrough` also what goes from the store. */
  async expire(isThrough = true): Promise<void> {
    if (this.window === undefined) return
    const { part, streamTime } = this
    const expiry = new Expiry(part, this.window)
    do {
      const expired = await expiry.take(streamTime, 2)
      if (expired === undefined) return
      const batch = part.store.batch()
      await expired.apply(batch)
      await batch.commit()
      expired.written()
    } while (isThrough)
  }

  rowOf(name: string): TableRow<string> {
    const { key, start, events } = this.windows.get(name)!
    const values = events.map(({ v }) => v)
    const time = start === undefined ? {} : { start, end: start + this.window!.sizeMs }
    return {
      key,
      ...time,
      views: events.length,
      total: values.reduce((sum, v) => sum + v, 0),
      least: Math.min(...values),
      most: BigInt(Math.max(...values)),
    }
  }

  /** By start, then by key. */
  rows(select: (window: NaiveWindow) => boolean = () => true): TableRow<string>[] {
    return [...this.windows]
      .filter(([, window]) => select(window))
      .map(([name]) => this.rowOf(name))
      .sort(byStartAndKey)
  }

  #cellKey({ key, t }: Event): Buffer | undefined {
    const { number } = this.part
    if (!this.window) return plainKey(number, Buffer.from(key))
    const slice = sliceStart(this.window, t)
    const skipped = skippedFor(this.window, slice, this.streamTime)
    return skipped < 0 ? undefined : cellKey(number, slice, skipped, Buffer.from(key))
  }

  #addNaive(event: Event): void {
    const { window } = this
    if (!window) {
      this.#addTo(undefined, event)
      return
    }
    for (
      let start = lastWindow(window, event.t);
      start > event.t - window.sizeMs;
      start -= window.stepMs
    )
      if (start + window.sizeMs + window.graceMs > this.streamTime) this.#addTo(start, event)
  }

  #addTo(start: number | undefined, event: Event): void {
    const name = `${start} ${event.key}`
    this.changed.add(name)
    const found = this.windows.get(name)
    if (found) found.events.push(event)
    else this.windows.set(name, { key: event.key, start, events: [event] })
  }
}

export function byStartAndKey(a: TableRow<string>, b: TableRow<string>): number {
  return (a.start ?? 0) - (b.start ?? 0) || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))
}

export const windowPlans: fc.Arbitrary<WindowPlan> = fc
  .record({
    sizeMs: fc.integer({ min: 1, max: 50 }),
    step: fc.oneof(fc.constant(50), fc.integer({ min: 1, max: 50 })),
    graceMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 })),
    retentionMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 80 })),
  })
  .map(({ step, ...rest }) => ({ ...rest, stepMs: Math.min(step, rest.sizeMs) }))

const keys = fc.constantFrom('a', 'b', '/home', 'é', '𐐷', '', 'ab')

/** Events that mostly move on in time, with late ones and jumps, in the order of arrival. */
export const eventLists: fc.Arbitrary<Event[]> = fc
  .array(
    fc.record({
      key: keys,
      move: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: -40, max: 60 }) },
        fc.integer({ min: 0, max: 5000 }),
      ),
      v: fc.integer({ min: -50, max: 50 }),
    }),
    { maxLength: 60 },
  )
  .map((moves) => {
    let now = 0
    return moves.map(({ key, move, v }) => {
      const t = Math.max(0, now + move)
      now = Math.max(now, t)
      return { key, t, v: v + 0 }
    })
  })
