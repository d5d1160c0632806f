// Drives one lane as ingest does: feeds batches, cuts into a map, merges deltas, and goes back to
// the last cut when told. For the contract of kernels.
import assert from 'node:assert/strict'
import { eachRow, ROW_DELTA, ROW_HEADER_BYTES, ROW_PUT, writeRow } from '../../src/batch/rows.ts'
import type { Clock } from '../../src/clock.ts'
import { mergeStates } from '../../src/kernel/aggregates.ts'
import type {
  BatchRef,
  LaneKernel,
  LaneOptions,
  LanePosition,
  LaneStatus,
  Rejected,
} from '../../src/kernel/lane.ts'
import { emptyState, stateLayout } from '../../src/kernel/state.ts'
import { composeRows, type StoreRows } from './compose.ts'

export interface LaneUnderTest {
  readonly lane: LaneKernel
  /** Puts the bytes where the lane can read them; the last one is not used any more. */
  batch(payload: Uint8Array): BatchRef
  close(): Promise<void>
}

export const fixedClock = (nowMs: number): Clock => ({
  now: () => nowMs,
  monotonic: () => nowMs,
  after: () => () => undefined,
})

export const startPosition: LanePosition = {
  nextOffset: 0,
  streamTimeMs: -1,
  counted: 0,
  late: 0,
  bad: 0,
  filtered: 0,
  storedThroughMs: Number.NEGATIVE_INFINITY,
}

export class LaneJob {
  readonly lane: LaneKernel
  readonly options: LaneOptions
  rows: StoreRows = new Map()
  rejects: Rejected[] = []
  /** Deltas and absolute rows that were drained. */
  deltas = 0
  puts = 0
  #cuts = 0
  readonly #under: LaneUnderTest
  #cut: { rows: StoreRows; position: LanePosition; rejects: number } = {
    rows: new Map(),
    position: startPosition,
    rejects: 0,
  }

  constructor(under: LaneUnderTest, options: LaneOptions) {
    this.#under = under
    this.lane = under.lane
    this.options = options
  }

  /** Feeds whole batches until done, stopped or corrupt, making room as ingest would. */
  async feed(payload: Uint8Array): Promise<LaneStatus> {
    const batch = this.#under.batch(payload)
    let stuck = 0
    for (;;) {
      const before = this.lane.counters().nextOffset
      const status = await this.lane.consume(batch)
      const rejects = this.lane.rejects()
      this.rejects.push(...rejects)
      if (status === 'full') {
        if (await this.lane.grow()) continue
        await this.cut()
        await this.lane.evict()
      } else if (status === 'rejects-full') assert.notEqual(rejects.length, 0)
      else return status
      stuck = this.lane.counters().nextOffset > before ? 0 : stuck + 1
      assert(stuck < 20, `stuck at offset ${before} with ${status}`)
    }
  }

  /**
   * Drains everything into the rows; deltas are merged and given back to the lane: in the lane's
   * own buffer and before the next drain, or all of them at the end, by turns.
   */
  async cut(): Promise<void> {
    const inPlace = this.#cuts++ % 2 === 0
    const merged: [Uint8Array, Uint8Array][] = []
    let more = true
    while (more) {
      more = (await this.lane.drain()) === 'full'
      const rows = this.lane.rows()
      if (more) assert.notEqual(rows.length, 0, 'full without a row')
      const before = this.deltas
      const counted = this.lane.deltas()
      eachRow(rows, (op, keyStart, keyEnd, valueEnd) => {
        const key = rows.slice(keyStart, keyEnd)
        const value = this.#store(op, key, rows.slice(keyEnd, valueEnd))
        if (op !== ROW_DELTA) return
        if (inPlace) {
          rows[keyStart - ROW_HEADER_BYTES] = ROW_PUT
          rows.set(value, keyEnd)
        } else merged.push([key, value])
      })
      assert.equal(counted, this.deltas - before)
      if (inPlace) await this.lane.absorb(rows)
    }
    if (!inPlace) await this.lane.absorb(packed(merged))
    const stored = { ...this.lane.counters(), storedThroughMs: Number.POSITIVE_INFINITY }
    this.#cut = { rows: new Map(this.rows), position: stored, rejects: this.rejects.length }
  }

  /** Loses everything since the last cut, as a crash does. Returns the offset to feed from. */
  restore(storedThroughMs = this.#cut.position.storedThroughMs): number {
    this.rows = new Map(this.#cut.rows)
    this.rejects.length = this.#cut.rejects
    this.lane.restore({ ...this.#cut.position, storedThroughMs })
    return this.#cut.position.nextOffset
  }

  results(): Record<string, unknown>[] {
    return composeRows(this.options.plan, this.options.table, this.rows)
  }

  close(): Promise<void> {
    return this.#under.close()
  }

  #store(op: number, key: Uint8Array, state: Uint8Array): Uint8Array {
    const id = Buffer.from(key).toString('latin1')
    if (op === ROW_PUT) {
      this.puts++
      this.rows.set(id, state)
      return state
    }
    assert.equal(op, ROW_DELTA)
    this.deltas++
    const layout = stateLayout(this.options.plan)
    const sum = Uint8Array.from(this.rows.get(id) ?? emptyState(layout))
    mergeStates(layout, new DataView(sum.buffer), 0, new DataView(state.buffer), 0)
    this.rows.set(id, sum)
    return sum
  }
}

function packed(rows: readonly [Uint8Array, Uint8Array][]): Uint8Array {
  const bytes = new Uint8Array(
    rows.reduce((sum, [key, value]) => sum + ROW_HEADER_BYTES + key.length + value.length, 0),
  )
  let at = 0
  for (const [key, value] of rows) at = writeRow(bytes, at, ROW_PUT, key, value)
  return bytes
}
