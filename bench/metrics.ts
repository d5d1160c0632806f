// What metrics cost: W1 on an embedded log as an app of its own in a process of its own, with
// metrics (/metrics read every second) and without, in interleaved pairs whose order alternates.
// Counts are checked. Run by hand: `npm run bench:metrics [-- --pairs 10 --events 20000000
// --threads 2 --out FILE]`; with --smoke, one short pair. Prints a line of JSON for each pair and
// one for all: the difference of CPU seconds a million with its 95% interval.
import { fork } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Connection } from '../src/app/connection.ts'
import { pause, systemClock } from '../src/clock.ts'
import { App, count, string, tumbling } from '../src/index.ts'
import { createLogger } from '../src/logger.ts'
import { packageVersion } from '../src/package_version.ts'
import { resolveSettings } from '../src/settings.ts'
import { prepareTopic } from '../src/tune/bench_topic.ts'
import { inTurns } from '../src/tune/comparison.ts'
import { PageView } from '../src/tune/page_view.ts'
import { freePorts } from '../test/support/free_ports.ts'

interface Spec {
  readonly id: string
  readonly topic: string
  readonly events: number
  readonly broker: string
  readonly dataDir: string
  readonly threads: number
  readonly webPort: number
  readonly metrics: boolean
}

interface Run {
  readonly cpuSecondsPerMillion: number
  readonly eventsPerSecond: number
  /** Times that /metrics was read, and the bytes of the last answer. */
  readonly scrapes: number
  readonly scrapedBytes: number
}

const LOOK_MS = 10
const SCRAPE_MS = 1000
const CLAIM_PERCENT = 3

/** Of Student's t at 97.5%, by degrees of freedom from 1 on. */
const tValues = [
  12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086,
]
const T_LARGE = 2.0

/** From the assignment, which comes before the first fetch, to the cut that has all. */
async function measure({ id, topic, events, ...settings }: Spec) {
  const app = new App(id, { ...settings, logger: createLogger(id, 'error') })
  const views = app.topic(topic, { key: string(), value: PageView, keyedBy: 'url' })
  const perPage = app
    .stream(views)
    .keyBy('url')
    .time('ts')
    .window(tumbling('10s', { grace: '5s' }))
    .aggregate('views', () => ({ views: count() }))
  let began = { ms: 0, cpu: process.cpuUsage() }
  const now = () => ({ ms: systemClock.monotonic(), cpu: process.cpuUsage() })
  const stopListening = app.sensors.add({ onAssigned: () => (began = now()) })
  const consumed = (): number =>
    app.statistics().reduce((sum, { counted, late, bad }) => sum + counted + late + bad, 0)
  await app.start()
  stopListening()
  while (consumed() < events) await pause(systemClock, LOOK_MS)
  await app.cut()
  const { user, system } = process.cpuUsage(began.cpu)
  const seconds = (systemClock.monotonic() - began.ms) / 1000
  process.send?.('measured')
  let counted = app.statistics().reduce((sum, { late }) => sum + late, 0)
  for await (const row of perPage.range({})) counted += row.views
  await app.stop()
  if (counted !== events) throw new Error(`${counted} of ${events} events were counted`)
  return { cpuSecondsPerMillion: (user + system) / events, eventsPerSecond: events / seconds }
}

/** In a process of its own; /metrics is read from here, so that only answering counts. */
function runInProcess(spec: Spec): Promise<Run> {
  const child = fork(fileURLToPath(import.meta.url), ['--child'])
  const measured = new AbortController()
  const scraping = spec.metrics ? scrape(spec.webPort, measured.signal) : undefined
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`a run ended with ${code}`)))
    child.on('message', (message: 'measured' | Omit<Run, 'scrapes'>) => {
      if (message === 'measured') measured.abort()
      else
        void (scraping ?? Promise.resolve({ scrapes: 0, scrapedBytes: 0 })).then((scraped) =>
          resolve({ ...message, ...scraped }),
        )
    })
    child.send(spec)
  })
}

async function scrape(port: number, signal: AbortSignal) {
  let scrapes = 0
  let scrapedBytes = 0
  while (!signal.aborted) {
    const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
      (answer) => answer.text(),
      // it does not listen yet
      () => '',
    )
    if (text !== '' && !signal.aborted) {
      scrapes++
      scrapedBytes = text.length
    }
    await pause(systemClock, text === '' ? LOOK_MS : SCRAPE_MS, signal)
  }
  return { scrapes, scrapedBytes }
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits))

/** Mean of the pairs' differences in percent, and its 95% interval by Student's t. */
function differenceOf(pairs: readonly Pair[]) {
  const percents = pairs.map(
    ({ on, off }) => (on.cpuSecondsPerMillion / off.cpuSecondsPerMillion - 1) * 100,
  )
  const n = percents.length
  const mean = percents.reduce((sum, each) => sum + each, 0) / n
  if (n < 2) return { meanPercent: round(mean, 2) }
  const squares = percents.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  const half = ((tValues[n - 2] ?? T_LARGE) * Math.sqrt(squares / (n - 1))) / Math.sqrt(n)
  return {
    meanPercent: round(mean, 2),
    interval95Percent: [round(mean - half, 2), round(mean + half, 2)],
    isBelowClaim: Math.abs(mean) < CLAIM_PERCENT,
    isIntervalBelowClaim: Math.max(Math.abs(mean - half), Math.abs(mean + half)) < CLAIM_PERCENT,
  }
}

interface Pair {
  readonly on: Run
  readonly off: Run
}

async function runPairs(
  pairs: number,
  run: (metrics: boolean) => Promise<Run>,
  print: (line: object) => void,
): Promise<Pair[]> {
  const results: Pair[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const [on, off] = await inTurns(
      pair,
      () => run(true),
      () => run(false),
    )
    results.push({ on, off })
    print({ pair, on, off })
  }
  return results
}

function summaryOf(results: readonly Pair[]) {
  const median = (of: (pair: Pair) => number): number =>
    results.map(of).sort((a, b) => a - b)[results.length >> 1]
  return {
    version: packageVersion(),
    node: process.version,
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    cpuSecondsPerMillion: {
      on: round(
        median(({ on }) => on.cpuSecondsPerMillion),
        4,
      ),
      off: round(
        median(({ off }) => off.cpuSecondsPerMillion),
        4,
      ),
    },
    eventsPerSecond: {
      on: Math.round(median(({ on }) => on.eventsPerSecond)),
      off: Math.round(median(({ off }) => off.eventsPerSecond)),
    },
    scrapes: results.reduce((sum, { on }) => sum + on.scrapes, 0),
    difference: differenceOf(results),
  }
}

async function compare(): Promise<void> {
  const { values: given } = parseArgs({
    options: {
      pairs: { type: 'string', default: '10' },
      events: { type: 'string', default: '20000000' },
      threads: { type: 'string', default: '2' },
      out: { type: 'string' },
      smoke: { type: 'boolean', default: false },
    },
  })
  const pairs = given.smoke ? 1 : Number(given.pairs)
  const events = given.smoke ? 50_000 : Number(given.events)
  const threads = Number(given.threads)
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-bench-metrics-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const broker = `embedded:${join(directory, 'log')}`
  const connection = await Connection.open(resolveSettings({ code: { broker } }), systemClock)
  const made = { events, partitions: 4, keys: 8057, compression: 'none' } as const
  const topic = await prepareTopic(connection.log, made, () => undefined)
  await connection.close()
  const print = (line: object): void => {
    console.log(JSON.stringify(line))
    if (given.out !== undefined) appendFileSync(given.out, `${JSON.stringify(line)}\n`)
  }
  let runs = 0
  const run = async (metrics: boolean): Promise<Run> => {
    const id = `bench-metrics-${process.pid}-${runs++}`
    const dataDir = join(directory, id)
    const common = { id, topic, events, broker, dataDir, threads, metrics }
    const [webPort] = await freePorts(1)
    const result = await runInProcess({ ...common, webPort })
    rmSync(dataDir, { recursive: true, force: true })
    return result
  }
  // files are read once before anybody measures
  if (!given.smoke) await run(false)
  const results = await runPairs(pairs, run, print)
  print({
    bench: 'metrics',
    workload: 'w1',
    events,
    pairs,
    threads,
    seed: 1,
    ...summaryOf(results),
  })
}

if (process.argv.includes('--child')) {
  process.once('disconnect', () => process.exit(1))
  process.once('message', (spec) => {
    measure(spec as Spec).then(
      (run) => process.send?.(run, () => process.exit(0)),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
} else await compare()
