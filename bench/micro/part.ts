// A part of the data plane that is measured by itself. Each is a file of this folder; micro.ts runs
// them one after the other.
import { Bench } from 'tinybench'
import type { BenchContext } from '../report/bench.ts'
import type { FigureSpec } from '../report/figure.ts'

export interface MicroPart {
  /** Of --only: 'json'. */
  readonly name: string
  /** Adds its figures, and throws where an answer is wrong. */
  run(context: BenchContext): Promise<void>
}

export interface MicroCase {
  readonly name: string
  /** One unit of work. What it returns is not measured; check it before. */
  readonly work: () => unknown
  /** What a call does, in the unit below the line: records, bytes, calls. Default 1. */
  readonly per?: number
  readonly facts?: FigureSpec['facts']
}

export interface MicroCases {
  readonly group: string
  /** 'record': figures are ns/record. */
  readonly per: string
  readonly cases: readonly MicroCase[]
}

const SAMPLE_MS = 60
const ROUNDS = 7
const NS_PER_MS = 1e6

/**
 * Nanoseconds a record, or whatever is counted. Cases take turns, round by round, so that a change
 * of the machine's pace strikes all alike; a sample is the mean of a round's calls.
 */
export async function addCases(
  { isSmoke, add }: BenchContext,
  { group, per, cases }: MicroCases,
): Promise<void> {
  const samples = cases.map((): number[] => [])
  const time = isSmoke ? 1 : SAMPLE_MS
  // one round more than counts: code is compiled, memory grows
  for (let round = isSmoke ? 1 : 0; round <= (isSmoke ? 1 : ROUNDS); round++) {
    for (const [index, { name, work, per: count = 1 }] of cases.entries()) {
      const bench = new Bench({ time, iterations: 1, warmup: false, throws: true })
      bench.add(name, work)
      const [task] = await bench.run()
      const { result } = task
      if (!('latency' in result)) throw new Error(`${name}: no result`)
      if (round > 0) samples[index].push((result.latency.mean * NS_PER_MS) / count)
    }
  }
  for (const [index, { name, facts }] of cases.entries())
    add({ group, case: name, unit: `ns/${per}`, better: 'less', samples: samples[index], facts })
}
