// `euphorion demo`: the main job without Kafka. Makes page views, aggregates them in the kernels,
// shows the busiest pages live and leaves the results for `euphorion table`.
import { join } from 'node:path'
import type { Command } from 'commander'
import type { App } from '../../app/app.ts'
import { planReset, reset } from '../../app/reset.ts'
import { watchSignals } from '../../app/signals.ts'
import { systemClock } from '../../clock.ts'
import type { CommandContext } from '../command_line.ts'
import { demoTable, makeDemoApp, type PerPage } from '../demo_app.ts'
import { prepareDemoDirectory } from '../demo_directory.ts'
import { DemoFeed } from '../demo_feed.ts'
import { aggregated, runDemo } from '../demo_run.ts'
import { DemoScreen, formatCount } from '../demo_screen.ts'
import { addExamples, addSettings, givenSettings, whole } from '../options.ts'
import { quote, startedAs } from '../started_as.ts'

interface DemoOptions {
  readonly events?: number
  readonly seconds?: number
  readonly rate?: number
  readonly dir: string
  readonly json?: boolean
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
/** Without an end, log and table must not outgrow a small disk. */
const endless = { retentionBytes: 64 * 1024 * 1024, retention: '15m' } as const
const kept = { retentionBytes: -1, retention: '3650d' } as const

export function addDemo(program: Command, context: CommandContext): void {
  const command = program
    .command('demo')
    .description('the main job with no Kafka: page views made, aggregated and shown live')
    .option('--events <number>', 'end when so many are aggregated; default: go on', whole(1))
    .option('--seconds <number>', 'end after that time', whole(1))
    .option('--rate <number>', 'most events made a second; default: as many as go', whole(1))
    .option('--dir <directory>', 'where log and state go; emptied first', './euphorion-demo')
    .option('--json', 'print only the summary, as JSON')
    .action((options: DemoOptions) => demo(command, options))
  addSettings(command, ['broker', 'threads', 'batchBytes', 'backend', 'transport', 'store'])
  addExamples(command, context, [
    ['until Ctrl+C', 'euphorion demo'],
    ['ten million events', 'euphorion demo --events 10000000'],
    ['the topic in a Kafka', 'euphorion demo --broker kafka://localhost:9092 --seconds 30'],
  ])
}

async function demo(command: Command, options: DemoOptions): Promise<void> {
  const { dir, events, seconds, rate = Number.POSITIVE_INFINITY, json = false } = options
  const dataDir = join(dir, 'state')
  await prepareDemoDirectory(dir, dataDir)
  const given = { broker: `embedded:${join(dir, 'log')}`, ...givenSettings(command), dataDir }
  const isKafka = !given.broker.startsWith('embedded:')
  const topic = isKafka ? `euphorion-demo-${systemClock.now()}` : 'page-views'
  const { app, perPage } = makeDemoApp({
    name: topic,
    partitions: PARTITIONS,
    ...(events === undefined ? endless : kept),
  })
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
      rate,
      cleans: events === undefined,
      aggregated: () => aggregated(app),
      clock: app.clock,
    })
    const screen = json ? undefined : new DemoScreen(process.stdout)
    const run = { app, feed, perPage, screen, clock: app.clock }
    const took = await runDemo(run, seconds, signals.first)
    const summary = await summarise(perPage, aggregated(app), took)
    process.stdout.write(json ? `${JSON.stringify(summary)}\n` : summaryText(summary, dataDir))
  } finally {
    signals.unwatch()
    await app.stop()
    if (isKafka) await cleanUp(app, topic)
  }
}

/** Nothing of the demo stays on a cluster. */
async function cleanUp(app: App, topic: string): Promise<void> {
  const log = await app.log()
  try {
    const tables = app.topology.aggregations.map(({ plan }) => plan.name)
    const options = { log, appId: app.id, settings: app.settings, tables }
    const { changelogs, group } = await planReset(options)
    await reset(options, { changelogs, group, directories: [] })
    await log.deleteTopic(topic)
  } finally {
    await app.stop()
  }
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

function summaryText(summary: DemoSummary, dataDir: string): string {
  const { events, seconds, eventsPerSecond, cells } = summary
  const took = `${seconds.toFixed(1)} s (${formatCount(eventsPerSecond)} events/s)`
  const read = `${startedAs()} table ${demoTable} --data-dir ${quote(dataDir)}`
  return `
${formatCount(events)} page views aggregated in ${took}; the table has ${formatCount(cells)} rows.
Read it:
  ${read} | less
  ${read} --key /page/0 --format jsonl
`
}
