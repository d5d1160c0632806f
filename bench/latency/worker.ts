// The worker of a latency run, as a user writes it: page views counted by url in windows of 10 s,
// or an agent that takes them one by one. Started by trial.ts. On a log of one process it is the
// producer and the other consumer too.
import { join } from 'node:path'
import { deferred } from '../../src/deferred.ts'
import { App, count, string, tumbling } from '../../src/index.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { createLogger } from '../../src/logger.ts'
import { PageView } from '../../src/tune/page_view.ts'
import { answer, nextQuestion, runChild } from './child.ts'
import { Feed } from './feed.ts'
import { OutputReader } from './output_reader.ts'
import { Schedule, type ScheduleStart, WINDOW_MS } from './schedule.ts'
import { sharedClock as clock } from './shared_clock.ts'
import { type Reading, Sightings } from './sightings.ts'
import { TableWatch } from './table_watch.ts'
import { TimedViews } from './timed_views.ts'
import {
  isOneProcess,
  outputTopic,
  type TrialSpec,
  viewsTopic,
  type WorkerAnswer,
} from './trial_spec.ts'
import { Urls } from './urls.ts'

interface Run {
  readonly spec: TrialSpec
  readonly schedule: Schedule
  readonly urls: Urls
}

/** What looks for events: begun before the first is due. */
interface Observer {
  /** Resolves when all have been seen. */
  run(): Promise<void>
  /** Throws where the answer is wrong. */
  read(): Promise<Reading>
  readonly cutMs: number | undefined
}

await runChild(async () => {
  const spec = await nextQuestion<TrialSpec>()
  const { partitions, keys } = spec.schedule
  const { app, observe } = appOf(spec)
  const opened = deferred()
  app.sensors.add({ onRebalanced: opened.resolve })
  await app.start()
  await opened.promise
  const asked = nextQuestion<ScheduleStart>()
  await answer({})
  const schedule = new Schedule(spec.schedule, await asked)
  const run: Run = { spec, schedule, urls: new Urls(partitions, keys) }
  const observer = observe(run)
  const given = isOneProcess(spec) ? await runAlone(run, observer) : await runWorker(run, observer)
  await app.stop()
  await answer(given)
})

async function runWorker({ spec }: Run, observer: Observer): Promise<WorkerAnswer> {
  await observer.run()
  const reading = await observer.read()
  const isElsewhere = spec.case.place === 'output'
  return {
    reading: isElsewhere ? undefined : reading,
    cutMs: observer.cutMs,
    feed: undefined,
  }
}

async function runAlone(run: Run, observer: Observer): Promise<WorkerAnswer> {
  const { spec, schedule, urls } = run
  const log = await openLog(spec.broker, { clock })
  const producer = await log.producer()
  const views = new TimedViews(schedule, urls, spec.seed)
  const feed = new Feed({ schedule, views, producer, topic: viewsTopic(spec), clock })
  const outputs = spec.case.place === 'output' ? outputReader(run, log) : undefined
  await Promise.all([feed.run(), observer.run(), outputs?.run()])
  const reading = await observer.read()
  await producer.close()
  await log.close()
  return {
    reading: outputs?.read() ?? reading,
    cutMs: observer.cutMs,
    feed: { lateMs: feed.lateMs(0.99) },
  }
}

function outputReader({ spec, schedule, urls }: Run, log: Log): OutputReader {
  return new OutputReader({ log, topic: outputTopic(spec), schedule, urls, clock })
}

function appOf(spec: TrialSpec): { app: App; observe: (run: Run) => Observer } {
  const { id, broker, directory } = spec
  const { place, commitIntervalMs, guarantee } = spec.case
  const app = new App(id, {
    broker,
    dataDir: join(directory, 'state'),
    guarantee,
    commitIntervalMs,
    web: false,
    logger: createLogger(id, 'error'),
  })
  const { partitions } = spec.schedule
  const views = app.topic(viewsTopic(spec), {
    key: string(),
    value: PageView,
    keyedBy: 'url',
    partitions,
  })
  if (place === 'agent') {
    let sightings: Sightings | undefined
    app.agent(views, async (stream) => {
      for await (const { ts } of stream) sightings!.seeEvent(ts, clock.monotonic())
    })
    const observe = ({ schedule }: Run): Observer => {
      const seen = new Sightings(schedule)
      sightings = seen
      return { run: () => seen.all, read: async () => seen.read(), cutMs: undefined }
    }
    return { app, observe }
  }
  const table = app
    .stream(views)
    .keyBy('url')
    .time('ts')
    .window(tumbling(WINDOW_MS, { grace: '5s' }))
    .aggregate('views', () => ({ views: count() }))
  if (place === 'output') table.changes().to(app.topic(outputTopic(spec), { partitions }))
  const observe = ({ schedule, urls }: Run): Observer =>
    new TableWatch({ app, table, schedule, urls, clock })
  return { app, observe }
}
