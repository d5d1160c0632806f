// One partition of a windowed table of agents: its rows, its clock, and what a cut does besides:
// windows that nobody can ask for any more are deleted, and those that have closed are told of.
//
//   written(): stored stream time ─┬▶ closer: onWindowClose, key by key, from the store
//                                  └▶ deletes of expired rows, for the next take()

import { ROW_HEADER_BYTES, ROW_PUT, writeRow } from '../batch/rows.ts'
import type { Clock } from '../clock.ts'
import type { EventInHand } from '../ingest/subscriber.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import { firstOpenWindow, firstWindow } from '../kernel/slices.ts'
import type { CacheKey } from './agent_keys.ts'
import type { AgentRowPacker } from './agent_packing.ts'
import { AgentTablePart, type AgentTablePartOptions, type PartForms } from './agent_part.ts'
import { windowBound, windowStartOf } from './agent_row_keys.ts'
import type { AgentRow } from './agent_rows.ts'
import { edgeKey, tableEnd } from './cell.ts'
import { deletesOf } from './expiry.ts'
import { clockKey, newestStaleEnd, WindowClock } from './window_clock.ts'
import { WindowCloser, type WindowCloserOptions } from './window_closer.ts'
import { FIRST_START } from './window_rows.ts'

/** Rows that a cut deletes at most. */
const EXPIRED_ROWS_MAX = 10_000

export interface WindowedPartOptions extends AgentTablePartOptions {
  readonly window: WindowPlan
  /** Without a write for so long, all windows are closed. */
  readonly idle: { readonly ms: number; readonly clock: Clock } | undefined
  /** Undefined: nobody wants to know. */
  readonly closing: Omit<WindowCloserOptions, 'part'> | undefined
}

interface Expired {
  /** Packed deletes. */
  readonly rows: Uint8Array
  /** Nothing is left before it once they are written. */
  readonly toMs: number
}

export class WindowedPart extends AgentTablePart {
  readonly window: WindowPlan
  readonly clock: WindowClock
  readonly #closer: WindowCloser | undefined
  /** Windows up to it may have rows in the store that are not in memory. */
  #storedTo: number
  /** As the last take() has it, and as the store has it. */
  #takenTimeMs: number
  #storedTimeMs: number
  #expired: Expired | undefined
  #isExpiring = false
  #unwatch = (): void => undefined
  /** The expired rows are in the cut that is under way. */
  #isExpiredTaken = false

  private constructor(
    forms: PartForms,
    options: WindowedPartOptions,
    clock: WindowClock,
    storedTo: number,
  ) {
    super(forms, options, false)
    this.window = options.window
    this.clock = clock
    this.#storedTo = storedTo
    this.#takenTimeMs = clock.passedMs
    this.#storedTimeMs = clock.passedMs
    const { closing } = options
    this.#closer = closing && new WindowCloser({ ...closing, part: this })
  }

  static override async open(
    forms: PartForms,
    options: WindowedPartOptions,
  ): Promise<WindowedPart> {
    const { store, number, window } = options
    const clock = new WindowClock(window, await store.get(clockKey(number)))
    const last = await edgeKey(store, windowBound(number, FIRST_START), tableEnd(number), true)
    const storedTo = last === undefined ? Number.NEGATIVE_INFINITY : windowStartOf(last)
    const part = new WindowedPart(forms, options, clock, storedTo)
    if (options.idle !== undefined) part.#watch(options.idle)
    part.#goOn()
    return part
  }

  override knows(group: CacheKey): boolean {
    return (group as number) > this.#storedTo
  }

  override forgot(row: AgentRow): void {
    if (row.kept !== undefined) this.#storedTo = Math.max(this.#storedTo, row.group as number)
  }

  /** The one event of this partition that is in hand; undefined: several, or a batch. */
  get inHand(): EventInHand | undefined {
    let only: EventInHand | undefined
    for (const holder of this.holders) {
      const { inHand } = holder
      if (inHand === undefined ? holder.holds : only !== undefined) return undefined
      only ??= inHand
    }
    return only
  }

  /** Of what the store has: older windows are final there. */
  get storedOpenMs(): number {
    return firstOpenWindow(this.window, this.#storedTimeMs)
  }

  override get dirty(): boolean {
    return super.dirty || this.clock.isDirty || this.#expired !== undefined
  }

  protected override packMore(rows: AgentRowPacker): void {
    const { clock } = this
    this.#isExpiredTaken = this.#expired !== undefined
    if (this.#expired !== undefined) {
      rows.addPacked(this.#expired.rows)
      clock.expiredMs = this.#expired.toMs
    }
    this.#takenTimeMs = clock.passedMs
    clock.isDirty = false
    const key = clockKey(this.table)
    const value = clock.encode()
    const row = new Uint8Array(ROW_HEADER_BYTES + key.length + value.length)
    writeRow(row, 0, ROW_PUT, key, value)
    rows.addPacked(row)
  }

  override written(): void {
    super.written()
    this.#storedTimeMs = this.#takenTimeMs
    if (this.#isExpiredTaken) this.#expired = undefined
    this.#isExpiredTaken = false
    this.#goOn()
  }

  override async pause(): Promise<void> {
    await Promise.all([super.pause(), this.#closer?.pause()])
  }

  override resume(): void {
    this.#closer?.resume()
  }

  override stall(ms: number): void {
    this.#closer?.stall(ms)
  }

  override get spoiled(): Error | undefined {
    return this.#closer?.spoiled
  }

  override async end(): Promise<void> {
    await this.#closer?.end()
  }

  override close(): void {
    super.close()
    this.#unwatch()
    this.#closer?.close()
  }

  #watch(idle: NonNullable<WindowedPartOptions['idle']>): void {
    const { writes } = this.clock
    this.#unwatch = idle.clock.after(idle.ms, () => {
      // an event that is being worked on may still write
      if (this.clock.writes === writes && !this.isHeld) this.clock.closeAll()
      this.#watch(idle)
    })
  }

  #goOn(): void {
    this.#closer?.wake()
    void this.#findExpired()
  }

  /** Rows of windows that no read shows any more, as far as they were told to be closed. */
  async #findExpired(): Promise<void> {
    const { clock, table, store } = this
    const told = this.#closer === undefined ? Number.POSITIVE_INFINITY : clock.closed.startMs
    // of the stored time: whatever was written for them is in the store
    const keptMs = firstWindow(this.window, newestStaleEnd(this.window, this.#storedTimeMs))
    const toMs = Math.min(keptMs, told)
    const isDue = toMs > clock.expiredMs && Number.isFinite(toMs)
    if (!isDue || this.#isExpiring || this.#expired !== undefined) return
    this.#isExpiring = true
    try {
      const gte = windowBound(table, Math.max(clock.expiredMs, FIRST_START))
      const parts: Uint8Array[] = []
      let count = 0
      let last: Uint8Array | undefined
      const limit = EXPIRED_ROWS_MAX
      for await (const rows of store.scanRows({ gte, lt: windowBound(table, toMs), limit })) {
        if (this.isClosed) return
        const deletes = deletesOf(rows)
        parts.push(deletes.rows)
        count += deletes.count
        last = deletes.last
      }
      const isAll = last === undefined || count < limit
      const expired = { rows: Buffer.concat(parts), toMs: isAll ? toMs : windowStartOf(last!) }
      if (count > 0) this.#expired = expired
      else clock.expiredMs = toMs
    } catch {
      // the store fails: the next cut says so
    } finally {
      this.#isExpiring = false
    }
  }
}
