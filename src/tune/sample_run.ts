// One measured run of `tune`: the engine that workers use, on a sample of topics that are only
// read, with state in a directory that goes with the run. Called in a process of its own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadApp } from '../app/app_module.ts'
import { Connection } from '../app/connection.ts'
import { Engine } from '../app/engine.ts'
import { type Clock, systemClock, systemRandom } from '../clock.ts'
import { DeadLetters } from '../ingest/dead_letter.ts'
import type { Log } from '../log/log.ts'
import { openLog } from '../log/open.ts'
import { createLogger } from '../logger.ts'
import { noPlants } from '../plants.ts'
import type { Settings } from '../settings.ts'
import { changelogTopic } from '../table/changelog_topics.ts'
import { openStore } from '../table/open.ts'
import type { BenchSpec } from './bench_spec.ts'
import { Pace } from './pace.ts'
import { appJob, type Job, workloadJob } from './sample_job.ts'
import { SampleMeter } from './sample_meter.ts'
import type { SampleRun, SampleSpec } from './sample_spec.ts'
import { sampledLog } from './sampled_log.ts'

const MIB = 1 << 20

/** Rejects with what makes the engine fail: settings that do not go together, too little memory. */
export async function runSample(spec: SampleSpec, clock: Clock = systemClock): Promise<SampleRun> {
  const dataDir = mkdtempSync(join(tmpdir(), 'euphorion-tune-'))
  const remove = (): void => rmSync(dataDir, { recursive: true, force: true })
  process.once('exit', remove)
  const settings: Settings = { ...spec.settings, dataDir, web: false, instanceId: undefined }
  const inner = await openLog(settings.broker!, { settings, clock })
  try {
    return await runOn(inner, { ...spec, settings }, clock)
  } finally {
    await inner.close()
    remove()
    process.off('exit', remove)
  }
}

async function runOn(inner: Log, spec: SampleSpec, clock: Clock): Promise<SampleRun> {
  const { sample, settings, rate } = spec
  const appId = `tune-${process.pid}-${clock.now()}`
  const pace = rate === undefined ? undefined : new Pace(sample, rate, clock)
  let dropped = 0
  const log = sampledLog(inner, {
    sample,
    appId,
    pace,
    clock,
    dropped: (records) => {
      dropped += records
    },
  })
  const job = await jobOf(spec, log, clock)
  const connection = await Connection.open(settings, clock, { system: { openLog: () => log } })
  const meter = new SampleMeter({ spec, clock, pace })
  const engine = makeEngine({ spec, job, connection, appId, clock, meter })
  try {
    const run = await meter.measure(engine)
    return { ...run, dropped }
  } finally {
    await engine.abort().catch(() => undefined)
    await connection.close().catch(() => undefined)
    await forget(inner, appId, job)
  }
}

async function jobOf({ job, settings }: SampleSpec, log: Log, clock: Clock): Promise<Job> {
  if (job.kind === 'workload') {
    const { workload, topic } = job
    const spec: BenchSpec = { workload, topic, events: 0, settings }
    return workloadJob(spec)
  }
  const { app } = await loadApp(job.file)
  // what agents send by themselves goes nowhere either
  app.configure({ broker: settings.broker, web: false })
  app.runOn({
    clock,
    logger: createLogger(app.id, 'silent'),
    openStore,
    plants: noPlants,
    random: systemRandom,
    openLog: () => log,
  })
  return appJob(app, job.includeAgents, settings)
}

interface EngineParts {
  readonly spec: SampleSpec
  readonly job: Job
  readonly connection: Connection
  readonly appId: string
  readonly clock: Clock
  readonly meter: SampleMeter
}

function makeEngine({ spec, job, connection, appId, clock, meter }: EngineParts): Engine {
  const { settings } = spec
  const { log, sender, effects } = connection
  const deadLetters = new DeadLetters({
    topic: `${appId}-dead-letter`,
    partitions: 1,
    sender,
    clock,
  })
  const { maxDecompressedMib, checkCrcs, guarantee, unackedMax } = settings
  const subscribers = job.subscribers({
    clock,
    deadLetters,
    effects,
    unackedMax,
    supervision: settings,
    reading: { decompressedBytesMax: maxDecompressedMib * MIB, checkCrcs },
    cutsRest: guarantee === 'exactly_once' || job.agentTables.length > 0,
    extraction: () => engine.extraction(),
    goBack: () => void engine.cut().catch(() => undefined),
    onStopped: (error) => meter.fail(error),
    onCrash: (error) => meter.fail(error),
  })
  const engine: Engine = new Engine({
    log,
    appId,
    settings,
    clock,
    logger: createLogger('tune', 'silent'),
    aggregations: job.aggregations,
    subscribers: subscribers.map((each) => meter.watching(each)),
    agentTables: job.agentTables,
    deadLetters,
    effects,
    beforeCommit: async () => {
      await sender.flush()
      await deadLetters.flush()
    },
    onError: (error) => meter.fail(error),
    onCut: ({ error }) => {
      if (error === undefined) meter.cutMade(engine)
    },
  })
  return engine
}

/** Nothing of the run stays in the log. */
async function forget(log: Log, appId: string, job: Job): Promise<void> {
  const tables = [
    ...job.aggregations.map(({ plan }) => plan.name),
    ...job.agentTables.map(({ name }) => name),
  ]
  const ours = new Set(tables.map((table) => changelogTopic(appId, table)))
  const there = (await log.topics()).filter(({ name }) => ours.has(name))
  for (const { name } of there) await log.deleteTopic(name)
  await log.forgetGroup(appId).catch(() => undefined)
}
