// Results of one aggregation on one partition on their way to topics, at each cut: computed from
// what the table holds as of the cut, and sent before that is committed. Called by task_lane.ts.
import type { AggregationDefinition, ResultOutput, ResultRow } from '../ingest/aggregation.ts'
import type { RowSink } from '../ingest/rows.ts'
import type { WindowState } from '../table/cell.ts'
import { ChangedWindows } from '../table/changes.ts'
import { closedWindows } from '../table/final.ts'
import type { Overlay } from '../table/overlay.ts'
import { type RowLayout, resultRow } from '../table/result.ts'

/** Results on their way at once. */
const SENT_AT_ONCE = 500

/** A table between two cuts. */
export interface LaneChange {
  /** The table as of the later one; its own rows are what has changed. */
  readonly view: Overlay
  /** Stream times; -1 before the first record. */
  readonly beforeMs: number
  readonly afterMs: number
}

export class LaneOutputs {
  readonly #table: number
  readonly #layout: RowLayout<unknown>
  readonly #changes: readonly ResultOutput[]
  readonly #finals: readonly ResultOutput[]

  /** `table`: its number in the store. */
  constructor(table: number, layout: RowLayout<unknown>, { outputs }: AggregationDefinition) {
    this.#table = table
    this.#layout = layout
    this.#changes = outputs.filter(({ mode }) => mode === 'changes')
    const isWindowed = layout.window !== undefined
    this.#finals = isWindowed ? outputs.filter(({ mode }) => mode === 'final') : []
  }

  /** Is there anything to send, ever? */
  get isWanted(): boolean {
    return this.#changes.length + this.#finals.length > 0
  }

  /** Resolves when what the cut makes due is stored in its topics; rejects if some of it is not. */
  async send({ view, beforeMs, afterMs }: LaneChange, to: RowSink | undefined): Promise<void> {
    const part = { store: view, number: this.#table }
    const { layout, window } = this.#layout
    if (this.#changes.length > 0) {
      const changed = new ChangedWindows(part, this.#layout)
      for (const rows of view.rows) changed.add(rows)
      await this.#send(changed.results(), this.#changes, to)
    }
    if (this.#finals.length === 0 || window === undefined || afterMs <= beforeMs) return
    const closed = closedWindows(part, { layout, window }, beforeMs, afterMs)
    await this.#send(closed, this.#finals, to)
  }

  async #send(
    results: AsyncIterable<WindowState>,
    outputs: readonly ResultOutput[],
    to: RowSink | undefined,
  ): Promise<void> {
    let onTheWay: Promise<unknown>[] = []
    for await (const result of results) {
      const row = resultRow(this.#layout, result) as ResultRow
      for (const output of outputs) {
        const sent = output.send(row, to)
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
