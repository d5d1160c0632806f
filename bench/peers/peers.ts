// Runs the same work by other tools and by Euphorion, side by side on this machine, and checks that
// all find the same: `npm run bench:peers -- --only mandelbrot`, `--only w1,w3 --peers faust,go`.
// What the machine lacks is left out with a line that says so; --install fetches packages, jars and
// modules into a directory of the cache. Writes bench/results/NAME.json, and the tables and the
// plot that are made from them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../../src/clock.ts'
import { kernelPool } from '../../src/kernels.ts'
import { replaceTable, resultsFile, root } from '../report/checkout.ts'
import { Broker } from '../support/broker.ts'
import { mandelbrotPeers } from './mandelbrot.ts'
import { mandelbrotTable } from './mandelbrot_table.ts'
import { Python } from './python.ts'
import { type PeerRow, type ResultRow, readRows, writeRows } from './results.ts'
import { engines } from './streams/engines.ts'
import { streamsPlot } from './streams/plot.ts'
import type { StreamRow } from './streams/rows.ts'
import { type StreamWorkload, streamWorkloads } from './streams/spec.ts'
import { streamPeers } from './streams/streams.ts'
import { streamsTable, workloadTable } from './streams/tables.ts'

export interface RunOptions {
  readonly python: Python
  readonly runs: number
  /** A small image, to see that all works. */
  readonly isSmoke: boolean
  say(line: string): void
}

interface Workload {
  run(): Promise<readonly ResultRow[]>
  /** What a run prints. */
  table(rows: readonly ResultRow[]): string
}

const KERNEL_PACKAGES = ['numpy', 'numba', 'cython', 'setuptools']
const KERNEL_RUNS = '5'
const STREAM_RUNS = '3'
const SMOKE_EVENTS = '4000'
const SMOKE_SECONDS = '20'
/** A claim in README.md needs a row that is not older. */
const DAYS_MAX = 30
const DAY_MS = 86_400_000

const names = ['mandelbrot', ...streamWorkloads]
const peerNames = engines.map(({ name }) => name)

const usage = `npm run bench:peers -- [--only NAME,…] [--peers NAME,…] [--install]
  --only NAMES    of ${names.join(', ')}; default all
  --peers NAMES   of ${peerNames.join(', ')}; default all (w0–w3)
  --seconds N     most time of an engine for a workload; what is slower is cut off (60; w0–w3)
  --events N      page views in the topic (20000000; w0–w3)
  --runs N        runs in turn; the median counts (${KERNEL_RUNS}; of w0–w3 ${STREAM_RUNS},
                  if they fit into --seconds together)
  --broker HOST   a Kafka that is there, instead of one that is started here (w0–w3)
  --install       fetch what peers need into a directory of the cache first
  --smoke         small, and nothing is written but to --out
  --out FILE      where the rows go instead of bench/results/NAME.json
  --table         only make the tables and the plot anew from the rows that are there`

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'string' },
    seconds: { type: 'string' },
    events: { type: 'string' },
    runs: { type: 'string' },
    broker: { type: 'string' },
    install: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const say = (line: string): void => console.error(line)
const broker = new Broker(values.broker)

function kernels(): Workload {
  return {
    async run() {
      const python = new Python('python', KERNEL_PACKAGES, say)
      if (values.install) await python.install()
      const runs = values.smoke ? 1 : Number(values.runs ?? KERNEL_RUNS)
      return mandelbrotPeers({ python, runs, isSmoke: values.smoke, say })
    },
    table: (rows) => mandelbrotTable(rows as readonly PeerRow[]),
  }
}

function stream(name: StreamWorkload): Workload {
  return {
    run: () =>
      streamPeers(name, {
        broker,
        brokerIsGiven: values.broker !== undefined,
        events: Number(values.events ?? (values.smoke ? SMOKE_EVENTS : '20000000')),
        seconds: Number(values.seconds ?? (values.smoke ? SMOKE_SECONDS : '60')),
        runs: values.smoke ? 1 : Number(values.runs ?? STREAM_RUNS),
        peers: values.peers?.split(','),
        mayFetch: values.install,
        say,
      }),
    table: (rows) => workloadTable(rows as readonly StreamRow[]),
  }
}

function workloadOf(name: string): Workload {
  return name === 'mandelbrot' ? kernels() : stream(name as StreamWorkload)
}

function isUsable(only: readonly string[]): boolean {
  const numbers = [values.seconds, values.events, values.runs]
  const isPositive = (text: string): boolean => Number.isInteger(Number(text)) && Number(text) > 0
  const peers = values.peers?.split(',') ?? []
  return (
    only.every((name) => names.includes(name)) &&
    peers.every((name) => peerNames.includes(name)) &&
    numbers.every((text) => text === undefined || isPositive(text))
  )
}

async function main(): Promise<number> {
  const only = values.only?.split(',') ?? names
  if (values.help || !isUsable(only)) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  let code = 0
  const written: ResultRow[] = []
  for (const name of values.table ? [] : only) {
    const workload = workloadOf(name)
    const rows = await workload.run()
    if (rows.length === 0) continue
    if (values.out === undefined && !values.smoke) writeRows(resultsFile(name), rows)
    written.push(...rows)
    if (rows.some((row) => !row.identical)) code = 1
    console.log(workload.table(rows))
  }
  if (values.out !== undefined) writeRows(values.out, written)
  else if (!values.smoke) drawAll()
  return code
}

/** Everything that is made of bench/results. */
function drawAll(): void {
  const found = names.filter((name) => existsSync(resultsFile(name)))
  for (const name of found) warnOfAge(name)
  if (found.includes('mandelbrot')) {
    const table = mandelbrotTable(readRows(resultsFile('mandelbrot')))
    replaceIn('README.md', 'peers mandelbrot', table)
  }
  const all: StreamRow[] = []
  for (const name of streamWorkloads) {
    if (!found.includes(name)) continue
    const rows = readRows<StreamRow>(resultsFile(name))
    all.push(...rows)
    replaceIn('bench/peers/README.md', `peers ${name}`, workloadTable(rows))
  }
  if (all.length === 0) return
  replaceIn('README.md', 'peers streams', streamsTable(all))
  writeFileSync(join(root, 'bench/results/peers.svg'), streamsPlot(all))
}

function warnOfAge(name: string): void {
  const oldest = readRows(resultsFile(name))
    .map(({ date }) => date)
    .sort()[0]
  const days = Math.floor((systemClock.now() - Date.parse(oldest)) / DAY_MS)
  if (days > DAYS_MAX) say(`${name}: its oldest row is ${days} days old; measure it anew`)
}

function replaceIn(file: string, name: string, table: string): void {
  const path = join(root, file)
  writeFileSync(path, replaceTable(readFileSync(path, 'utf8'), name, table))
}

try {
  process.exitCode = await main()
} finally {
  await broker.stop()
  await kernelPool().close()
}
