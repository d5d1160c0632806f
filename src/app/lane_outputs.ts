// Results of one aggregation on one partition on their way to topics, and the expiry that follows
// them. Bound into the cut: what a cut makes due is noted in its batch, and sent once it is
// written.
import { eachRow, ROW_HEADER_BYTES, ROW_PUT, writeRow } from '../batch/rows.ts'
import type { AggregationDefinition, ResultOutput, ResultRow } from '../ingest/aggregation.ts'
import type { WindowState } from '../table/cell.ts'
import { ChangedWindows } from '../table/changes.ts'
import { expireWindows } from '../table/expire.ts'
import { closedWindows } from '../table/final.ts'
import { readChanged, readFinalThrough, writeChanged, writeFinalThrough } from '../table/outbox.ts'
import { type RowLayout, resultRow } from '../table/result.ts'
import type { Store, StoreBatch } from '../table/store.ts'

/** Results on their way at once. */
const SENT_AT_ONCE = 500
const NOTHING = new Uint8Array(0)

/** The rows with their keys only. */
function keysOf(rows: Uint8Array): Uint8Array {
  let bytes = 0
  eachRow(rows, (_op, keyStart, keyEnd) => {
    bytes += ROW_HEADER_BYTES + keyEnd - keyStart
  })
  const keys = new Uint8Array(bytes)
  let at = 0
  eachRow(rows, (_op, keyStart, keyEnd) => {
    at = writeRow(keys, at, ROW_PUT, rows.subarray(keyStart, keyEnd), NOTHING)
  })
  return keys
}

export class LaneOutputs {
  readonly #store: Store
  readonly #table: number
  readonly #layout: RowLayout<unknown>
  readonly #changes: readonly ResultOutput[]
  readonly #finals: readonly ResultOutput[]
  /** Keys of the cells that the cut under way has changed. */
  #changed: Uint8Array[] = []
  /** Of cuts that are written, and not sent yet. */
  #unsent: Uint8Array[] = []
  /** Closed windows up to this stream time are sent. */
  #finalThroughMs = -1
  #expiredAtMs = Number.NEGATIVE_INFINITY
  /** Something was sent that the store still has as due. */
  #sent = false

  constructor(
    store: Store,
    table: number,
    layout: RowLayout<unknown>,
    definition: AggregationDefinition,
  ) {
    this.#store = store
    this.#table = table
    this.#layout = layout
    this.#changes = definition.outputs.filter(({ mode }) => mode === 'changes')
    this.#finals =
      definition.plan.window === undefined
        ? []
        : definition.outputs.filter(({ mode }) => mode === 'final')
  }

  /** Takes up what a crash may have left unsent after the cut at that stream time. */
  async open(streamTimeMs: number): Promise<void> {
    this.#finalThroughMs = await readFinalThrough(this.#store, this.#table)
    const rows = await readChanged(this.#store, this.#table)
    if (rows !== undefined && this.#changes.length > 0) await this.#sendChanges([rows])
    await this.#sendFinals(streamTimeMs)
    await this.#noteSent()
  }

  /** After the last cut, so that the next start repeats nothing. Never rejects. */
  async close(): Promise<void> {
    // a store that takes no writes any more: then results repeat
    await this.#noteSent().catch(() => undefined)
  }

  /** Rows that the cut writes. */
  drained(rows: Uint8Array): void {
    if (this.#changes.length > 0) this.#changed.push(keysOf(rows))
  }

  /** Notes in the batch of the cut what will be due, and what the last one has sent by now. */
  note(batch: StoreBatch): void {
    if (this.#changes.length > 0)
      writeChanged(batch, this.#table, Buffer.concat([...this.#unsent, ...this.#changed]))
    if (this.#finals.length > 0) writeFinalThrough(batch, this.#table, this.#finalThroughMs)
    this.#sent = false
  }

  /** The cut was not written. */
  forget(): void {
    this.#changed = []
  }

  /** The cut is written: sends what it made due, then lets go of what has expired. */
  async written(streamTimeMs: number): Promise<void> {
    this.#unsent.push(...this.#changed.splice(0))
    if (this.#unsent.length > 0) await this.#sendChanges(this.#unsent)
    this.#unsent = []
    const { window } = this.#layout
    if (window === undefined || streamTimeMs < 0) return
    const part = { store: this.#store, number: this.#table }
    await this.#sendFinals(streamTimeMs)
    if (streamTimeMs - this.#expiredAtMs >= window.stepMs) {
      await expireWindows(part, window, streamTimeMs)
      this.#expiredAtMs = streamTimeMs
    }
  }

  async #sendFinals(streamTimeMs: number): Promise<void> {
    const { layout, window } = this.#layout
    if (window === undefined || this.#finals.length === 0) return
    if (streamTimeMs <= this.#finalThroughMs) return
    const part = { store: this.#store, number: this.#table }
    const closed = closedWindows(part, { layout, window }, this.#finalThroughMs, streamTimeMs)
    await this.#send(closed, this.#finals)
    this.#finalThroughMs = streamTimeMs
    this.#sent = true
  }

  async #noteSent(): Promise<void> {
    if (!this.#sent) return
    const batch = this.#store.batch()
    this.note(batch)
    await batch.commit()
  }

  async #sendChanges(parts: readonly Uint8Array[]): Promise<void> {
    const windows = new ChangedWindows({ store: this.#store, number: this.#table }, this.#layout)
    for (const rows of parts) windows.add(rows)
    await this.#send(windows.results(), this.#changes)
    this.#sent = true
  }

  async #send(
    results: AsyncIterable<WindowState>,
    outputs: readonly ResultOutput[],
  ): Promise<void> {
    let onTheWay: Promise<unknown>[] = []
    for await (const result of results) {
      const row = resultRow(this.#layout, result) as ResultRow
      for (const output of outputs) {
        const sent = output.send(row)
        // A rejection is heard below; until then nobody waits for it, which would end the process.
        sent.catch(() => undefined)
        onTheWay.push(sent)
      }
      if (onTheWay.length < SENT_AT_ONCE) continue
      await Promise.all(onTheWay)
      onTheWay = []
    }
    await Promise.all(onTheWay)
  }
}
