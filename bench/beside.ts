// What the rest of a process feels of a Mandelbrot set that the kernels' threads compute for some
// seconds: the delay of the event loop, and the rate of the main job (W1 on an embedded log) beside
// it and alone, in turn. Run by hand: `npm run compile && node dist/bench/beside.js
// [--seconds 10] [--events 4000000] [--rounds 5] [--threads 2]`; with --smoke, once and short.
// Prints JSON.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { Connection } from '../src/app/connection.ts'
import { systemClock } from '../src/clock.ts'
import { EuphorionError } from '../src/errors.ts'
import { mandelbrotImage } from '../src/kernel/mandelbrot/mandelbrot.ts'
import { kernelPool } from '../src/kernel/offload/pool.ts'
import { resolveSettings } from '../src/settings.ts'
import { runBench } from '../src/tune/bench_run.ts'
import { prepareTopic } from '../src/tune/bench_topic.ts'

const { values: given } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    events: { type: 'string', default: '4000000' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    smoke: { type: 'boolean', default: false },
  },
})
const seconds = given.smoke ? 0.3 : Number(given.seconds)
const events = given.smoke ? 20_000 : Number(given.events)
const rounds = given.smoke ? 1 : Number(given.rounds)
const threads = Number(given.threads)

/** Some ten seconds of work for two threads. */
const shape = { nx: 16_000, ny: 1200, iterations: 20_000 }
const P99_MS_MAX = 20
const RATE_SHARE_MIN = 0.4

/** Computes until it is told to stop. */
function keepComputing() {
  const stopping = new AbortController()
  const { signal } = stopping
  const options = { shortcuts: false, signal }
  const run = async (): Promise<void> => {
    try {
      while (!signal.aborted) await mandelbrotImage(shape, options)
    } catch (error) {
      const wasStopped = error instanceof EuphorionError && error.code === 'KERNEL_CANCELLED'
      if (!wasStopped) throw error
    }
  }
  const running = run()
  return async (): Promise<void> => {
    stopping.abort()
    await running
  }
}

interface Delays {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

const round = (value: number, digits = 2): number => Number(value.toFixed(digits))

/** The histogram's least value is the timer's own millisecond. */
async function delaysDuring(work: () => Promise<unknown>): Promise<Delays> {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await work()
  histogram.disable()
  const ms = (percentile: number) => round(histogram.percentile(percentile) / 1e6)
  return { p50Ms: ms(50), p99Ms: ms(99), maxMs: round(histogram.max / 1e6) }
}

const pause = (): Promise<void> =>
  new Promise((resolve) => {
    systemClock.after(seconds * 1000, resolve)
  })

const directory = mkdtempSync(join(tmpdir(), 'euphorion-beside-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const settings = resolveSettings({
  code: { broker: `embedded:${join(directory, 'log')}`, threads, backend: 'wasm' },
})
const connection = await Connection.open(settings, systemClock)
const made = { events, partitions: 4, keys: 8057, compression: 'none' } as const
const topic = await prepareTopic(connection.log, made, () => undefined)
await connection.close()
const spec = { workload: 'w1', topic, events, settings, dumpBatch: undefined } as const

async function rate(): Promise<number> {
  const run = await runBench(spec)
  if (!run.verified) throw new Error('the counts do not add up')
  return run.eventsPerSecond
}

// threads start, code is compiled
const { backend } = await mandelbrotImage({ nx: 400, ny: 300, iterations: 2000 })
await rate()

const idle = await delaysDuring(pause)
const stop = keepComputing()
const beside = await delaysDuring(pause)
await stop()

const alone: number[] = []
const shared: number[] = []
const loop: Delays[] = []
for (let at = 0; at < rounds; at++) {
  alone.push(await rate())
  const end = keepComputing()
  loop.push(await delaysDuring(async () => shared.push(await rate())))
  await end()
}
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]
const share = median(shared) / median(alone)
const besideJob = median(loop.map(({ p99Ms }) => p99Ms))
const report = {
  node: process.version,
  laneThreads: threads,
  kernelThreads: kernelPool().threads,
  backend,
  seconds,
  eventLoop: { idle, besideMandelbrot: beside, besideMandelbrotAndW1: { p99Ms: besideJob } },
  w1: {
    events,
    alone: { eventsPerSecond: Math.round(median(alone)), runs: alone.map(Math.round) },
    beside: { eventsPerSecond: Math.round(median(shared)), runs: shared.map(Math.round) },
    share: round(share),
  },
  isMet: { p99: beside.p99Ms < P99_MS_MAX, rate: share >= RATE_SHARE_MIN },
}
console.log(JSON.stringify(report, null, 2))
await kernelPool().close()
