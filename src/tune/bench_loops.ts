// The functions of `euphorion bench agents`: what they do with each event, and whether their sums
// are those of the events that were written. Used by bench_agents.ts.
import type { ColumnBatch } from '../stream/column_batch.ts'
import type { Event } from '../stream/events.ts'
import type { BenchSpec } from './bench_spec.ts'
import type { PageViewFields } from './page_view.ts'
import { type PageView, PageViews } from './workload.ts'

/** Of a stream that the functions iterate over. */
interface Views extends AsyncIterable<PageView> {
  events(): AsyncIterable<Event<string, PageView>>
  batches(): AsyncIterable<Batch>
}

type Batch = ColumnBatch<string, PageView, PageViewFields>

/** Event times are counted from here, so that their sum is exact. */
const EPOCH_MS = 1_700_000_000_000
/** Less than a wrong value, more than what sums of so many round. */
const TOLERANCE = 0.005

/** Fields of one object: numbers that functions share would be made anew for each event. */
class Sums {
  events = 0
  characters = 0
  ms = 0
  ts = 0

  add({ url, ms, ts }: PageView): void {
    this.events++
    this.characters += url.length
    this.ms += ms
    this.ts += ts - EPOCH_MS
  }

  addText(batch: Batch): void {
    for (const url of batch.column('url')) this.characters += url.length
  }

  addNumbers(batch: Batch): void {
    const [ms, ts] = [batch.column('ms'), batch.column('ts')]
    this.events += batch.length
    for (let at = 0; at < batch.length; at++) {
      this.ms += ms[at]
      this.ts += ts[at] - EPOCH_MS
    }
  }

  equals({ events, characters, ms, ts }: Sums): boolean {
    const isExact = this.events === events && this.characters === characters && this.ts === ts
    return isExact && Math.abs(this.ms - ms) < TOLERANCE
  }
}

export class BenchLoops {
  readonly #spec: BenchSpec
  readonly #sums = new Sums()

  constructor(spec: BenchSpec) {
    this.#spec = spec
  }

  run(stream: Views): Promise<void> {
    const { workload } = this.#spec
    if (workload === 'await') return awaitInLoop(stream, this.#sums)
    if (workload === 'batches' || workload === 'numbers')
      return readBatches(stream, this.#sums, workload === 'batches')
    return workload === 'events' ? readEvents(stream, this.#sums) : readFields(stream, this.#sums)
  }

  /** Events, or none where the sums are wrong. */
  result(): { events: number; cells: number } {
    const { made, workload, events } = this.#spec
    const expected = made && sumsOf(events, made)
    if (expected !== undefined && workload === 'numbers') expected.characters = 0
    const isRight = expected === undefined || this.#sums.equals(expected)
    return { events: isRight ? this.#sums.events : 0, cells: 0 }
  }
}

async function readFields(stream: Views, sums: Sums): Promise<void> {
  for await (const view of stream) sums.add(view)
}

async function awaitInLoop(stream: Views, sums: Sums): Promise<void> {
  for await (const view of stream) {
    sums.add(view)
    await undefined
  }
}

async function readEvents(stream: Views, sums: Sums): Promise<void> {
  for await (const { key, value, timestamp } of stream.events()) {
    if (key === value.url && timestamp === value.ts) sums.add(value)
  }
}

async function readBatches(stream: Views, sums: Sums, isTextRead: boolean): Promise<void> {
  for await (const batch of stream.batches()) {
    if (isTextRead) sums.addText(batch)
    sums.addNumbers(batch)
  }
}

function sumsOf(events: number, made: NonNullable<BenchSpec['made']>): Sums {
  const sums = new Sums()
  const views = new PageViews({ events, ...made })
  for (let view = views.nextEvent(); view !== undefined; view = views.nextEvent()) sums.add(view)
  return sums
}
