// What `tune` measures on: the topic of a workload, filled once, or samples of the topics that an
// app reads, which are only looked at. Called by the command.
import type { App } from '../app/app.ts'
import { Connection } from '../app/connection.ts'
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { Log, PartitionOffsets } from '../log/log.ts'
import { openLog } from '../log/open.ts'
import type { Settings } from '../settings.ts'
import { benchInProcess } from './bench_process.ts'
import { isAgent, type Workload } from './bench_spec.ts'
import { prepareTopic } from './bench_topic.ts'
import { type Goal, measuredBy } from './goal.ts'
import type { Candidate, KnobName } from './knobs.ts'
import { knobNames, turnsFetches } from './knobs.ts'
import { leftOut, topicsRead } from './sample_job.ts'
import type { SampledTopic, SampleJob } from './sample_spec.ts'
import type { Measure } from './trials.ts'

export interface TuneTarget {
  /** The workload, or the app's id. */
  readonly name: string
  readonly job: SampleJob
  readonly sample: readonly SampledTopic[]
  /** Of all runs; knobs beat them. */
  readonly settings: Settings
  /** Knobs that can make a difference. */
  readonly knobs: readonly KnobName[]
  /** For people: what does not run, or is not written. */
  readonly leftOut: readonly string[]
}

export interface WorkloadTarget {
  readonly workload: Workload
  readonly goal: Goal
  readonly events: number
  readonly partitions: number
  readonly keys: number
}

/** Seconds of a whole run. */
const runSeconds = { throughput: 2, cpu: 4, latency: 4 } as const

/** Makes the topic unless it is there. */
export async function workloadTarget(
  { workload, goal, ...wanted }: WorkloadTarget,
  settings: Settings,
  clock: Clock,
  progress: (events: number) => void,
): Promise<TuneTarget> {
  const connection = await Connection.open(settings, clock)
  try {
    const { log } = connection
    const batchRecords = batchRecordsAt(goal, wanted.partitions)
    const made = { ...wanted, compression: 'none', batchRecords } as const
    const topic = await prepareTopic(log, made, progress)
    const partitions = await log.offsets(topic)
    const changelog = settings.changelog && log.capabilities.transactions
    return {
      name: workload,
      job: { kind: 'workload', workload, topic },
      sample: [{ topic, partitions }],
      settings: { ...settings, changelog },
      knobs: knobsFor({ changelog, agentTables: workload === 'agents-table' }, isAgent(workload)),
      leftOut: [],
    }
  } finally {
    await connection.close()
  }
}

/** What a producer sends together. */
const LINGER_MS = 20
const BATCH_RECORDS_MAX = 4000

/** At a rate, batches are as large as they would be then; undefined: as usual. */
function batchRecordsAt({ rate }: Goal, partitions: number): number | undefined {
  if (rate === undefined) return undefined
  const records = Math.ceil(((rate / partitions) * LINGER_MS) / 1000)
  return Math.min(BATCH_RECORDS_MAX, records)
}

export interface AppTarget {
  readonly app: App
  readonly file: string
  readonly events: number
  readonly includeAgents: boolean
  readonly includeChangelog: boolean
}

/** Rejects with USAGE where there is nothing to measure. */
export async function appTarget(
  { app, file, events, includeAgents, includeChangelog }: AppTarget,
  settings: Settings,
  clock: Clock,
): Promise<TuneTarget> {
  const topics = topicsRead(app, includeAgents)
  if (topics.length === 0) {
    const message = `${app.id} declares no aggregation`
    throw new EuphorionError('USAGE', `${message}: --include-agents runs its agents`)
  }
  if (settings.broker === undefined) throw new EuphorionError('BROKER_MISSING', 'no broker is set')
  const log = await openLog(settings.broker, { settings, clock })
  try {
    const sample = await sampleOf(log, topics, events)
    const { guarantee } = settings
    const changelog = includeChangelog && settings.changelog && log.capabilities.transactions
    const changed = changelog || guarantee === 'at_least_once' ? [] : ['the guarantee exactly_once']
    const unwritten = settings.changelog && !changelog ? ['changelogs (--include-changelog)'] : []
    const agentTables = includeAgents && app.topology.tables.length > 0
    return {
      name: app.id,
      job: { kind: 'app', file, includeAgents },
      sample,
      settings: { ...settings, changelog, guarantee: changelog ? guarantee : 'at_least_once' },
      knobs: knobsFor({ changelog, agentTables }, app.topology.aggregations.length === 0),
      leftOut: [...leftOut(app, includeAgents), ...unwritten, ...changed],
    }
  } finally {
    await log.close()
  }
}

/** The newest records of the topics, as many of each partition as it has part in all of them. */
async function sampleOf(
  log: Log,
  topics: readonly string[],
  events: number,
): Promise<SampledTopic[]> {
  const all: { topic: string; partitions: readonly PartitionOffsets[] }[] = []
  for (const topic of topics) all.push({ topic, partitions: await log.offsets(topic) })
  const total = all
    .flatMap(({ partitions }) => partitions)
    .reduce((sum, { earliest, latest }) => sum + latest - earliest, 0)
  if (total === 0) {
    const message = `${topics.join(', ')}: there is nothing to measure`
    throw new EuphorionError('USAGE', `no records in ${message}`)
  }
  const share = Math.min(1, events / total)
  return all.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition, earliest, latest }) => ({
      partition,
      earliest: latest - Math.ceil((latest - earliest) * share),
      latest,
    })),
  }))
}

function knobsFor(
  has: { readonly changelog: boolean; readonly agentTables: boolean },
  isAgents: boolean,
): KnobName[] {
  return knobNames.filter((name) => {
    if (name === 'changelogCompression') return has.changelog && !isAgents
    if (name === 'tableCacheEntries') return has.agentTables
    return true
  })
}

/** Records that a run at the goal's rate needs. */
export function eventsNeeded({ name, rate }: Goal): number {
  return rate === undefined ? 0 : Math.ceil(rate * runSeconds[name] * 1.05)
}

/** Runs the target in processes of their own; settings that do not work are measured as such. */
export function measureOf(target: TuneTarget, goal: Goal): Measure {
  const { job, sample, settings } = target
  return async (candidate, effort) => {
    const adaptFetches = settings.adaptFetches && !turnsFetches(candidate)
    const all = { ...settings, ...(candidate as Partial<Settings>), adaptFetches }
    const secondsMax = effort * runSeconds[goal.name]
    try {
      const run = await benchInProcess({
        job,
        sample,
        settings: all,
        secondsMax,
        rate: goal.rate,
      })
      return measuredBy(goal, run, all.commitIntervalMs)
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error))
      return { score: 0, value: 0, failure }
    }
  }
}

/** The values that knobs have in settings. */
export function knobValues(names: readonly KnobName[], settings: Settings): Candidate {
  return Object.fromEntries(names.map((name) => [name, settings[name]]))
}
