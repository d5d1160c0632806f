// W0–W3 from end to end: page views from a log through kernels or an agent into the store, every
// total checked. `npm run bench:streams`, `-- --only codecs,keys --events 20000000`. A Kafka is
// started where there is Java; without one, and without --broker, only the embedded log is read.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchRun } from '../../src/tune/bench_spec.ts'
import { medianOf } from '../../src/tune/comparison.ts'
import { kafkaVersion } from '../../test/support/kafka_jars.ts'
import { type BenchContext, numberOption, runBench } from '../report/bench.ts'
import { rounded } from '../report/figure.ts'
import { Broker } from '../support/broker.ts'
import { namesOf, textOption } from '../support/options.ts'
import { scratchDirectory } from '../support/views.ts'
import { groups, type StreamCase, type StreamGroup } from './groups.ts'
import { type CaseRuns, Rounds } from './rounds.ts'

const EVENTS = 4_000_000
const SMOKE_EVENTS = 20_000
const ROUNDS = 4

const names = groups.map(({ name }) => name)

await runBench({
  name: 'streams',
  title: 'W0 to W3, end to end',
  command: 'npm run bench:streams',
  options: {
    only: { value: 'GROUPS', help: `print those of ${names.join(', ')}` },
    events: { value: 'N', help: `page views (${EVENTS}); less of what is slow` },
    rounds: { value: 'N', help: `runs of each case, in turns (${ROUNDS})` },
    broker: { value: 'HOST', help: 'a Kafka that is there; page views stay in it' },
  },
  unrecorded: ['only', 'events', 'broker'],
  run: measure,
})

async function measure(context: BenchContext): Promise<void> {
  const { isSmoke, seed, say } = context
  const chosen = namesOf(context, 'only', names)
  const wanted = groups.filter(({ name }) => chosen.includes(name))
  const rounds = numberOption(context, 'rounds', isSmoke ? 1 : ROUNDS)
  const events = numberOption(context, 'events', isSmoke ? SMOKE_EVENTS : EVENTS)
  const given = textOption(context, 'broker')
  const broker = new Broker(given)
  const scratch = scratchDirectory('streams')
  try {
    const isKafkaWanted =
      (given !== undefined || !isSmoke) &&
      wanted.some(({ cases }) => cases.some(({ isOnKafka }) => isOnKafka))
    const address = isKafkaWanted ? await broker.addresses() : undefined
    const kafka = address && `kafka://${address}`
    const left = wanted.map((group) => ({ ...group, cases: casesOf(group, kafka, isSmoke) }))
    const runs = left.reduce((sum, { cases }) => sum + cases.length, 0) * rounds
    let begun = 0
    const begin = (what: string): void => say(`run ${++begun} of ${runs}: ${what}`)
    const turns = new Rounds()
    for (const group of left) {
      const directory = join(scratch, group.name)
      const place = { embedded: `embedded:${directory}`, kafka }
      const found = await turns.run(group, { ...place, events, rounds, seed, begin, say })
      rmSync(directory, { recursive: true, force: true })
      addFigures(context, group, found, given === undefined ? kafkaVersion : 'as given')
    }
  } finally {
    await broker.stop()
  }
}

/** Those that can run here. A smoke run has each workload once, of other groups the ends. */
function casesOf(
  group: StreamGroup,
  kafka: string | undefined,
  isSmoke: boolean,
): readonly StreamCase[] {
  const cases = group.cases.filter(({ isOnKafka }) => !isOnKafka || kafka !== undefined)
  const isWhole = !isSmoke || group.name === groups[0].name
  return isWhole ? cases : [cases[0], cases[cases.length - 1]]
}

function addFigures(
  { add }: BenchContext,
  { title, hasCpu = false, more = {} }: StreamGroup,
  found: readonly CaseRuns[],
  kafka: string,
): void {
  for (const { of, spec, runs } of found) {
    const median = (figure: (run: BenchRun) => number | undefined): number | undefined => {
      const values = runs.map(figure).filter((value) => value !== undefined)
      return values.length === 0 ? undefined : rounded(medianOf(values))
    }
    const extra = Object.entries(more).map(([name, figure]) => [name, median(figure)] as const)
    add({
      group: title,
      case: of.name,
      unit: 'events/s',
      better: 'more',
      samples: runs.map(({ eventsPerSecond }) => eventsPerSecond),
      facts: {
        'CPU-s/M': hasCpu ? undefined : median((run) => run.cpuSecondsPerMillion),
        MiB: rounded(Math.max(...runs.map((run) => run.maxResidentMiB))),
        cuts: median((run) => run.cuts),
        ...Object.fromEntries(extra),
        events: spec.events,
        Kafka: of.isOnKafka ? kafka : undefined,
      },
    })
  }
  if (!hasCpu) return
  for (const { of, runs } of found)
    add({
      group: `${title}, CPU seconds`,
      case: of.name,
      unit: 'CPU-s/M',
      better: 'less',
      samples: runs.map(({ cpuSecondsPerMillion }) => cpuSecondsPerMillion),
    })
}
