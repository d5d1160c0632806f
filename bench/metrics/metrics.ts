// What metrics cost: W1 as an app on an embedded log, with metrics (/metrics is read every second)
// and with `metrics: false`, in interleaved pairs whose order alternates: `npm run bench:metrics`.
import { fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pause, systemClock } from '../../src/clock.ts'
import { compare, inTurns, pairsMin } from '../../src/tune/comparison.ts'
import { freePorts } from '../../test/support/free_ports.ts'
import { type BenchContext, numberOption, runBench } from '../report/bench.ts'
import { makeViews, scratchDirectory } from '../support/views.ts'
import type { ChildMessage, Measured, RunSpec } from './child.ts'

interface Run extends Measured {
  /** Times that /metrics was read, and the characters of the last answer. */
  readonly scrapes: number
  readonly scrapedCharacters: number
}

interface Pair {
  readonly on: Run
  readonly off: Run
}

const PAIRS = 10
const EVENTS = 20_000_000
const SMOKE_EVENTS = 50_000
const THREADS = 2
const LOOK_MS = 10
const SCRAPE_MS = 1000

await runBench({
  name: 'metrics',
  title: 'What metrics cost',
  command: 'npm run bench:metrics',
  options: {
    pairs: { value: 'N', help: `of runs; ${pairsMin} or more give an interval (${PAIRS})` },
    events: { value: 'N', help: `page views (${EVENTS})` },
    threads: { value: 'N', help: `of kernels (${THREADS})` },
  },
  unrecorded: ['pairs', 'events', 'threads'],
  run: measure,
})

async function measure(context: BenchContext): Promise<void> {
  const { isSmoke, seed, say, add } = context
  const pairs = isSmoke ? 1 : numberOption(context, 'pairs', PAIRS)
  const events = numberOption(context, 'events', isSmoke ? SMOKE_EVENTS : EVENTS)
  const threads = numberOption(context, 'threads', THREADS)
  const directory = scratchDirectory('metrics')
  const broker = `embedded:${join(directory, 'log')}`
  const made = { events, partitions: 4, keys: 8057, compression: 'none', seed } as const
  const topic = await makeViews(broker, made, say)
  let runs = 0
  const run = async (metrics: boolean): Promise<Run> => {
    const count = runs === 0 ? 'once, which does not count' : `run ${runs} of ${2 * pairs}`
    say(`${count}: ${metrics ? 'with' : 'without'} metrics`)
    const id = `bench-metrics-${process.pid}-${runs++}`
    const dataDir = join(directory, id)
    const [webPort] = await freePorts(1)
    const spec = { id, topic, events, broker, dataDir, threads, metrics, webPort }
    const result = await runInProcess(spec)
    rmSync(dataDir, { recursive: true, force: true })
    return result
  }
  // files are read once before anybody measures
  await run(false)
  const found: Pair[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const [on, off] = await inTurns(
      pair,
      () => run(true),
      () => run(false),
    )
    found.push({ on, off })
  }
  addFigures(add, found, { events, threads })
}

/** /metrics is read from here, so that only answering counts. */
async function runInProcess(spec: RunSpec): Promise<Run> {
  const child = fork(join(import.meta.dirname, 'child.js'))
  const measured = new AbortController()
  const scraping = spec.metrics
    ? scrape(spec.webPort, measured.signal)
    : { scrapes: 0, scrapedCharacters: 0 }
  try {
    const result = await new Promise<Measured>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`a run ended with ${code}`)))
      child.on('message', (message: ChildMessage) => {
        if (message === 'measured') measured.abort()
        else resolve(message)
      })
      child.send(spec)
    })
    return { ...result, ...(await scraping) }
  } finally {
    measured.abort()
  }
}

async function scrape(port: number, signal: AbortSignal) {
  let scrapes = 0
  let scrapedCharacters = 0
  while (!signal.aborted) {
    const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
      (answer) => answer.text(),
      // it does not listen yet
      () => '',
    )
    if (text !== '' && !signal.aborted) {
      scrapes++
      scrapedCharacters = text.length
    }
    await pause(systemClock, text === '' ? LOOK_MS : SCRAPE_MS, signal)
  }
  return { scrapes, scrapedCharacters }
}

function addFigures(
  add: BenchContext['add'],
  pairs: readonly Pair[],
  facts: { readonly events: number; readonly threads: number },
): void {
  const cases = [
    ['with metrics, scraped every second', pairs.map(({ on }) => on)],
    ['without', pairs.map(({ off }) => off)],
  ] as const
  for (const [name, runs] of cases)
    add({
      group: 'W1 on an embedded log, CPU',
      case: name,
      unit: 'CPU-s/M',
      better: 'less',
      samples: runs.map(({ cpuSecondsPerMillion }) => cpuSecondsPerMillion),
      facts: {
        scrapes: runs.reduce((sum, { scrapes }) => sum + scrapes, 0),
        'characters scraped': runs[runs.length - 1].scrapedCharacters,
        ...facts,
      },
    })
  for (const [name, runs] of cases)
    add({
      group: 'W1 on an embedded log, rate',
      case: name,
      unit: 'events/s',
      better: 'more',
      samples: runs.map(({ eventsPerSecond }) => eventsPerSecond),
    })
  add({
    group: 'CPU with metrics, of each pair',
    case: 'with / without',
    unit: 'ratio',
    better: 'less',
    samples: pairs.map(({ on, off }) => on.cpuSecondsPerMillion / off.cpuSecondsPerMillion),
    facts: differenceOf(pairs),
  })
}

/** In percent, by Hodges and Lehmann's estimate, with Wilcoxon's interval. */
function differenceOf(pairs: readonly Pair[]) {
  const cpu = (of: 'on' | 'off'): number[] => pairs.map((pair) => pair[of].cpuSecondsPerMillion)
  const { ratio, low, high } = compare(cpu('off'), cpu('on'))
  const percent = (value: number): number => Number(((value - 1) * 100).toFixed(2))
  if (pairs.length < pairsMin) return { 'difference, %': percent(ratio) }
  return {
    'difference, %': percent(ratio),
    '95% from, %': percent(low),
    '95% to, %': percent(high),
  }
}
