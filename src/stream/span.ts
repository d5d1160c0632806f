// Rows of a chunk that are still to be handed out, and runs of their values, which are made several
// at once. Owned by AgentRecords.
//
//   rows   ── handed out ──│── run: items[0 … at │ end … ] ──│── from the chunk later ──
//                                    the next one ┘
import type { BatchLimits } from './agent_records.ts'
import type { Chunk } from './chunk.ts'
import type { Event } from './events.ts'

/** Values made at once: few enough to be garbage before they are moved to the old generation. */
const RUN_MAX = 128

/** Values, or whole events, of rows that follow each other. Slots of a partition share it. */
export class ReadyRun<K, V> {
  readonly as: 'value' | 'event'
  readonly items: readonly (V | Event<K, V>)[]
  readonly #span: Span<K, V> | undefined
  /** Row of the first item. */
  readonly from: number
  /** The item that is next. */
  at = 0
  /** Items before it may be taken without asking the partition. */
  end = 0

  constructor(
    as: 'value' | 'event',
    items: readonly (V | Event<K, V>)[],
    span: Span<K, V> | undefined,
    from: number,
  ) {
    this.as = as
    this.items = items
    this.#span = span
    this.from = from
  }

  offset(item: number): number {
    return this.#span!.chunk.offsets[this.from + item]
  }

  timestamp(item: number): number {
    return this.#span!.chunk.timestamps[this.from + item]
  }

  value(item: number): V {
    const of = this.items[item]
    return this.as === 'value' ? (of as V) : (of as Event<K, V>).value
  }

  /** The fetched bytes that the items are in. */
  get payload(): Uint8Array | undefined {
    return this.#span?.payload
  }
}

export class Span<K, V> {
  readonly chunk: Chunk<K, V>
  /** The fetched bytes that the rows are in. */
  readonly payload: Uint8Array
  from: number
  readonly to: number
  #run: ReadyRun<K, V> | undefined

  constructor(chunk: Chunk<K, V>, payload: Uint8Array, from = 0, to = chunk.length) {
    this.chunk = chunk
    this.payload = payload
    this.from = from
    this.to = to
  }

  get firstOffset(): number {
    return this.chunk.offsets[this.from]
  }

  /** The run whose next item is the first row. */
  run(as: 'value' | 'event'): ReadyRun<K, V> {
    const { chunk, from } = this
    const made = this.#run
    const at = made === undefined ? 0 : from - made.from
    if (made !== undefined && made.as === as && at < made.items.length) {
      made.at = at
      return made
    }
    const end = Math.min(this.to, from + RUN_MAX)
    const items = as === 'value' ? chunk.values(from, end) : [...chunk.events(from, end)]
    this.#run = new ReadyRun(as, items, this, from)
    return this.#run
  }
}

/** What was read and is not taken, by its offsets: at most two spans, and what was given back. */
export class SpanQueue<K, V> {
  #spans: Span<K, V>[] = []
  /** The span that the run is of, unless it is closed. */
  #running: Span<K, V> | undefined
  /** What can be taken without asking: while its end is not reached. */
  run = new ReadyRun<K, V>('value', [], undefined, 0)

  /** How many can be taken without asking. */
  get ready(): number {
    return this.run.end - this.run.at
  }

  /** Spans. */
  get length(): number {
    this.#pass()
    return this.#spans.length
  }

  get first(): Span<K, V> | undefined {
    this.#pass()
    return this.#spans[0]
  }

  /** What comes next has to be asked for. */
  closeRun(): void {
    this.#pass()
    this.#running = undefined
    this.run.end = this.run.at
  }

  /** Behind all others. */
  push(span: Span<K, V>): void {
    if (span.to > span.from) this.#spans.push(span)
  }

  /** Where their offsets are. */
  insert(spans: readonly Span<K, V>[]): void {
    this.closeRun()
    for (const span of spans) this.push(span)
    this.#spans.sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Of the first row; those that follow can be taken without asking, unless it is `alone`. */
  takeItem(as: 'value' | 'event', alone: boolean): V | Event<K, V> {
    this.closeRun()
    const span = this.#spans[0]
    const run = span.run(as)
    const item = run.items[run.at++]
    run.end = alone ? run.at : run.items.length
    this.run = run
    this.#running = span
    return item
  }

  /** Rows of the first span, up to there. */
  takeRows(to: number): void {
    this.closeRun()
    const span = this.#spans[0]
    span.from = to
    if (to === span.to) this.#spans.shift()
  }

  /** What was taken of the run is no row of its span any more. */
  #pass(): void {
    const span = this.#running
    if (span === undefined) return
    span.from = this.run.from + this.run.at
    if (span.from < span.to) return
    this.#spans.shift()
    this.#running = undefined
  }
}

/** At least one record. */
export function endOfBatch<K, V>({ chunk, from, to }: Span<K, V>, limits: BatchLimits): number {
  const end = Math.min(to, from + limits.maxRecords)
  let bytes = chunk.sizes[from]
  let at = from + 1
  while (at < end && bytes + chunk.sizes[at] <= limits.maxBytes) bytes += chunk.sizes[at++]
  return at
}
