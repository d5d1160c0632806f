// What the answer of a program has to be, for as many records of each partition as it says that it
// has consumed: made of the workload's generator, without any engine. Used by streams.ts.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { partitionOfKey } from '../../../src/log/partitioner.ts'
import { PageViews } from '../../../src/tune/workload.ts'
import type { StreamWorkload } from './spec.ts'

/** The events that are in the topic. */
export interface Made {
  readonly events: number
  readonly partitions: number
  readonly keys: number
  readonly seed: number
}

export interface Checked {
  readonly isRight: boolean
  /** What is wrong first; empty where nothing is. */
  readonly why: string
}

interface Cell {
  count: number
  total: number
  least: number
  most: number
}

/** W0's: events, characters of their urls, their ms, their times since EPOCH_MS. */
type Sums = [events: number, characters: number, ms: number, ts: number]

/** Event times are counted from here, so that their sum is exact. */
const EPOCH_MS = 1_700_000_000_000
const STEP_MS = 10_000
const HOPPING_STEPS = 6
/** Of a sum of doubles, by the order in which they are added. */
const TOLERANCE = 1e-9

/** Answers are kept for the prefix that was asked for last: mostly it is the whole topic. */
export class Answers {
  readonly #made: Made
  #prefix = ''
  #events: { readonly sums: Sums; readonly slices: Map<string, Map<number, Cell>> } | undefined

  constructor(made: Made) {
    this.#made = made
  }

  /** `records`: that it said it had consumed while it ran. */
  async check(workload: StreamWorkload, path: string, records: number): Promise<Checked> {
    const lines = createInterface({ input: createReadStream(path) })
    let expected: Map<string, readonly number[]> | undefined
    let why = ''
    for await (const line of lines) {
      const words = line.split('\t')
      if (expected === undefined) {
        const consumed = words.slice(1).map(Number)
        const total = consumed.reduce((sum, count) => sum + count, 0)
        if (total !== records) why = `it had consumed ${records}, and answers for ${total}`
        expected = this.#expected(workload, consumed)
        continue
      }
      const key = `${words[0]}\t${words[1]}`
      const values = words.slice(2).map(Number)
      const wanted = expected.get(key)
      if (wanted === undefined) why ||= `${key} is not to be there, or only once`
      else if (!isSame(values, wanted)) why ||= `${key}: ${values} and not ${wanted}`
      expected.delete(key)
    }
    const [missing] = expected?.keys() ?? ['everything']
    if (missing !== undefined) why ||= `${missing} is missing, and ${expected?.size} in all`
    return { isRight: why === '', why }
  }

  /** By url and start of window. */
  #expected(workload: StreamWorkload, prefix: readonly number[]): Map<string, readonly number[]> {
    const { sums, slices } = this.#eventsOf(prefix)
    if (workload === 'w0') return new Map([['\t0', sums]])
    const cells = new Map<string, readonly number[]>()
    for (const [url, own] of slices) {
      const windows = workload === 'w1' ? own : workload === 'w2' ? hopping(own) : forEver(own)
      for (const [start, { count, total, least, most }] of windows)
        cells.set(`${url}\t${start}`, workload === 'w2' ? [count, total, least, most] : [count])
    }
    return cells
  }

  #eventsOf(prefix: readonly number[]) {
    const text = prefix.join()
    if (this.#events === undefined || this.#prefix !== text) this.#events = this.#read(prefix)
    this.#prefix = text
    return this.#events
  }

  #read(prefix: readonly number[]) {
    const { partitions } = this.#made
    const left = prefix.slice()
    let leftInAll = left.reduce((sum, count) => sum + count, 0)
    const sums: Sums = [0, 0, 0, 0]
    const slices = new Map<string, Map<number, Cell>>()
    const partitionOf = new Map<string, number>()
    const views = new PageViews(this.#made)
    for (let view = views.nextEvent(); view && leftInAll > 0; view = views.nextEvent()) {
      const { url, ms, ts } = view
      let partition = partitionOf.get(url)
      if (partition === undefined) {
        partition = partitionOfKey(Buffer.from(url), partitions)
        partitionOf.set(url, partition)
        slices.set(url, new Map())
      }
      if (left[partition] === 0) continue
      left[partition]--
      leftInAll--
      sums[0]++
      sums[1] += url.length
      sums[2] += ms
      sums[3] += ts - EPOCH_MS
      addTo(slices.get(url)!, ts - (ts % STEP_MS), { count: 1, total: ms, least: ms, most: ms })
    }
    return { sums, slices }
  }
}

function addTo(cells: Map<number, Cell>, start: number, { count, total, least, most }: Cell): void {
  const cell = cells.get(start)
  if (cell === undefined) {
    cells.set(start, { count, total, least, most })
    return
  }
  cell.count += count
  cell.total += total
  cell.least = Math.min(cell.least, least)
  cell.most = Math.max(cell.most, most)
}

/** A window has the cells of its six steps. */
function hopping(slices: ReadonlyMap<number, Cell>): Map<number, Cell> {
  const windows = new Map<number, Cell>()
  for (const [start, cell] of slices)
    for (let back = 0; back < HOPPING_STEPS; back++) addTo(windows, start - back * STEP_MS, cell)
  return windows
}

function forEver(slices: ReadonlyMap<number, Cell>): Map<number, Cell> {
  const all = new Map<number, Cell>()
  for (const cell of slices.values()) addTo(all, 0, cell)
  return all
}

function isSame(values: readonly number[], wanted: readonly number[]): boolean {
  const isNear = (value: number, index: number): boolean =>
    Math.abs(value - wanted[index]) <= TOLERANCE * Math.abs(wanted[index])
  return values.length === wanted.length && values.every(isNear)
}
