// One run of a case: processes of its own, a schedule that all of them know, and what was read. On
// Kafka the producer, the worker and the reader of the output (this process) are three. Called by
// latency.ts.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deferred } from '../../src/deferred.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import type { LatencyCase } from './cases.ts'
import { Child } from './child.ts'
import { OutputReader } from './output_reader.ts'
import { Schedule, type ScheduleOptions, type ScheduleStart } from './schedule.ts'
import { sharedClock as clock } from './shared_clock.ts'
import type { Reading } from './sightings.ts'
import {
  type FeedAnswer,
  isOneProcess,
  outputTopic,
  type TrialSpec,
  type WorkerAnswer,
} from './trial_spec.ts'
import { Urls } from './urls.ts'

export interface Trial {
  readonly case: LatencyCase
  readonly schedule: ScheduleOptions
  readonly seed: number
  /** Of Kafka: host:port[,host:port…] */
  readonly brokers: string | undefined
}

export interface TrialResult {
  readonly reading: Reading
  readonly lateMs: number
  readonly cutMs: number | undefined
}

/** From the question to the first event: all have begun to look by then. */
const LEAD_MS = 300
/** For opening, and for what is behind at the end. */
const GRACE_MS = 60_000

let trials = 0

/** Rejects where an answer is wrong, or not there in time. */
export async function runTrial(trial: Trial): Promise<TrialResult> {
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-bench-latency-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true })
  process.once('exit', remove)
  const { case: wanted, schedule, seed, brokers } = trial
  const isKafka = wanted.log === 'kafka'
  const broker = isKafka ? `kafka://${brokers}` : `embedded:${join(directory, 'log')}`
  const id = `bench-latency-${process.pid}-${trials++}`
  const spec: TrialSpec = { id, broker, directory, case: wanted, schedule, seed }
  try {
    return await (isOneProcess(spec) ? runAlone(spec) : runApart(spec))
  } finally {
    remove()
    process.off('exit', remove)
  }
}

async function runAlone(spec: TrialSpec): Promise<TrialResult> {
  const worker = new Child('./worker.js')
  try {
    const { reading, cutMs, feed } = await inTime(spec, async () => {
      await worker.ask(spec)
      return worker.ask<WorkerAnswer>(soon())
    })
    return { reading: reading!, cutMs, lateMs: feed!.lateMs }
  } finally {
    await worker.end()
  }
}

async function runApart(spec: TrialSpec): Promise<TrialResult> {
  const log = await openLog(spec.broker, { clock })
  const worker = new Child('./worker.js')
  const feeder = new Child('./feeder.js')
  let outputs: OutputReader | undefined
  try {
    return await inTime(spec, async () => {
      // the worker makes the topics
      await worker.ask(spec)
      await feeder.ask(spec)
      const start = soon()
      if (spec.case.place === 'output') outputs = outputReader(spec, start, log)
      const [answered, { lateMs }] = await Promise.all([
        worker.ask<WorkerAnswer>(start),
        feeder.ask<FeedAnswer>(start),
        outputs?.run(),
      ])
      const { reading = outputs?.read(), cutMs } = answered
      return { reading: reading!, cutMs, lateMs }
    })
  } finally {
    outputs?.stop()
    await Promise.all([worker.end(), feeder.end()])
    await forget(log, spec)
    await log.close()
  }
}

function outputReader(spec: TrialSpec, start: ScheduleStart, log: Log): OutputReader {
  const { partitions, keys } = spec.schedule
  const schedule = new Schedule(spec.schedule, start)
  const urls = new Urls(partitions, keys)
  return new OutputReader({ log, topic: outputTopic(spec), schedule, urls, clock })
}

function soon(): ScheduleStart {
  return { dueMs: clock.monotonic() + LEAD_MS, eventMs: Math.ceil(clock.now()) + LEAD_MS }
}

async function inTime<T>(
  { schedule: { warmUpSeconds, seconds } }: TrialSpec,
  run: () => Promise<T>,
): Promise<T> {
  const late = deferred<never>()
  const ms = (warmUpSeconds + seconds) * 1000 + GRACE_MS
  const cancel = clock.after(ms, () => late.reject(new Error('not all events came in time')))
  try {
    return await Promise.race([run(), late.promise])
  } finally {
    cancel()
  }
}

/** Nothing of the run stays in the log. */
async function forget(log: Log, { id }: TrialSpec): Promise<void> {
  for (const { name } of await log.topics())
    if (name.startsWith(`${id}-`)) await log.deleteTopic(name)
  await log.forgetGroup(id).catch(() => undefined)
}
