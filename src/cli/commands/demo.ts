// `euphorion demo`: the main job without Kafka. Makes page views, aggregates them in the kernels,
// shows the busiest pages live and leaves the results for `euphorion table`.
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { App } from '../../app/app.ts'
import { watchSignals } from '../../app/signals.ts'
import { type Clock, systemClock } from '../../clock.ts'
import type { CommandContext } from '../command_line.ts'
import { demoTable, demoWindowMs, makeDemoApp } from '../demo_app.ts'
import { prepareDemoDirectory } from '../demo_directory.ts'
import { DemoFeed } from '../demo_feed.ts'
import { type DemoFrame, DemoScreen, formatCount } from '../demo_screen.ts'
import { addExamples, addSettings, givenSettings } from '../options.ts'

interface DemoOptions {
  readonly events?: number
  readonly seconds?: number
  readonly rate?: number
  readonly dir: string
  readonly json?: boolean
}

/** A row of the demo's table. */
export interface PageRow {
  readonly key: string
  readonly start: number
  readonly views: number
  readonly meanMs: number | null
}

interface DemoSummary {
  readonly events: number
  readonly seconds: number
  readonly eventsPerSecond: number
  /** Rows of the table. */
  readonly cells: number
  /** Sum of the views of all rows. */
  readonly views: number
}

const PARTITIONS = 4
const TOP_PAGES = 10
const FRAME_MS = 1000
/** Shown more often at the beginning. */
const FIRST_FRAME_MS = 250
/** About 35 MB a second of log; without an end the log must not outgrow a small disk. */
const ENDLESS_RATE = 500_000
const ENDLESS_RETENTION_BYTES = 128 * 1024 * 1024
const UNBOUNDED = -1

export function addDemo(program: Command, context: CommandContext): void {
  if (context.app !== undefined) return
  const command = program
    .command('demo')
    .description('the main job with no Kafka: page views made, aggregated and shown live')
    .option('--events <number>', 'end when so many are aggregated', whole)
    .option('--seconds <number>', 'end after that time', whole)
    .option(
      '--rate <number>',
      `events a second; default ${formatCount(ENDLESS_RATE)}, with --events as many as go`,
      whole,
    )
    .option('--dir <directory>', 'where log and state go; emptied first', './euphorion-demo')
    .option('--json', 'print only the summary, as JSON')
    .action((options: DemoOptions) => runDemo(command, options))
  addSettings(command, ['broker', 'threads', 'batchBytes', 'backend', 'transport', 'store'])
  addExamples(command, [
    ['until Ctrl+C', 'euphorion demo'],
    ['ten million events, as fast as they go', 'euphorion demo --events 10000000'],
    ['the topic in a Kafka', 'euphorion demo --broker kafka://localhost:9092 --seconds 30'],
  ])
}

function whole(text: string): number {
  const value = Number(text.replaceAll('_', ''))
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError('It is a whole number from 1.')
}

async function runDemo(command: Command, options: DemoOptions): Promise<void> {
  const { dir, events } = options
  prepareDemoDirectory(dir)
  const dataDir = join(dir, 'state')
  const given = { broker: `embedded:${join(dir, 'log')}`, ...givenSettings(command), dataDir }
  const isKafka = !given.broker.startsWith('embedded:')
  const topic = isKafka ? `euphorion-demo-${systemClock.now()}` : 'page-views'
  const retentionBytes = events === undefined ? ENDLESS_RETENTION_BYTES : UNBOUNDED
  const { app, perPage } = makeDemoApp({ name: topic, partitions: PARTITIONS, retentionBytes })
  app.configure(given)
  const signals = watchSignals(app.clock)
  try {
    await app.start()
    const log = await app.log()
    const feed = new DemoFeed({
      log,
      topic,
      partitions: PARTITIONS,
      events: events ?? Number.MAX_SAFE_INTEGER,
      rate: options.rate ?? (events === undefined ? ENDLESS_RATE : Number.POSITIVE_INFINITY),
      aggregated: () => aggregated(app),
      clock: app.clock,
    })
    const show = options.json === true ? undefined : new DemoScreen(process.stdout)
    const run = new DemoRun({ app, feed, perPage, show, clock: app.clock })
    const seconds = await run.until(options.seconds, signals.first)
    const summary = await summarise(perPage, aggregated(app), seconds)
    if (isKafka) await log.deleteTopic(topic)
    process.stdout.write(
      options.json === true ? `${JSON.stringify(summary)}\n` : summaryText(summary, dataDir),
    )
  } finally {
    signals.unwatch()
    await app.stop()
  }
}

/** Events whose results are stored. */
function aggregated(app: App): number {
  return app.statistics().reduce((sum, lane) => sum + lane.storedOffset, 0)
}

type PerPage = ReturnType<typeof makeDemoApp>['perPage']

interface DemoRunOptions {
  readonly app: App
  readonly feed: DemoFeed
  readonly perPage: PerPage
  readonly show: DemoScreen | undefined
  readonly clock: Clock
}

class DemoRun {
  readonly #options: DemoRunOptions
  #shownAt = 0
  #shownEvents = 0

  constructor(options: DemoRunOptions) {
    this.#options = options
  }

  /**
   * Until all events are aggregated, the time is over or a signal came; then what was made is
   * finished.
   */
  async until(seconds: number | undefined, signal: Promise<void>): Promise<number> {
    const { app, feed, clock, show } = this.#options
    const startedAt = clock.monotonic()
    this.#shownAt = startedAt
    let isFed = false
    const feeding = feed.run().finally(() => {
      isFed = true
    })
    const failed = Promise.race([
      app.failed,
      feeding.then(() => new Promise<never>(() => undefined)),
    ])
    void signal.then(() => feed.stop())
    let frames = 0
    while (!isFed || aggregated(app) < feed.produced) {
      const frameMs = frames++ < 4 ? FIRST_FRAME_MS : FRAME_MS
      await Promise.race([this.#frameEnd(frameMs, () => isFed), failed])
      if (seconds !== undefined && clock.monotonic() - startedAt >= seconds * 1000) feed.stop()
      if (show !== undefined) show.show(await this.#frame())
    }
    await feeding
    show?.end()
    return (clock.monotonic() - startedAt) / 1000
  }

  /** The end of the frame, or earlier when all is done. */
  async #frameEnd(ms: number, isFed: () => boolean): Promise<void> {
    const { app, feed, clock } = this.#options
    const end = clock.monotonic() + ms
    while (clock.monotonic() < end) {
      await new Promise<void>((resolve) => clock.after(20, resolve))
      if (isFed() && aggregated(app) >= feed.produced) return
    }
  }

  async #frame(): Promise<DemoFrame> {
    const { app, feed, perPage, clock } = this.#options
    const events = aggregated(app)
    const now = clock.monotonic()
    const eventsPerSecond = ((events - this.#shownEvents) / Math.max(1, now - this.#shownAt)) * 1000
    this.#shownAt = now
    this.#shownEvents = events
    const newest = await perPage.get('/page/0')
    const behind = feed.produced - events
    if (newest === undefined) {
      return { events, eventsPerSecond, behind, windowStart: undefined, top: [] }
    }
    // The newest window has only begun: the one before is the newest that is about complete.
    const before = newest.start - demoWindowMs
    const complete = await topPages(perPage, before)
    const isFirst = complete.length === 0
    const top = isFirst ? await topPages(perPage, newest.start) : complete
    const windowStart = isFirst ? newest.start : before
    return { events, eventsPerSecond, behind, windowStart, top }
  }
}

async function topPages(perPage: PerPage, start: number): Promise<PageRow[]> {
  const top: PageRow[] = []
  for await (const row of perPage.range({ from: start, to: start + 1 })) {
    if (top.length === TOP_PAGES && row.views <= top[TOP_PAGES - 1].views) continue
    top.push(row)
    top.sort((a, b) => b.views - a.views)
    if (top.length > TOP_PAGES) top.pop()
  }
  return top
}

async function summarise(perPage: PerPage, events: number, seconds: number): Promise<DemoSummary> {
  let cells = 0
  let views = 0
  for await (const row of perPage.range()) {
    cells++
    views += row.views
  }
  return { events, seconds, eventsPerSecond: Math.round(events / seconds), cells, views }
}

function summaryText(
  { events, seconds, eventsPerSecond, cells }: DemoSummary,
  dataDir: string,
): string {
  const views = `${formatCount(events)} page views aggregated in ${seconds.toFixed(1)} s`
  const rate = `${formatCount(eventsPerSecond)} events/s`
  return `
${views} (${rate}); ${formatCount(cells)} rows in RocksDB.
Read them:
  npx euphorion table ${demoTable} --data-dir ${dataDir}
  npx euphorion table ${demoTable} --data-dir ${dataDir} --key /page/0 --format jsonl
`
}
