// What the rest of a process feels of a Mandelbrot set that the threads of the kernels compute
// meanwhile: the delay of the event loop, and the rate of the main job (W1 on an embedded log),
// with it and without, in turns: `npm run bench:beside`. Every run of W1 checks its counts.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Connection } from '../../src/app/connection.ts'
import { pause, systemClock } from '../../src/clock.ts'
import { EuphorionError } from '../../src/errors.ts'
import { mandelbrotImage } from '../../src/kernel/mandelbrot/mandelbrot.ts'
import { kernelPool } from '../../src/kernel/offload/pool.ts'
import { resolveSettings } from '../../src/settings.ts'
import { runBench as runPageViews } from '../../src/tune/bench_run.ts'
import type { BenchSpec } from '../../src/tune/bench_spec.ts'
import { prepareTopic } from '../../src/tune/bench_topic.ts'
import { inTurns, medianOf } from '../../src/tune/comparison.ts'
import { type BenchContext, numberOption, runBench } from '../report/bench.ts'

/** Some ten seconds of work for two threads; it is begun again as often as it takes. */
const shape = { nx: 16_000, ny: 1200, iterations: 20_000 }
const warmUpShape = { nx: 400, ny: 300, iterations: 2000 }
const NS_PER_MS = 1e6
const MS_PER_SECOND = 1000

interface Delays {
  readonly p50: number
  readonly p99: number
  readonly most: number
}

/** Of one kind of round, sample by sample. */
interface Found {
  readonly delays: Delays[]
  readonly rates: number[]
}

interface Sizes {
  readonly seconds: number
  readonly events: number
  readonly rounds: number
  readonly threads: number
}

await runBench({
  name: 'beside',
  title: 'Beside a Mandelbrot set that the kernels compute',
  command: 'npm run bench:beside',
  options: {
    seconds: { value: 'N', help: 'for which the event loop is watched, each time (5)' },
    events: { value: 'N', help: 'of W1 (4000000)' },
    rounds: { value: 'N', help: 'of each (5)' },
    threads: { value: 'N', help: 'of lanes (2)' },
  },
  async run(context) {
    const { isSmoke } = context
    const sizes = {
      seconds: numberOption(context, 'seconds', isSmoke ? 0.3 : 5),
      events: numberOption(context, 'events', isSmoke ? 20_000 : 4_000_000),
      rounds: numberOption(context, 'rounds', isSmoke ? 1 : 5),
      threads: numberOption(context, 'threads', 2),
    }
    const directory = mkdtempSync(join(tmpdir(), 'euphorion-bench-beside-'))
    try {
      await measure(context, await specOf(directory, sizes), sizes)
    } finally {
      await kernelPool().close()
      rmSync(directory, { recursive: true, force: true })
    }
  },
})

/** W1 over a topic that is filled here. */
async function specOf(directory: string, { events, threads }: Sizes): Promise<BenchSpec> {
  const settings = resolveSettings({
    code: { broker: `embedded:${join(directory, 'log')}`, threads, backend: 'wasm' },
  })
  const connection = await Connection.open(settings, systemClock)
  const made = { events, partitions: 4, keys: 8057, compression: 'none' } as const
  const topic = await prepareTopic(connection.log, made, () => undefined)
  await connection.close()
  return { workload: 'w1', topic, events, settings }
}

async function measure(context: BenchContext, spec: BenchSpec, sizes: Sizes): Promise<void> {
  const { seconds, rounds } = sizes
  // threads start, code is compiled
  await mandelbrotImage(warmUpShape)
  await rateOf(spec)
  const [alone, beside]: Found[] = [0, 1].map(() => ({ delays: [], rates: [] }))
  const [quiet, busy]: Delays[][] = [[], []]
  const watch = async (delays: Delays[]): Promise<void> => {
    delays.push(await delaysDuring(() => pause(systemClock, seconds * MS_PER_SECOND)))
  }
  const run = async ({ delays, rates }: Found): Promise<void> => {
    delays.push(await delaysDuring(async () => rates.push(await rateOf(spec))))
  }
  for (let round = 0; round < rounds; round++) {
    context.say(`round ${round + 1} of ${rounds}`)
    await inTurns(
      round,
      () => watch(quiet),
      () => besideMandelbrot(() => watch(busy)),
    )
    await inTurns(
      round,
      () => run(alone),
      () => besideMandelbrot(() => run(beside)),
    )
  }
  report(context, sizes, { quiet, busy, alone, beside })
}

function report(
  { add }: BenchContext,
  { events, seconds, threads }: Sizes,
  found: Readonly<Record<'quiet' | 'busy', Delays[]> & Record<'alone' | 'beside', Found>>,
): void {
  const { quiet, busy, alone, beside } = found
  const kinds = [
    ['nothing else', quiet, { seconds }],
    ['Mandelbrot set', busy, { seconds, 'kernel threads': kernelPool().threads }],
    ['W1', alone.delays, { events }],
    ['W1 and Mandelbrot set', beside.delays, { events, 'kernel threads': kernelPool().threads }],
  ] as const
  for (const [percentile, words] of [
    ['p50', 'median'],
    ['p99', 'p99'],
    ['most', 'longest'],
  ] as const)
    for (const [name, delays, facts] of kinds) {
      const samples = delays.map((each) => each[percentile])
      const group = `delay of the event loop, timer of 1 ms, ${words}`
      add({ group, case: name, unit: 'ms', better: 'less', samples, facts })
    }
  const common = { group: 'W1', unit: 'events/s', better: 'more' } as const
  const share = medianOf(beside.rates) / medianOf(alone.rates)
  const facts = { events, 'lane threads': threads }
  add({ ...common, case: 'alone', samples: alone.rates, facts })
  add({
    ...common,
    case: 'beside a Mandelbrot set',
    samples: beside.rates,
    facts: { ...facts, 'share of alone': share },
  })
}

/** Computes meanwhile, again and again. */
async function besideMandelbrot(work: () => Promise<void>): Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const compute = async (): Promise<void> => {
    try {
      while (!signal.aborted) await mandelbrotImage(shape, { shortcuts: false, signal })
    } catch (error) {
      const wasStopped = error instanceof EuphorionError && error.code === 'KERNEL_CANCELLED'
      if (!wasStopped) throw error
    }
  }
  const computing = compute()
  try {
    await work()
  } finally {
    stopping.abort()
    await computing
  }
}

/** The least that the histogram tells is the timer's own millisecond. */
async function delaysDuring(work: () => Promise<unknown>): Promise<Delays> {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await work()
  histogram.disable()
  const ms = (percentile: number) => histogram.percentile(percentile) / NS_PER_MS
  return { p50: ms(50), p99: ms(99), most: histogram.max / NS_PER_MS }
}

async function rateOf(spec: BenchSpec): Promise<number> {
  const { verified, eventsPerSecond } = await runPageViews(spec)
  assert(verified, 'the counts do not add up')
  return eventsPerSecond
}
