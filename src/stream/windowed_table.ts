// A windowed table of agents as a program has it: a value for each key and window. Made by
// app.table(…).tumbling(…) and .hopping(…).
import { EuphorionError } from '../errors.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import type { AgentWindowed } from '../table/agent_windowed.ts'
import type { GivenEvent, TimeOf } from '../table/window_time.ts'
import type {
  LateWrite,
  WindowedDefinition,
  WindowRange,
  WindowRow,
} from '../table/windowed_definition.ts'
import { type Duration, parseDuration } from '../units.ts'
import { hopping } from '../window/windows.ts'
import type { Event } from './events.ts'

export interface TableWindowOptions {
  /** How long after its end, in stream time, a window may still be written. Default 0. */
  readonly grace?: Duration
  /**
   * How long after end and grace, in stream time, windows are kept. Default, and 0: for ever.
   */
  readonly expires?: Duration
  /**
   * Closes all windows of a partition that nothing was written in for so long, by the wall clock:
   * for topics that fall silent. What comes for them afterwards is late. Default: never.
   */
  readonly closeAfterIdle?: Duration
}

/** Fields that say when: numbers of ms since the epoch, or dates. */
type TimeField<T> = {
  [Name in keyof T & string]: T[Name] extends number | Date ? Name : never
}[keyof T & string]

/** What a call is about, where it is not the event in hand. */
type Given = Pick<Event<unknown, unknown>, 'timestamp' | 'value' | 'partition'>

/**
 * Values by key and window, in the partitions that this worker has. Windows begin at multiples of
 * the step since the epoch, and end before the next: [start, end), in ms. A write changes every
 * window that holds its time.
 *
 * Whatever is said of Table holds here: agents write, with an event of the key's partition in hand,
 * and what they wrote counts with the cut that acknowledges it.
 *
 * The time of a call is that of the event in hand, of the key's partition. Where functions hold
 * several of them (concurrency, batches, take), a call that is not given the event rejects with
 * TIME_UNKNOWN. relativeToField(), relativeToNow() and relativeToStream() are the same table by
 * other times.
 *
 * Stream time is the largest time that a partition of the table was written for. A window is closed
 * once it is `grace` past its end: what comes later for it changes nothing, and is counted.
 */
export class WindowedTable<K, V, Missing extends V | undefined = undefined> {
  readonly name: string
  readonly #definition: WindowedDefinition<K, V>
  readonly #time: TimeOf

  /** Made by tumbling() and hopping() of a table. */
  constructor(definition: WindowedDefinition<K, V>, time: TimeOf) {
    this.name = definition.name
    this.#definition = definition
    this.#time = time
  }

  /** By a field of the events' values: a timestamp in ms, or a date. */
  relativeToField<T>(field: TimeField<T>): WindowedTable<K, V, Missing> {
    return new WindowedTable<K, V, Missing>(this.#definition, { of: 'event', field })
  }

  /**
   * By the wall clock, whatever the events say: what is read again after a crash may count in
   * another window.
   */
  relativeToNow(): WindowedTable<K, V, Missing> {
    return new WindowedTable<K, V, Missing>(this.#definition, { of: 'now' })
  }

  /** By stream time: what comes late counts in the newest window. */
  relativeToStream(): WindowedTable<K, V, Missing> {
    return new WindowedTable<K, V, Missing>(this.#definition, { of: 'stream' })
  }

  /**
   * Sets what `change` makes of the value of each window that holds the time; where it throws,
   * none is changed. Resolves with that of the newest window. `change` is synchronous. Agents only.
   */
  update(key: K, change: (value: V | Missing) => V, event?: Given): Promise<V | Missing> {
    const { running } = this.#definition
    if (running === undefined) return Promise.reject(this.#notRunning())
    const made = running.update(key, change as (value: V) => V, this.#time, event)
    return made as Promise<V | Missing>
  }

  /** In each window that holds the time. Agents only. */
  async set(key: K, value: V, event?: Given): Promise<void> {
    return this.#running().set(key, value, this.#time, event)
  }

  /** From each window that holds the time. Agents only. */
  async delete(key: K, event?: Given): Promise<void> {
    return this.#running().delete(key, this.#time, event)
  }

  /**
   * The value in the newest window that holds `at` (ms); without it, as now(key). Undefined, or the
   * default, where that window does not have the key.
   */
  async get(key: K, options: { readonly at?: number } = {}): Promise<V | Missing> {
    const { at } = options
    return at === undefined
      ? this.now(key)
      : ((await this.#running().at(key, at)) as Promise<V | Missing>)
  }

  /** The value in the newest window that holds the event's own time. */
  async current(key: K, event?: Given): Promise<V | Missing> {
    return this.#value(key, { of: 'event', field: undefined }, event)
  }

  /** The value in the newest window that holds the table's time. */
  async value(key: K, event?: Given): Promise<V | Missing> {
    return this.#value(key, this.#time, event)
  }

  /** The value in the newest window that holds the stream time of the key's partition. */
  async now(key: K): Promise<V | Missing> {
    return this.#value(key, { of: 'stream' }, undefined)
  }

  /** As value(), that long before. */
  async delta(key: K, before: Duration, event?: Given): Promise<V | Missing> {
    return this.#value(key, this.#time, event, durationMs(this.name, before))
  }

  /** Whether the newest window that holds the table's time has the key. */
  async has(key: K, event?: Given): Promise<boolean> {
    return this.#running().has(key, this.#time, event)
  }

  /** Windows that hold `at` (ms) and have the key, oldest first. */
  async windows(key: K, { at }: { readonly at: number }): Promise<WindowRow<K, V>[]> {
    return this.#running().windows(key, at)
  }

  /**
   * Rows of the partitions that are here (of all, for a global table) by start of the window, then
   * by the bytes of the key, as they were when the loop began.
   */
  range(options: WindowRange<K> = {}): AsyncIterable<WindowRow<K, V>> {
    return this.#running().range(options)
  }

  /** Each key that some window has, once. */
  keys(): AsyncIterable<K> {
    return this.#running().keys()
  }

  /**
   * Keys and values of the windows that are the newest to hold `at` (ms; default: the stream time
   * of each partition). With a default, of all keys that some window has.
   */
  entries(options: { readonly at?: number } = {}): AsyncIterable<[key: K, value: V]> {
    return this.#running().entries(options.at)
  }

  /** The values of entries(). */
  async *values(options: { readonly at?: number } = {}): AsyncGenerator<V, void> {
    for await (const [, value] of this.entries(options)) yield value
  }

  /** The same as entries(). */
  [Symbol.asyncIterator](): AsyncIterator<[key: K, value: V]> {
    return this.entries()[Symbol.asyncIterator]()
  }

  /**
   * Calls `run` once for each key of each window that has closed, in the order of the windows'
   * starts, with the value that is final, on the worker that has the partition; the next one when
   * `run` has resolved. How far that has come is part of the next cut: after a crash the last ones
   * come again, and with `exactly_once` what was sent for them counts once. Where `run` throws, the
   * partition tells of no more windows in this run of the app. Before the app starts.
   */
  onWindowClose(run: (row: WindowRow<K, V>) => unknown): this {
    this.#adding(this.#definition.closed).push(run)
    return this
  }

  /** Calls `run` for each write that is too late for all of its windows. Before the app starts. */
  onLate(run: (write: LateWrite<K>) => void): this {
    this.#adding(this.#definition.late).push(run)
    return this
  }

  /** Writes that came too late for all of their windows, in the partitions that are here. */
  get late(): number {
    return this.#running().late
  }

  #value(key: K, time: TimeOf, event: GivenEvent | undefined, beforeMs = 0): Promise<V | Missing> {
    return this.#running().value(key, time, event, beforeMs) as Promise<V | Missing>
  }

  /** Throws APP_INVALID. */
  #adding<T>(to: readonly T[]): T[] {
    if (this.#definition.running === undefined) return to as T[]
    throw invalid(this.name, 'what it calls is declared before the app starts')
  }

  #running(): AgentWindowed<K, V> {
    const { running } = this.#definition
    if (running !== undefined) return running
    throw this.#notRunning()
  }

  #notRunning(): EuphorionError {
    const place = { table: this.name }
    return new EuphorionError('QUERY_UNAVAILABLE', 'the app does not run', { place })
  }
}

/** Throws SETTING_INVALID. */
export function tableWindow(
  size: Duration,
  step: Duration,
  { grace = 0, expires = 0 }: TableWindowOptions,
): WindowPlan {
  const plan = hopping(size, step, { grace, retention: expires })
  return plan.retentionMs > 0 ? plan : { ...plan, retentionMs: Number.POSITIVE_INFINITY }
}

/** Throws APP_INVALID. */
export function idleMs(table: string, { closeAfterIdle }: TableWindowOptions): number | undefined {
  if (closeAfterIdle === undefined) return undefined
  const ms = durationMs(table, closeAfterIdle)
  if (ms >= 1) return ms
  throw invalid(table, 'closeAfterIdle is at least 1 ms')
}

function durationMs(table: string, duration: Duration): number {
  const ms = parseDuration(duration)
  if (ms !== undefined) return ms
  throw invalid(table, `'${duration}' is no time`)
}

function invalid(table: string, message: string): EuphorionError {
  return new EuphorionError('APP_INVALID', `table ${table}: ${message}`, { place: { table } })
}
