// What turning fetches at run time is worth: the same work with adaptFetches and without, in turns,
// each run in a process of its own on a topic that is filled once: of an embedded log, and of a
// Kafka where there is Java. Counts are checked after every run.
import { Connection } from '../../src/app/connection.ts'
import { systemClock } from '../../src/clock.ts'
import { resolveSettings, type Settings } from '../../src/settings.ts'
import { benchInProcess } from '../../src/tune/bench_process.ts'
import type { BenchTopic } from '../../src/tune/bench_topic.ts'
import { type BenchContext, numberOption, runBench } from '../report/bench.ts'
import { Broker } from '../support/broker.ts'
import { namesOf, textOption } from '../support/options.ts'
import { makeViews, scratchDirectory } from '../support/views.ts'
import { type Comparison, comparisons, type LogName, type Variant } from './cases.ts'

const PARTITIONS = 4
const KEYS = 8057
const ROUNDS = 3
const SMOKE_EVENTS = 50_000
/** Of a run at a rate. */
const SECONDS = 10
/** A run that is further behind has not kept up. */
const BEHIND_MS_MAX = 500

/** Of one run, in the units of `figures`. */
interface Sample {
  readonly eventsPerSecond: number
  readonly memory: number
  readonly cpu?: number
  readonly cut?: number
  readonly p99?: number
  /** Of the last run, for people. */
  readonly batches?: number
}

const figures = {
  eventsPerSecond: { what: '', unit: 'events/s', better: 'more' },
  p99: { what: ': p99 to the readable result', unit: 'ms', better: 'less' },
  memory: { what: ': most resident memory', unit: 'MiB', better: 'less' },
  cpu: { what: ': CPU', unit: 's/million', better: 'less' },
  cut: { what: ': the last cut', unit: 'ms', better: 'less' },
} as const

type FigureName = keyof typeof figures

interface Place {
  readonly log: LogName
  /** For people. */
  readonly called: string
  readonly broker: string
}

const names = comparisons.map(({ name }) => name)
const logNames = ['embedded', 'kafka'] as const

await runBench({
  name: 'adapt',
  title: 'Fetches that are turned at run time, and fetches that stay as they are',
  command: 'npm run bench:adapt',
  options: {
    only: { value: 'NAMES', help: `of ${names.join(', ')}` },
    rounds: { value: 'N', help: `runs of each case (${ROUNDS})` },
    on: { value: 'NAMES', help: 'of embedded and kafka (both; with --smoke embedded)' },
    broker: { value: 'HOST', help: 'a Kafka that is there, instead of one that is started here' },
  },
  unrecorded: ['only', 'rounds', 'on'],
  async run(context) {
    const { isSmoke, values } = context
    const broker = new Broker(textOption(context, 'broker'))
    const only = namesOf(context, 'only', names)
    const chosen = comparisons.filter(({ name }) => only.includes(name))
    const rounds = isSmoke ? 1 : numberOption(context, 'rounds', ROUNDS)
    const logs =
      values.on === undefined && isSmoke ? ['embedded'] : namesOf(context, 'on', logNames)
    await withLogs(logs, broker, async (place) => {
      for (const comparison of chosen) {
        const { log = place.log } = comparison
        if (log === place.log) await compare(comparison, place, rounds, context)
      }
    })
  },
})

async function withLogs(
  logs: readonly string[],
  broker: Broker,
  run: (place: Place) => Promise<void>,
): Promise<void> {
  const directory = scratchDirectory('adapt')
  if (logs.includes('embedded'))
    await run({ log: 'embedded', called: 'embedded log', broker: `embedded:${directory}` })
  if (logs.includes('kafka')) await onKafka(broker, run)
}

async function onKafka(broker: Broker, run: (place: Place) => Promise<void>): Promise<void> {
  try {
    const brokers = await broker.addresses()
    if (brokers === undefined) return
    await run({ log: 'kafka', called: 'Kafka', broker: `kafka://${brokers}` })
  } finally {
    await broker.stop()
  }
}

async function compare(
  comparison: Comparison,
  place: Place,
  rounds: number,
  context: BenchContext,
): Promise<void> {
  const { add, say } = context
  const { name, title, variants, rate, shows } = comparison
  const topic = await fill(comparison, place, context)
  const samples = new Map(variants.map((variant) => [variant, [] as Sample[]]))
  for (let round = 0; round < rounds; round++) {
    // each is first as often as the others
    const from = round % variants.length
    for (const variant of [...variants.slice(from), ...variants.slice(0, from)]) {
      say(`${place.called}, ${name}, ${variant.name}: run ${round + 1} of ${rounds}`)
      samples.get(variant)!.push(await measure(comparison, variant, place, topic))
    }
  }
  const shown: readonly FigureName[] = [rate === undefined ? 'eventsPerSecond' : 'p99', ...shows]
  for (const figure of shown) {
    const { what, unit, better } = figures[figure]
    for (const [variant, its] of samples) {
      const group = `${title}, ${place.called}${what}`
      const facts = { batches: its.at(-1)?.batches }
      const values = its.map((sample) => sample[figure]!)
      add({ group, case: variant.name, unit, better, samples: values, facts })
    }
  }
}

interface Topic extends BenchTopic {
  readonly name: string
}

async function fill(
  { events, partitions = PARTITIONS, compression, batchRecords }: Comparison,
  { broker }: Place,
  { isSmoke, say }: BenchContext,
): Promise<Topic> {
  const made = {
    events: isSmoke ? SMOKE_EVENTS : events,
    partitions,
    keys: KEYS,
    compression,
    ...(batchRecords !== undefined && { batchRecords }),
  }
  return { ...made, name: await makeViews(broker, made, say) }
}

async function measure(
  comparison: Comparison,
  variant: Variant,
  { broker }: Place,
  topic: Topic,
): Promise<Sample> {
  const settings = resolveSettings({ code: { ...variant.settings, broker } })
  if (comparison.rate !== undefined) return atRate(comparison.rate, settings, topic)
  const { workload } = comparison
  const { name, events, partitions, keys } = topic
  const made = { partitions, keys }
  const run = await benchInProcess({ workload, topic: name, events, settings, made })
  if (!run.verified) throw new Error(`${comparison.name}, ${variant.name}: the counts are wrong`)
  return {
    eventsPerSecond: run.eventsPerSecond,
    memory: run.maxResidentMiB,
    cpu: run.cpuSecondsPerMillion,
    cut: run.cutMs,
    batches: run.batches,
  }
}

async function atRate(rate: number, settings: Settings, topic: Topic): Promise<Sample> {
  const { name, events, partitions: count } = topic
  const connection = await Connection.open(settings, systemClock)
  const partitions = await connection.log.offsets(name)
  await connection.close()
  const sample = [{ topic: name, partitions }]
  const secondsMax = Math.min(SECONDS, (0.9 * events) / rate)
  const job = { kind: 'workload', workload: 'w1', topic: name } as const
  const run = await benchInProcess({ job, sample, settings, secondsMax, rate })
  const isRight = run.bad === 0 && run.events >= 0.9 * rate * (secondsMax - 1)
  if (count !== partitions.length || !isRight || run.behindMs! > BEHIND_MS_MAX)
    throw new Error(`at ${rate} events/s ${run.events} were read, ${run.behindMs} ms behind`)
  return {
    eventsPerSecond: run.eventsPerSecond,
    memory: run.maxResidentMiB,
    p99: run.delaysMs!.p99,
  }
}
