// A windowed table of agents while the app runs: a value for each key and window. A write changes
// every window that holds its time and is still open. Called by the user's handle
// (stream/windowed_table.ts) and by the engine, which opens the parts.
import { type Clock, systemClock } from '../clock.ts'
import type { EuphorionError } from '../errors.ts'
import type { ResultRow, TableReader } from '../ingest/aggregation.ts'
import { firstWindow, lastWindow } from '../kernel/slices.ts'
import type { CacheKey, KeyForm } from './agent_keys.ts'
import type { AgentTablePartOptions } from './agent_part.ts'
import { windowRowKeys } from './agent_row_keys.ts'
import { type AgentTableOptions, RowTable, type Scope } from './agent_row_table.ts'
import type { AgentRow } from './agent_rows.ts'
import type { Kept, ValueForm } from './agent_values.ts'
import { clockKey, WindowClock } from './window_clock.ts'
import type { WindowHalt } from './window_closer.ts'
import { FIRST_START, inOrder, rowsOf, type StoreRow, windowRange } from './window_rows.ts'
import { eventTime, type GivenEvent, type TimeOf, timeIn, tooFarAhead } from './window_time.ts'
import type { WindowedDefinition, WindowRange, WindowRow } from './windowed_definition.ts'
import { WindowedPart } from './windowed_part.ts'

export class AgentWindowed<K, V> extends RowTable<WindowedPart> {
  readonly definition: WindowedDefinition<K, V>
  readonly #keys: KeyForm<K>
  readonly #values: ValueForm<V>
  readonly #clock: Clock
  /** Parts of keys that were written lately, so that a key is not hashed for each event. */
  readonly #partOf = new Map<CacheKey, WindowedPart>()
  /** An array for the rows of one update; undefined while one is being made. */
  #free: AgentRow[] | undefined = []
  readonly #halts = new Map<number, WindowHalt>()

  constructor(definition: WindowedDefinition<K, V>, options: AgentTableOptions) {
    const { name, shape, keys, values } = definition
    super({ name, shape, keys, values, rowKeys: windowRowKeys(keys) }, options)
    this.definition = definition
    this.#keys = keys
    this.#values = values
    this.#clock = options.clock ?? systemClock
  }

  protected async open(options: AgentTablePartOptions): Promise<WindowedPart> {
    const { window, closed, idleMs } = this.definition
    const { partition } = options
    const halt = this.#halts.get(partition) ?? { at: undefined }
    this.#halts.set(partition, halt)
    const tell = async (keyBytes: Buffer, value: Buffer, start: number): Promise<void> => {
      const row = this.#row(keyBytes, value, start)
      for (const call of closed) await call(row)
    }
    const failed = (error: EuphorionError): void => this.options.failed?.(error)
    const closing = closed.length === 0 ? undefined : { tell, halt, failed }
    this.#partOf.clear()
    const idle = idleMs === undefined ? undefined : { ms: idleMs, clock: this.#clock }
    return WindowedPart.open(this.forms, { ...options, window, closing, idle })
  }

  override closePart(part: WindowedPart): void {
    this.#partOf.clear()
    super.closePart(part)
  }

  /** Writes here that were too late for all of their windows. */
  get late(): number {
    let late = 0
    for (const { clock } of this.parts.values()) late += clock.late
    return late
  }

  /** Resolves with the value of the newest window. */
  update(
    key: K,
    change: (value: V) => V,
    of: TimeOf,
    given: GivenEvent | undefined,
  ): Promise<V | undefined> {
    try {
      const cacheKey = this.#keys.cacheKey(key)
      const part = this.#partToWrite(cacheKey)
      const atMs = this.#timeToWrite(part, of, given)
      const last = lastWindow(part.window, atMs)
      const first = Math.max(firstWindow(part.window, atMs), part.clock.firstOpenMs)
      if (first > last) return this.#late(part, cacheKey, last, atMs)
      if (first === last) {
        const row = this.rows.get(last, cacheKey)
        if (row !== undefined && row.queue === undefined) {
          row.isUsed = true
          return Promise.resolve(this.#change(row, change))
        }
      }
      return this.#updateAll(part, cacheKey, first, last, change)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async set(key: K, value: V, of: TimeOf, given: GivenEvent | undefined): Promise<void> {
    return this.#putAll(key, this.#values.keep(value), of, given)
  }

  async delete(key: K, of: TimeOf, given: GivenEvent | undefined): Promise<void> {
    return this.#putAll(key, undefined, of, given)
  }

  /** The value in the newest window that holds the time, `beforeMs` before. */
  async value(
    key: K,
    of: TimeOf,
    given: GivenEvent | undefined,
    beforeMs = 0,
  ): Promise<V | undefined> {
    const cacheKey = this.#keys.cacheKey(key)
    if (of.of === 'stream') return this.#shown(await this.#atStreamTime(cacheKey, beforeMs))
    const atMs = of.of === 'now' ? this.#clock.now() : this.#timeOfEvent(cacheKey, of, given)
    return this.#shown(await this.#at(cacheKey, atMs - beforeMs))
  }

  /** The value in the newest window that holds the time. */
  async at(key: K, atMs: number): Promise<V | undefined> {
    return this.#shown(await this.#at(this.#keys.cacheKey(key), atMs))
  }

  async has(key: K, of: TimeOf, given: GivenEvent | undefined): Promise<boolean> {
    const cacheKey = this.#keys.cacheKey(key)
    if (of.of === 'stream') return (await this.#atStreamTime(cacheKey, 0)) !== undefined
    const atMs = of.of === 'now' ? this.#clock.now() : this.#timeOfEvent(cacheKey, of, given)
    return (await this.#at(cacheKey, atMs)) !== undefined
  }

  /** Those that hold the time and have the key, oldest first. */
  async windows(key: K, atMs: number): Promise<WindowRow<K, V>[]> {
    const cacheKey = this.#keys.cacheKey(key)
    const { window } = this.definition
    const starts: number[] = []
    for (let start = firstWindow(window, atMs); start <= atMs; start += window.stepMs)
      starts.push(start)
    const kept = await Promise.all(starts.map((start) => this.#inWindow(cacheKey, start)))
    return kept.flatMap((value, i) =>
      value === undefined ? [] : [this.#rowOf(key, starts[i], this.#values.show(value))],
    )
  }

  /** By start of the window, then by the bytes of the key. Cost: a row of each partition. */
  async *range(
    { from = FIRST_START, to, key }: WindowRange<K>,
    scope?: Scope,
  ): AsyncGenerator<WindowRow<K, V>, void> {
    const wanted = key === undefined ? undefined : this.#keys.encode(this.#keys.cacheKey(key))
    const sources: AsyncGenerator<StoreRow, void>[] = []
    for (const { part, number, scan } of this.views(scope)) {
      const first = Math.max(from, part?.clock.firstKeptMs ?? FIRST_START)
      sources.push(rowsOf(scan(...windowRange(number, first, to)), wanted))
    }
    for await (const [keyBytes, value, start] of inOrder(sources))
      yield this.#row(keyBytes, value, start)
  }

  /** Each key that some window has, once. They are kept in memory meanwhile. */
  async *keys(scope?: Scope): AsyncGenerator<K, void> {
    const seen = new Set<CacheKey>()
    for await (const { key } of this.range({}, scope)) {
      const cacheKey = this.#keys.cacheKey(key)
      if (seen.has(cacheKey)) continue
      seen.add(cacheKey)
      yield key
    }
  }

  /** Of the newest window that holds `atMs`, or each partition's stream time. */
  async *entries(atMs?: number, scope?: Scope): AsyncGenerator<[key: K, value: V], void> {
    const hasDefault = this.definition.missing() !== undefined
    for await (const key of this.keys(scope)) {
      const cacheKey = this.#keys.cacheKey(key)
      const kept =
        atMs === undefined ? await this.#atStreamTime(cacheKey, 0) : await this.#at(cacheKey, atMs)
      if (kept !== undefined || hasDefault) yield [key, this.#shown(kept) as V]
    }
  }

  reader(scope: Scope): TableReader {
    const rows = async function* (all: AsyncIterable<WindowRow<K, V>>): AsyncGenerator<ResultRow> {
      for await (const row of all) yield { ...row }
    }
    return {
      get: async (key) => {
        const cacheKey = this.#keys.cacheKey(key as K)
        const kept = await this.#atStreamTime(cacheKey, 0)
        return kept === undefined ? undefined : { key, value: this.#values.show(kept) }
      },
      windows: async (key, { at }) => (await this.windows(key as K, at)).map((row) => ({ ...row })),
      range: ({ from, to, key }) => rows(this.range({ from, to, key: key as K }, scope)),
    }
  }

  #partToWrite(cacheKey: CacheKey): WindowedPart {
    const known = this.#partOf.get(cacheKey)
    if (known === undefined) {
      const part = this.partToWrite(0, cacheKey)
      if (this.#partOf.size >= this.options.cacheEntries) this.#partOf.clear()
      this.#partOf.set(cacheKey, part)
      return part
    }
    if (!known.isHeld) throw this.notHeld(known.partition)
    return known
  }

  /** Moves the stream time there. */
  #timeToWrite(part: WindowedPart, of: TimeOf, given: GivenEvent | undefined): number {
    const { clock } = part
    const { maxFutureMs = Number.POSITIVE_INFINITY } = this.options
    const atMs =
      of.of === 'now'
        ? this.#clock.now()
        : eventTime(part, of.of === 'event' ? of.field : undefined, given)
    // one wrong time would close every window
    if (atMs > clock.streamTimeMs && atMs > this.#clock.now() + maxFutureMs)
      throw tooFarAhead(this.definition.name, atMs)
    clock.advance(atMs)
    return of.of === 'stream' ? clock.streamTimeMs : atMs
  }

  #timeOfEvent(cacheKey: CacheKey, of: TimeOf, given: GivenEvent | undefined): number {
    const field = of.of === 'event' ? of.field : undefined
    if (given !== undefined) return timeIn(this.definition.name, given, field)
    const partition = this.partitionOf(0, cacheKey)
    const part = this.parts.get(partition)
    if (part === undefined) throw this.notHere(partition)
    return eventTime(part, field, given)
  }

  /** Too late for every window; what the table has stays as it is. */
  async #late(
    part: WindowedPart,
    cacheKey: CacheKey,
    start: number,
    atMs: number,
  ): Promise<V | undefined> {
    part.clock.late++
    part.clock.isDirty = true
    const { late } = this.definition
    if (late.length > 0) {
      const key = this.#keys.decode(this.#keys.encode(cacheKey))
      for (const call of late) call({ key, at: atMs })
    }
    return this.#shown(await this.#inWindow(cacheKey, start))
  }

  /** In all of the windows or, where `change` throws, in none. */
  #updateAll(
    part: WindowedPart,
    key: CacheKey,
    first: number,
    last: number,
    change: (value: V) => V,
  ): Promise<V> {
    const { stepMs } = part.window
    const found = this.#free ?? []
    this.#free = undefined
    try {
      if (this.#find(found, key, first, last, stepMs))
        return Promise.resolve(this.#changeRows(found, change))
    } finally {
      found.length = 0
      this.#free = found
    }
    const rows: AgentRow[] = []
    for (let start = first; start <= last; start += stepMs) {
      const row = this.rows.get(start, key) ?? this.newRow(part, start, key)
      row.pins++
      rows.push(row)
    }
    return part.waitFor(
      new Promise<V>((resolve, reject) => {
        const fail = (error: unknown): void => {
          unpin(rows)
          reject(error)
        }
        // in turn, so that calls for the same windows stay in their order
        const attempt = (): void => {
          const row = rows.find(waits)
          if (row !== undefined) {
            row.queue!.push({ run: attempt, fail })
            return
          }
          unpin(rows)
          try {
            resolve(this.#changeRows(rows, change))
          } catch (error) {
            reject(error)
          }
        }
        attempt()
      }),
    )
  }

  /** False: some are not in memory. */
  #find(to: AgentRow[], key: CacheKey, first: number, last: number, stepMs: number): boolean {
    for (let start = first; start <= last; start += stepMs) {
      const row = this.rows.get(start, key)
      if (row === undefined || row.queue !== undefined) return false
      to.push(row)
    }
    return true
  }

  #changeRows(rows: readonly AgentRow[], change: (value: V) => V): V {
    let value!: V
    const kept: Kept[] = []
    for (const row of rows) {
      value = change(this.#shown(row.kept) as V)
      kept.push(this.#values.keep(value))
    }
    for (let i = 0; i < rows.length; i++) {
      rows[i].isUsed = true
      this.put(rows[i], kept[i])
    }
    return value
  }

  async #putAll(
    key: K,
    kept: Kept | undefined,
    of: TimeOf,
    given: GivenEvent | undefined,
  ): Promise<void> {
    const cacheKey = this.#keys.cacheKey(key)
    const part = this.#partToWrite(cacheKey)
    const atMs = this.#timeToWrite(part, of, given)
    const { window, clock } = part
    const last = lastWindow(window, atMs)
    const first = Math.max(firstWindow(window, atMs), clock.firstOpenMs)
    if (first > last) {
      await this.#late(part, cacheKey, last, atMs)
      return
    }
    const waits: (Promise<void> | undefined)[] = []
    for (let start = first; start <= last; start += window.stepMs)
      waits.push(this.replaceIn(part, start, cacheKey, kept))
    await Promise.all(waits)
  }

  #change(row: AgentRow, change: (value: V) => V): V {
    const value = change(this.#shown(row.kept) as V)
    this.put(row, this.#values.keep(value))
    return value
  }

  readonly #shown = (kept: Kept | undefined): V | undefined =>
    kept === undefined ? this.definition.missing() : this.#values.show(kept)

  #at(key: CacheKey, atMs: number): Promise<Kept | undefined> {
    return this.#inWindow(key, lastWindow(this.definition.window, atMs))
  }

  async #inWindow(key: CacheKey, start: number): Promise<Kept | undefined> {
    const row = this.rows.get(start, key)
    const part = row?.part ?? this.parts.get(this.partitionOf(0, key))
    if (part !== undefined && start < (part as WindowedPart).clock.firstKeptMs) return undefined
    return this.read(start, key, (kept) => kept)
  }

  async #atStreamTime(key: CacheKey, beforeMs: number): Promise<Kept | undefined> {
    const partition = this.partitionOf(0, key)
    const here = this.parts.get(partition)
    let { streamTimeMs } = here?.clock ?? { streamTimeMs: Number.NEGATIVE_INFINITY }
    if (here === undefined) {
      const { store, number } = this.elsewhere(partition)
      const stored = await store.get(clockKey(number))
      streamTimeMs = new WindowClock(this.definition.window, stored).streamTimeMs
    }
    return Number.isFinite(streamTimeMs) ? this.#at(key, streamTimeMs - beforeMs) : undefined
  }

  #row(keyBytes: Buffer, value: Buffer, start: number): WindowRow<K, V> {
    const kept = this.#values.load(Buffer.from(value))
    return this.#rowOf(this.#keys.decode(keyBytes), start, this.#values.show(kept))
  }

  #rowOf(key: K, start: number, value: V): WindowRow<K, V> {
    return { key, start, end: start + this.definition.window.sizeMs, value }
  }
}

function waits(row: AgentRow): boolean {
  return row.queue !== undefined
}

function unpin(rows: readonly AgentRow[]): void {
  for (const row of rows) row.pins--
}
