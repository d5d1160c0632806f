// Runs the cases of a group in turns, each run in a process of its own, and checks every answer.
// Called by streams.ts.
import { EuphorionError } from '../../src/errors.ts'
import { resolveSettings } from '../../src/settings.ts'
import { benchInProcess } from '../../src/tune/bench_process.ts'
import { type BenchRun, type BenchSpec, isAgent } from '../../src/tune/bench_spec.ts'
import { makeViews } from '../support/views.ts'
import type { StreamCase, StreamGroup } from './groups.ts'

export interface RoundOptions {
  readonly events: number
  readonly rounds: number
  readonly seed: number
  /** Where the group's embedded log is. */
  readonly embedded: string
  /** kafka://…; undefined where there is none. */
  readonly kafka: string | undefined
  /** Before each run: 'run 3 of 40: …'. */
  readonly begin: (what: string) => void
  readonly say: (line: string) => void
}

export interface CaseRuns {
  readonly of: StreamCase
  readonly spec: BenchSpec
  readonly runs: BenchRun[]
}

const PARTITIONS = 4
const KEYS = 8057

export class Rounds {
  /** Rows of the answer, which every way to it has to have. */
  readonly #cells = new Map<string, number>()

  /** Rejects where an answer is wrong. A codec that is not installed is left out, with a line. */
  async run(group: StreamGroup, options: RoundOptions): Promise<readonly CaseRuns[]> {
    const { rounds, begin, say } = options
    const all: CaseRuns[] = []
    for (const each of group.cases) {
      const spec = await specOf(each, options)
      if (spec !== undefined) all.push({ of: each, spec, runs: [] })
    }
    const first = all.find(({ of }) => of.isOnKafka)
    if (first !== undefined) {
      // its code is compiled then
      say(`${group.title}: once from Kafka, which does not count`)
      this.#check(first, await benchInProcess(first.spec))
    }
    for (let round = 0; round < rounds; round++)
      for (const each of round % 2 === 0 ? all : all.toReversed()) {
        begin(`${group.title}: ${each.of.name}`)
        const run = await benchInProcess(each.spec)
        this.#check(each, run)
        each.runs.push(run)
      }
    return all
  }

  #check({ of: { name, workload, topic }, spec: { events } }: CaseRuns, run: BenchRun): void {
    const { verified, late, bad, cells } = run
    if (!verified) throw new Error(`${name}: not every one of ${events} events was counted once`)
    if (late + bad > 0) throw new Error(`${name}: ${late} late and ${bad} bad, and none is`)
    if (isAgent(workload)) return
    const work = `${workload}, ${topic?.keys ?? KEYS} keys, ${events} events`
    const known = this.#cells.get(work) ?? cells
    this.#cells.set(work, known)
    if (cells !== known) throw new Error(`${name}: ${cells} rows, and others have found ${known}`)
  }
}

/** With its topic filled; undefined where that cannot be. */
async function specOf(each: StreamCase, options: RoundOptions): Promise<BenchSpec | undefined> {
  const { workload, topic, isOnKafka = false, share = 1 } = each
  const { seed, say, embedded, kafka } = options
  const broker = isOnKafka ? kafka! : embedded
  const events = Math.ceil(options.events * share)
  const made = { partitions: PARTITIONS, keys: KEYS, seed, ...topic }
  try {
    const views = await makeViews(broker, { events, compression: 'none', ...made }, say)
    const settings = resolveSettings({ code: { broker, ...each.settings } })
    return { workload, topic: views, events, settings, made }
  } catch (error) {
    const isMissing = error instanceof EuphorionError && error.code === 'CODEC_UNAVAILABLE'
    if (!isMissing) throw error
    // a line of its own, which progress does not paint over
    console.error(`${process.stderr.isTTY ? '\n' : ''}${each.name}: left out: ${error.message}`)
    return undefined
  }
}
