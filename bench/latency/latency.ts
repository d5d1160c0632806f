// Latency at a rate, without coordinated omission: `npm run bench:latency`. A case is run once in
// each round, in an order by chance; the figures are of the rounds' percentiles.
import { seededRandom, shuffled } from '../../src/clock.ts'
import { medianOf } from '../../src/tune/comparison.ts'
import { type BenchContext, BenchUsage, numberOption, runBench } from '../report/bench.ts'
import { Broker } from '../support/broker.ts'
import { namesOf, textOption } from '../support/options.ts'
import { groupOf, type LatencyCase, latencyCases, nameOf, places, type Wanted } from './cases.ts'
import type { ScheduleOptions } from './schedule.ts'
import { runTrial, type TrialResult } from './trial.ts'

interface Plan {
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly rounds: number
}

/** Results come later than this after the last event: the worker did not keep up. */
const BEHIND_MS_MIN = 500
const BEHIND_CUTS = 3
const PARTITIONS = 4
/** Urls of a partition: 8,000 in all, and 1,000 where each of them is sent at a cut. */
const KEYS = 2000
const OUTPUT_KEYS = 250

await runBench({
  name: 'latency',
  title: 'Latency at a rate, from when an event was due',
  command: 'npm run bench:latency',
  options: {
    only: { value: 'NAMES', help: `of ${places.join(', ')}; default all` },
    rates: { value: 'LIST', help: 'events a second, 20000,100000; then all combinations' },
    cuts: { value: 'LIST', help: 'commit intervals in ms, 10,100; then all combinations' },
    seconds: { value: 'N', help: 'that count, of each run (5)' },
    rounds: { value: 'N', help: 'runs of each case (3)' },
    broker: { value: 'HOSTS', help: 'host:port of a Kafka; else one is started (Java 17)' },
  },
  unrecorded: ['only', 'rates', 'cuts', 'seconds', 'rounds'],
  async run(context) {
    const broker = new Broker(textOption(context, 'broker'))
    try {
      await measure(context, broker)
    } finally {
      await broker.stop()
    }
  },
})

async function measure(context: BenchContext, broker: Broker): Promise<void> {
  const { isSmoke, seed, say } = context
  const plan: Plan = {
    seconds: numberOption(context, 'seconds', isSmoke ? 0.5 : 5),
    warmUpSeconds: isSmoke ? 0.3 : 1.5,
    rounds: numberOption(context, 'rounds', isSmoke ? 1 : 3),
  }
  // small runs are to be quick: they start no Kafka
  const isOffered = !isSmoke || textOption(context, 'broker') !== undefined
  const brokers = isOffered ? await broker.addresses() : undefined
  if (brokers === undefined) console.error('Only the embedded log is measured, without a Kafka.')
  const cases = latencyCases(wantedOf(context, brokers !== undefined))
  const results = new Map<LatencyCase, TrialResult[]>(cases.map((each) => [each, []]))
  const runs = Array.from({ length: plan.rounds }, (_, round) =>
    shuffled(cases, seededRandom(seed + round)),
  ).flat()
  for (const [index, each] of runs.entries()) {
    say(`${index + 1} of ${runs.length}: ${groupOf(each)}: ${nameOf(each)}`)
    const schedule = scheduleOf(each, plan)
    results.get(each)!.push(await runTrial({ case: each, schedule, seed, brokers }))
  }
  for (const [each, trials] of results) addFigures(context, each, trials)
}

function wantedOf(context: BenchContext, hasKafka: boolean): Wanted {
  const isSmoke = context.isSmoke
  return {
    places: namesOf(context, 'only', places),
    logs: hasKafka ? ['kafka', 'embedded'] : ['embedded'],
    rates: numbersOf(context, 'rates') ?? (isSmoke ? [2000] : undefined),
    commitIntervalsMs: numbersOf(context, 'cuts') ?? (isSmoke ? [20] : undefined),
  }
}

function scheduleOf({ place, rate }: LatencyCase, plan: Plan): ScheduleOptions {
  const { seconds, warmUpSeconds } = plan
  const keys = place === 'output' ? OUTPUT_KEYS : KEYS
  return { rate, seconds, warmUpSeconds, partitions: PARTITIONS, keys }
}

function addFigures(
  { add }: BenchContext,
  each: LatencyCase,
  trials: readonly TrialResult[],
): void {
  const group = groupOf(each)
  const middle = (of: (trial: TrialResult) => number): number =>
    Number(medianOf(trials.map(of)).toPrecision(3))
  const lastAfter = Math.max(...trials.map(({ reading }) => reading.lastAfter))
  const behindMs = Math.max(BEHIND_MS_MIN, BEHIND_CUTS * each.commitIntervalMs)
  const isCut = trials[0].cutMs !== undefined
  const facts = {
    'most, ms': middle(({ reading }) => reading.most),
    'one cut, ms': isCut ? middle(({ cutMs }) => cutMs!) : undefined,
    'appended late, p99 ms': middle(({ lateMs }) => lateMs),
    'keeps up': lastAfter <= behindMs ? 'yes' : `no: ${Math.round(lastAfter)} ms behind`,
  }
  for (const [name, of] of [
    ['p50', 'p50'],
    ['p99', 'p99'],
    ['p99.9', 'p999'],
  ] as const)
    add({
      group,
      case: `${nameOf(each)}: ${name}`,
      unit: 'ms',
      better: 'less',
      samples: trials.map(({ reading }) => reading[of]),
      facts: name === 'p50' ? facts : {},
    })
}

/** '20_000,100_000' */
function numbersOf(context: BenchContext, name: string): number[] | undefined {
  const numbers = textOption(context, name)
    ?.split(',')
    .map((text) => Number(text.replaceAll('_', '')))
  if (numbers?.every((number) => number > 0) === false)
    throw new BenchUsage(`--${name}: numbers above 0, with commas between them`)
  return numbers
}
