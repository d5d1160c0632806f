// A part of the data plane that is measured by itself. Each is a file of this folder; micro.ts runs
// them one after the other.
import assert from 'node:assert/strict'
import { Bench } from 'tinybench'
import type { BenchContext } from '../report/bench.ts'
import type { FigureSpec } from '../report/figure.ts'

export interface MicroPart {
  /** Of --only: 'json'. */
  readonly name: string
  /** Adds its figures, and throws where an answer is wrong. */
  run(context: BenchContext): Promise<void>
}

/** Work that is timed by tinybench, again and again. */
export interface MicroCase {
  readonly name: string
  /** One unit of work; so much of it that the reading of the clock does not count: 10 µs. */
  readonly work: () => unknown
  /** Throws where what the work gave is wrong. Asked before it is timed, and afterwards. */
  readonly check: (answer: unknown) => void
  /** Before each call of the work, not timed. */
  readonly prepare?: () => unknown
  /** What a call does, in the unit below the line: records, bytes, calls. Default 1. */
  readonly per?: number
  readonly facts?: FigureSpec['facts']
}

export interface MicroCases {
  readonly group: string
  /** 'record': figures are ns/record. */
  readonly per: string
  readonly cases: readonly MicroCase[]
  /** Of one sample. Less where what is prepared takes much longer than the work. Default 60. */
  readonly sampleMs?: number
}

/** Runs that measure themselves. */
export interface MicroRuns extends Pick<FigureSpec, 'group' | 'unit' | 'better'> {
  readonly cases: readonly {
    readonly name: string
    /** The figure of one run, whose answer was right. */
    readonly run: () => Promise<number>
    readonly facts?: FigureSpec['facts']
  }[]
}

const SAMPLE_MS = 60
const ROUNDS = 7
const NS_PER_MS = 1e6

/** A check: the answer is this, to the last bit. */
export function equals(expected: unknown): MicroCase['check'] {
  return (answer) => assert.deepEqual(answer, expected)
}

/**
 * Nanoseconds a record, or whatever is counted. Cases take turns, round by round, so that a change
 * of the machine's pace strikes all alike; a sample is the mean of a round's calls.
 */
export async function addCases(context: BenchContext, spec: MicroCases): Promise<void> {
  const { group, per, cases } = spec
  const samples = await samplesOf(context, spec)
  for (const [index, { name, facts }] of cases.entries()) {
    const unit = `ns/${per}`
    context.add({ group, case: name, unit, better: 'less', samples: samples[index], facts })
  }
}

/** Runs take turns too. */
export async function addRuns(
  { isSmoke, add }: BenchContext,
  { cases, ...names }: MicroRuns,
): Promise<void> {
  const samples = await inRounds(isSmoke, cases, ({ run }) => run())
  for (const [index, { name, facts }] of cases.entries())
    add({ ...names, case: name, samples: samples[index], facts })
}

/** Of each case its samples, those of a round at the same place; ns. */
export async function samplesOf(
  { isSmoke }: BenchContext,
  { cases, sampleMs = SAMPLE_MS }: MicroCases,
): Promise<readonly (readonly number[])[]> {
  const asynchronous = new Set<MicroCase>()
  for (const each of cases) if (await isAsynchronous(each)) asynchronous.add(each)
  const time = isSmoke ? 1 : sampleMs
  const samples = await inRounds(isSmoke, cases, async (each) => {
    const { name, work, prepare, per = 1 } = each
    const bench = new Bench({ time, iterations: 1, warmup: false, throws: true })
    const beforeEach = prepare && (async () => void (await prepare()))
    bench.add(name, work, { async: asynchronous.has(each), beforeEach })
    const [{ result }] = await bench.run()
    if (!('latency' in result)) throw new Error(`${name}: no result`)
    return (result.latency.mean * NS_PER_MS) / per
  })
  for (const each of cases) await isAsynchronous(each)
  return samples
}

/** Checks the answer of one call. */
async function isAsynchronous({ name, work, prepare, check }: MicroCase): Promise<boolean> {
  await prepare?.()
  const given = work()
  try {
    check(await given)
  } catch (cause) {
    throw new Error(`${name}: the answer is wrong`, { cause })
  }
  return given instanceof Promise
}

/** One round more than counts: code is compiled, memory grows. */
async function inRounds<Case>(
  isSmoke: boolean,
  cases: readonly Case[],
  sample: (each: Case) => Promise<number>,
): Promise<readonly (readonly number[])[]> {
  const samples = cases.map((): number[] => [])
  const rounds = isSmoke ? 1 : ROUNDS + 1
  for (let round = 0; round < rounds; round++)
    for (const [index, each] of cases.entries()) {
      const value = await sample(each)
      if (round > 0 || isSmoke) samples[index].push(value)
    }
  return samples
}
