// `euphorion bench wire`: how fast records come from the log and get into it, without any kernels.
import { availableParallelism, cpus } from 'node:os'
import { type Command, Option } from 'commander'
import { Connection } from '../../app/connection.ts'
import { systemClock } from '../../clock.ts'
import { readConfigFile } from '../../config_file.ts'
import type { Log } from '../../log/log.ts'
import { resolveSettings, type Settings } from '../../settings.ts'
import { benchInProcess } from '../../tune/bench_process.ts'
import { prepareTopic } from '../../tune/bench_topic.ts'
import { type WireBenchRun, type WirePart, wireParts } from '../../tune/bench_wire_spec.ts'
import type { CommandContext } from '../command_line.ts'
import { addExamples, addSettings, givenSettings, whole } from '../options.ts'
import { paintTable } from '../paint.ts'
import { Progress } from '../progress.ts'

interface WireOptions {
  readonly part: WirePart | 'all'
  readonly events: number
  readonly partitions: number
  readonly runs: number
  readonly json?: boolean
}

const DEFAULT_BROKER = 'embedded:./euphorion-bench'
const PARTITIONS_MAX = 1000
const RUNS_MAX = 1000
const KEYS = 8057

export function addBenchWire(bench: Command, context: CommandContext): void {
  const command = bench
    .command('wire')
    .description('records from the log, counted; and into it, by sendMany and by send')
    .addOption(
      new Option('--part <name>', 'what is measured').choices(['all', ...wireParts]).default('all'),
    )
    .option('--events <n>', 'records of a run', whole(1), 2_000_000)
    .option('--partitions <n>', 'partitions of the topics', whole(1, PARTITIONS_MAX), 4)
    .option('--runs <n>', 'runs; the median counts', whole(1, RUNS_MAX), 1)
    .option('--json', 'print one JSON object a line')
  addSettings(command, [
    'broker',
    'transport',
    'compression',
    'batchBytes',
    'fetchesInFlight',
    'sendBatchBytes',
    'sendBufferBytes',
    'lingerMs',
  ])
  addExamples(command, context, [
    ['without a broker', 'euphorion bench wire'],
    ['Kafka, one JSON line each', 'euphorion bench wire --broker kafka://localhost --json'],
  ])
  command.action((options: WireOptions) => run(options, givenSettings(command)))
}

async function run(options: WireOptions, cli: Readonly<Record<string, unknown>>): Promise<void> {
  const given = resolveSettings({ file: readConfigFile(process.cwd()), env: process.env, cli })
  const settings: Settings = { ...given, broker: given.broker ?? DEFAULT_BROKER }
  const progress = new Progress(process.stderr)
  const lines: Line[] = []
  for (const part of options.part === 'all' ? wireParts : [options.part]) {
    const runs: WireBenchRun[] = []
    for (let i = 0; i < options.runs; i++)
      runs.push(await runOnce(part, i, options, settings, progress))
    lines.push(lineOf(part, options, settings, runs))
  }
  progress.end()
  for (const each of lines) if (options.json) process.stdout.write(`${JSON.stringify(each)}\n`)
  if (!options.json) process.stdout.write(paint(lines))
  if (lines.every((each) => each.verified)) return
  process.stderr.write('The topics do not have what was sent, or gave what they do not have.\n')
  process.exitCode = 1
}

/** Calls with a log of its own: a directory has one owner, which is then the run. */
async function withLog<T>(settings: Settings, call: (log: Log) => Promise<T>): Promise<T> {
  const connection = await Connection.open(settings, systemClock)
  try {
    return await call(connection.log)
  } finally {
    await connection.close()
  }
}

/** A topic that is read is kept for the next run; one that is filled is deleted. */
async function runOnce(
  part: WirePart,
  index: number,
  { events, partitions, runs }: WireOptions,
  settings: Settings,
  progress: Progress,
): Promise<WireBenchRun> {
  const { compression } = settings
  const shown = events.toLocaleString('en')
  const isRead = part === 'fetch'
  const topic = await withLog(settings, async (log) => {
    const wanted = { events, partitions, keys: KEYS, compression }
    if (isRead)
      return prepareTopic(log, wanted, (written) =>
        progress.show(`making ${shown} records: ${Math.floor((written / events) * 100)} %`),
      )
    const name = `bench-wire-${process.pid}-${systemClock.now()}-${index}`
    await log.createTopic(name, { partitions, config: { retentionMs: -1 } })
    return name
  })
  progress.show(`${part}: run ${index + 1} of ${runs}, ${shown} records`)
  try {
    return await benchInProcess({ part, topic, events, settings })
  } finally {
    if (!isRead) await withLog(settings, (log) => log.deleteTopic(topic))
  }
}

interface Line extends WireBenchRun {
  readonly part: WirePart
  readonly runs: number
  readonly [more: string]: unknown
}

/** The run with the median rate, and what describes all of them. */
function lineOf(
  part: WirePart,
  { events, partitions }: WireOptions,
  settings: Settings,
  runs: readonly WireBenchRun[],
): Line {
  const byRate = [...runs].sort((a, b) => a.recordsPerSecond - b.recordsPerSecond)
  const median = byRate[Math.floor(byRate.length / 2)]
  return {
    part,
    events,
    seconds: Number(median.seconds.toFixed(3)),
    recordsPerSecond: Math.round(median.recordsPerSecond),
    cpuSecondsPerMillion: Number(median.cpuSecondsPerMillion.toFixed(3)),
    maxResidentMiB: Math.round(Math.max(...runs.map((each) => each.maxResidentMiB))),
    verified: runs.every((each) => each.verified),
    broker: settings.broker,
    partitions,
    compression: settings.compression,
    batchBytes: settings.batchBytes,
    fetchesInFlight: settings.fetchesInFlight,
    sendBatchBytes: settings.sendBatchBytes,
    lingerMs: settings.lingerMs,
    runs: runs.length,
    slowest: Math.round(byRate[0].recordsPerSecond),
    fastest: Math.round(byRate[byRate.length - 1].recordsPerSecond),
    node: process.versions.node,
    cpu: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
  }
}

function paint(lines: readonly Line[]): string {
  const head = ['part', 'records/s', 'slowest', 'fastest', 'CPU s/M', 'MiB', 'checked']
  const rows = lines.map((each) => [
    each.part,
    each.recordsPerSecond.toLocaleString('en'),
    Number(each.slowest).toLocaleString('en'),
    Number(each.fastest).toLocaleString('en'),
    each.cpuSecondsPerMillion.toFixed(2),
    String(each.maxResidentMiB),
    each.verified ? 'yes' : 'NO',
  ])
  const align = head.map((_, i) =>
    i === 0 || i === head.length - 1 ? ('left' as const) : ('right' as const),
  )
  const [first] = lines
  const records = `${first.events.toLocaleString('en')} records a run, ${first.broker}`
  const facts = `${records}, ${first.runs} run(s), Node ${first.node}, ${first.cpu}`
  return `${paintTable(head, rows, align)}\n${facts}\n`
}
