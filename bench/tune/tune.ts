// Whether `euphorion tune` gets from bad settings to those that are best: it runs as a person would
// run it, once for each seed; then what it started from, what it has found, the defaults, and the
// best of all that it has seen on its way run in turns.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '../../src/clock.ts'
import { resolveSettings } from '../../src/settings.ts'
import { compare, medianOf } from '../../src/tune/comparison.ts'
import { type Candidate, type KnobName, showKnob } from '../../src/tune/knobs.ts'
import { candidateKey } from '../../src/tune/trials.ts'
import type { TuneReport } from '../../src/tune/tune_report.ts'
import { measureOf, workloadTarget } from '../../src/tune/tune_target.ts'
import { type BenchContext, numberOption, runBench } from '../report/bench.ts'

/** One thread, small batches, and a cut so often that little else is done. */
const START = 'threads=1,batchBytes=16KiB,commitIntervalMs=10ms'
const PARTITIONS = 4
const KEYS = 8057
/** A candidate that ran more rarely may have been lucky. */
const RUNS_ENOUGH = 4
const goal = { name: 'throughput', rate: undefined } as const
const shown = ['threads', 'batchBytes', 'commitIntervalMs'] as const satisfies readonly KnobName[]

interface Contestant {
  readonly name: string
  readonly settings: Candidate
  readonly rates: number[]
}

async function searched(
  directory: string,
  seed: number,
  seconds: number,
  events: number,
): Promise<TuneReport> {
  const cli = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
  const words = ['tune', '--workload', 'w1', '--seconds', `${seconds}`, '--seed', `${seed}`]
  const more = ['--start', START, '--json', '--dry-run', '--events', `${events}`]
  const broker = ['--broker', `embedded:${join(directory, 'log')}`]
  const options = { cwd: directory, maxBuffer: 1 << 26 }
  const all = [cli, ...words, ...more, ...broker]
  const { stdout } = await promisify(execFile)(process.execPath, all, options)
  return JSON.parse(stdout) as TuneReport
}

/** Of one search: what it has seen run best, often enough to be believed. */
function bestSeen({ candidates, best }: TuneReport): Candidate {
  const often = candidates.filter(({ runs }) => runs.length >= RUNS_ENOUGH)
  const sorted = often.sort((a, b) => (b.median ?? 0) - (a.median ?? 0))
  return sorted[0]?.settings ?? best
}

function contestantsOf(reports: readonly TuneReport[]): Contestant[] {
  const named: (readonly [string, Candidate])[] = [
    ['start', reports[0].start],
    ['defaults', { ...reports[0].start, ...defaultsOf(reports[0].start) }],
    ...reports.map(({ seed, start, found }) => {
      return [`found, seed ${seed}`, { ...start, ...found }] as const
    }),
    ...reports.map((report) => [`best seen, seed ${report.seed}`, bestSeen(report)] as const),
  ]
  const keys = named.map(([, settings]) => candidateKey(settings))
  const isNew = (_: unknown, index: number): boolean => {
    const isSearched = named[index][0].startsWith('found')
    return isSearched || keys.indexOf(keys[index]) === index
  }
  return named.filter(isNew).map(([name, settings]) => ({ name, settings, rates: [] }))
}

/** The values that those knobs have when nobody sets them. */
function defaultsOf(knobs: Candidate): Candidate {
  const defaults = resolveSettings({})
  const names = Object.keys(knobs) as KnobName[]
  return Object.fromEntries(names.map((name) => [name, defaults[name]]))
}

async function bench(context: BenchContext): Promise<void> {
  const { isSmoke, seed, say, add } = context
  const seconds = numberOption(context, 'seconds', isSmoke ? 2 : 120)
  const rounds = numberOption(context, 'rounds', isSmoke ? 2 : 15)
  const events = numberOption(context, 'events', isSmoke ? 20_000 : 4_000_000)
  const seeds = isSmoke ? [seed] : [seed, seed + 1]
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-bench-tune-'))
  try {
    const reports: TuneReport[] = []
    for (const each of seeds) {
      say(`euphorion tune, seed ${each}, ${seconds} s`)
      reports.push(await searched(directory, each, seconds, events))
    }
    const contestants = contestantsOf(reports)
    const settings = resolveSettings({ code: { broker: `embedded:${join(directory, 'log')}` } })
    const made = { workload: 'w1', goal, events, partitions: PARTITIONS, keys: KEYS } as const
    const target = await workloadTarget(made, settings, systemClock, () => undefined)
    const measure = measureOf(target, goal)
    for (let round = 0; round < rounds; round++) {
      say(`in turns, round ${round + 1} of ${rounds}`)
      // there and back: nobody is always the first
      const turn = round % 2 === 0 ? contestants : [...contestants].reverse()
      for (const { settings, rates } of turn) {
        const { value, failure } = await measure(settings, 1)
        if (failure !== undefined) throw failure
        rates.push(value)
      }
    }
    addAll(contestants, add)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function addAll(contestants: readonly Contestant[], add: BenchContext['add']): void {
  const [best] = [...contestants].sort((a, b) => medianOf(b.rates) - medianOf(a.rates))
  for (const { name, settings, rates } of contestants) {
    const { ratio, low, high } = compare(best.rates, rates)
    const interval = Number.isFinite(high) ? `${low.toFixed(2)} to ${high.toFixed(2)}` : undefined
    const knobs = shown.map((knob) => [knob, showKnob(knob, settings[knob]!)] as const)
    const facts = { ...Object.fromEntries(knobs), 'of the best': ratio, '95%': interval }
    add({
      group: 'W1 from the embedded log',
      case: name,
      unit: 'events/s',
      better: 'more',
      samples: rates,
      facts,
    })
  }
}

await runBench({
  name: 'tune',
  title: `What tune makes of ${START}`,
  command: 'npm run bench:tune',
  options: {
    seconds: { value: 'N', help: 'of each search (120)' },
    events: { value: 'N', help: 'page views in the topic (4000000)' },
    rounds: { value: 'N', help: 'runs of each of what is compared (15)' },
  },
  unrecorded: ['seconds', 'events', 'rounds'],
  run: bench,
})
