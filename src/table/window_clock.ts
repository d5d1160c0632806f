// How far one partition of a windowed table of agents has come: its stream time, which windows that
// leaves open, and which have been told to be closed. One row of the table itself, below those of
// all windows, so that it travels with them: in the store, in the changelog, in copies.
import { EuphorionError } from '../errors.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import { firstOpenWindow, firstWindow, lastWindow } from '../kernel/slices.ts'
import { WINDOW_START_BYTES } from './agent_row_keys.ts'
import { tableStart } from './cell.ts'

/** Up to where onWindowClose was called: whole windows, and keys of the one that starts there. */
export interface ClosePosition {
  readonly startMs: number
  /** The last one, as its bytes; undefined: none of the window. */
  readonly key: Uint8Array | undefined
}

const VERSION = 1

/**
 * A window is stale when it ended at this time or before: `retentionMs` (and the grace) ago another
 * one was current, and that one and all after it are kept.
 */
export function newestStaleEnd(window: WindowPlan, streamTimeMs: number): number {
  return lastWindow(window, streamTimeMs - window.graceMs - window.retentionMs)
}

export class WindowClock {
  readonly #window: WindowPlan
  /** The largest time that was written for; -Infinity: none was. */
  streamTimeMs = Number.NEGATIVE_INFINITY
  /** Windows are closed as if it were that time: stream time, or later where nothing came. */
  passedMs = Number.NEGATIVE_INFINITY
  /** Times that were written for, so far. */
  writes = 0
  /** Start of the oldest window that may be written. */
  firstOpenMs = Number.NEGATIVE_INFINITY
  /** Start of the oldest window that may be read. */
  firstKeptMs = Number.NEGATIVE_INFINITY
  /** Writes that were too late for all of their windows. */
  late = 0
  closed: ClosePosition = { startMs: Number.NEGATIVE_INFINITY, key: undefined }
  /** No row of windows that start before it is left. */
  expiredMs = Number.NEGATIVE_INFINITY
  /** Not as the store has it. */
  isDirty = false

  /** `stored`: as encode() gave it; undefined: a table that is new. */
  constructor(window: WindowPlan, stored: Uint8Array | undefined) {
    this.#window = window
    if (stored === undefined) return
    const read = JSON.parse(Buffer.from(stored).toString())
    if (read.version !== VERSION) {
      const message = `windows of agents of version ${read.version}, this program reads ${VERSION}`
      throw new EuphorionError('STORE_INCOMPATIBLE', message)
    }
    this.late = read.late
    this.streamTimeMs = read.time ?? Number.NEGATIVE_INFINITY
    this.#pass(read.passed ?? this.streamTimeMs)
    this.expiredMs = read.expired ?? Number.NEGATIVE_INFINITY
    const key = read.closedKey === undefined ? undefined : Buffer.from(read.closedKey, 'base64')
    this.closed = { startMs: read.closed ?? Number.NEGATIVE_INFINITY, key }
  }

  /** Somebody writes for that time. Stream time never goes back. */
  advance(timeMs: number): void {
    this.writes++
    if (timeMs <= this.streamTimeMs) return
    this.streamTimeMs = timeMs
    if (timeMs > this.passedMs) this.#pass(timeMs)
    this.isDirty = true
  }

  /** Nothing comes any more for the windows that were written: all of them are closed. */
  closeAll(): void {
    const { sizeMs, graceMs } = this.#window
    const timeMs = lastWindow(this.#window, this.streamTimeMs) + sizeMs + graceMs
    if (!(timeMs > this.passedMs)) return
    this.#pass(timeMs)
    this.isDirty = true
  }

  #pass(timeMs: number): void {
    const window = this.#window
    this.passedMs = timeMs
    this.firstOpenMs = firstOpenWindow(window, timeMs)
    this.firstKeptMs = firstWindow(window, newestStaleEnd(window, timeMs))
  }

  encode(): Uint8Array {
    const { late, closed, expiredMs, streamTimeMs, passedMs } = this
    const text = JSON.stringify({
      version: VERSION,
      time: finite(streamTimeMs),
      ...(passedMs > streamTimeMs && { passed: passedMs }),
      late,
      expired: finite(expiredMs),
      closed: finite(closed.startMs),
      closedKey: closed.key && Buffer.from(closed.key).toString('base64'),
    })
    return Buffer.from(text)
  }
}

function finite(ms: number): number | undefined {
  return Number.isFinite(ms) ? ms : undefined
}

/** The key of its row: no window starts so early. */
export function clockKey(table: number): Buffer {
  return Buffer.concat([tableStart(table), Buffer.alloc(WINDOW_START_BYTES - 2)])
}
