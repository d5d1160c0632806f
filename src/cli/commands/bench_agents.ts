// `euphorion bench agents`: how many events a second an agent's function reads one by one, and how
// late everything else is meanwhile; with the sums of what it read checked.
import { availableParallelism, cpus } from 'node:os'
import { type Command, Option } from 'commander'
import { Connection } from '../../app/connection.ts'
import { systemClock } from '../../clock.ts'
import { readConfigFile } from '../../config_file.ts'
import type { Compression } from '../../log/log.ts'
import { resolveSettings, type Settings } from '../../settings.ts'
import { benchInProcess } from '../../tune/bench_process.ts'
import { type AgentVariant, agentVariants, type BenchRun } from '../../tune/bench_spec.ts'
import { prepareTopic } from '../../tune/bench_topic.ts'
import type { CommandContext } from '../command_line.ts'
import { addExamples, addSettings, givenSettings, whole } from '../options.ts'
import { paintTable } from '../paint.ts'
import { Progress } from '../progress.ts'

interface AgentsOptions {
  readonly variant: AgentVariant | 'all'
  readonly events: number
  readonly partitions: number
  readonly compression: Compression
  readonly runs: number
  readonly json?: boolean
}

const DEFAULT_BROKER = 'embedded:./euphorion-bench'
const PARTITIONS_MAX = 1000
const RUNS_MAX = 1000
const KEYS = 8057
const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export function addBenchAgents(bench: Command, context: CommandContext): void {
  const command = bench
    .command('agents')
    .description('page views read one by one in an agent, offsets committed')
    .addOption(
      new Option(
        '--variant <name>',
        'loop: three fields of each event; await: and an await of nothing; events: of stream.events(); batches: columns of stream.batches(); numbers: those without the text; undeclared: of JSON without declared fields',
      )
        .choices(['all', ...agentVariants])
        .default('all'),
    )
    .option('--events <n>', 'events to make', whole(1), 2_000_000)
    .option('--partitions <n>', 'partitions of the topic that is made', whole(1, PARTITIONS_MAX), 4)
    .addOption(
      new Option('--compression <name>', 'of the topic that is made')
        .choices(compressions)
        .default('none'),
    )
    .option('--runs <n>', 'runs of each, in turn; the median counts', whole(1, RUNS_MAX), 1)
    .option('--json', 'print one JSON object a line')
  addSettings(command, [
    'broker',
    'transport',
    'threads',
    'batchBytes',
    'fetchesInFlight',
    'adaptFetches',
    'memoryMib',
    'commitIntervalMs',
    'checkCrcs',
    'backend',
  ])
  addExamples(command, context, [
    ['without a broker', 'euphorion bench agents --runs 3'],
    [
      'from Kafka, one kernel thread, one JSON line each',
      'euphorion bench agents --broker kafka://localhost --threads 1 --json',
    ],
  ])
  command.action((options: AgentsOptions) => run(options, givenSettings(command)))
}

async function run(options: AgentsOptions, cli: Readonly<Record<string, unknown>>): Promise<void> {
  const given = resolveSettings({ file: readConfigFile(process.cwd()), env: process.env, cli })
  const settings: Settings = { ...given, broker: given.broker ?? DEFAULT_BROKER }
  const progress = new Progress(process.stderr)
  const { topic, driver } = await prepare(options, settings, progress)
  const variants = options.variant === 'all' ? agentVariants : [options.variant]
  const runs = new Map<AgentVariant, BenchRun[]>(variants.map((variant) => [variant, []]))
  const { events, partitions } = options
  for (let i = 0; i < options.runs; i++)
    for (const [workload, done] of runs) {
      const count = `run ${i + 1} of ${options.runs}, ${events.toLocaleString('en')} events`
      progress.show(`${workload}: ${count}`)
      const made = { partitions, keys: KEYS }
      done.push(await benchInProcess({ workload, topic, events, settings, made }))
    }
  progress.end()
  const lines = [...runs].map(([variant, done]) => lineOf(variant, options, settings, driver, done))
  for (const each of lines) if (options.json) process.stdout.write(`${JSON.stringify(each)}\n`)
  if (!options.json) process.stdout.write(paint(lines))
  if (lines.every((each) => each.verified)) return
  process.stderr.write('The sums of what was read are not those of what was written.\n')
  process.exitCode = 1
}

async function prepare(options: AgentsOptions, settings: Settings, progress: Progress) {
  const connection = await Connection.open(settings, systemClock)
  try {
    const { events, partitions, compression } = options
    const wanted = { events, partitions, keys: KEYS, compression }
    const topic = await prepareTopic(connection.log, wanted, (written) => {
      const percent = Math.floor((written / events) * 100)
      progress.show(`making ${events.toLocaleString('en')} events: ${percent} %`)
    })
    return { topic, driver: connection.log.capabilities.driver }
  } finally {
    await connection.close()
  }
}

/** The run with the median rate, and what describes all of them. */
function lineOf(
  variant: AgentVariant,
  { partitions, compression }: AgentsOptions,
  settings: Settings,
  transport: string,
  runs: readonly BenchRun[],
) {
  const byRate = [...runs].sort((a, b) => a.eventsPerSecond - b.eventsPerSecond)
  const median = byRate[Math.floor(byRate.length / 2)]
  const { p50, p99, max } = median.loopDelayMs
  const main = median.mainCpuSecondsPerMillion
  return {
    variant,
    events: median.events,
    seconds: round(median.seconds, 3),
    eventsPerSecond: Math.round(median.eventsPerSecond),
    slowest: Math.round(byRate[0].eventsPerSecond),
    fastest: Math.round(byRate[byRate.length - 1].eventsPerSecond),
    cpuSecondsPerMillion: round(median.cpuSecondsPerMillion, 3),
    mainCpuSecondsPerMillion: main && round(main, 3),
    loopDelayMs: { p50: round(p50, 1), p99: round(p99, 1), max: round(max, 1) },
    maxResidentMiB: Math.round(Math.max(...runs.map((each) => each.maxResidentMiB))),
    verified: runs.every((each) => each.verified),
    cuts: median.cuts,
    runs: runs.length,
    broker: settings.broker!,
    transport,
    backend: settings.backend,
    threads: settings.backend === 'js' ? 0 : settings.threads,
    partitions,
    compression,
    batchBytes: settings.batchBytes,
    adaptFetches: settings.adaptFetches,
    commitIntervalMs: settings.commitIntervalMs,
    node: process.versions.node,
    cpu: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
  }
}

type Line = ReturnType<typeof lineOf>

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function paint(lines: readonly Line[]): string {
  const head = ['variant', 'events/s', 'slowest', 'fastest', 'CPU s/M', 'of main']
  head.push('delay p50', 'p99', 'max ms', 'MiB', 'checked')
  const rows = lines.map((each) => [
    each.variant,
    each.eventsPerSecond.toLocaleString('en'),
    each.slowest.toLocaleString('en'),
    each.fastest.toLocaleString('en'),
    each.cpuSecondsPerMillion.toFixed(2),
    each.mainCpuSecondsPerMillion?.toFixed(2) ?? '–',
    each.loopDelayMs.p50.toFixed(1),
    each.loopDelayMs.p99.toFixed(1),
    each.loopDelayMs.max.toFixed(1),
    String(each.maxResidentMiB),
    each.verified ? 'yes' : 'NO',
  ])
  const align = head.map((_, i) =>
    i === 0 || i === head.length - 1 ? ('left' as const) : ('right' as const),
  )
  const { events, broker, threads, runs, node, cpu } = lines[0]
  const from = `${events.toLocaleString('en')} events from ${broker}, ${threads} kernel thread(s)`
  return `${paintTable(head, rows, align)}\n${from}, ${runs} run(s), Node ${node}, ${cpu}\n`
}
