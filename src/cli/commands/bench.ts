// `euphorion bench pageviews`: the throughput of this machine on the main job, with the answer
// checked.
import { availableParallelism, cpus } from 'node:os'
import { type Command, Option } from 'commander'
import { Connection } from '../../app/connection.ts'
import { systemClock } from '../../clock.ts'
import { readConfigFile } from '../../config_file.ts'
import type { Compression } from '../../log/log.ts'
import { resolveSettings, type SettingName, type Settings } from '../../settings.ts'
import { storeKind } from '../../table/open.ts'
import { benchInProcess } from '../../tune/bench_process.ts'
import { type BenchRun, type BenchSpec, type Workload, workloads } from '../../tune/bench_spec.ts'
import { eventsIn, prepareTopic } from '../../tune/bench_topic.ts'
import type { CommandContext } from '../command_line.ts'
import { addExamples, addSettings, givenSettings, whole } from '../options.ts'
import { paintTable } from '../paint.ts'
import { Progress } from '../progress.ts'
import { addBenchAgents } from './bench_agents.ts'
import { addBenchKernels } from './bench_kernels.ts'
import { addBenchWire } from './bench_wire.ts'

interface BenchOptions {
  readonly workload: Workload
  readonly events: number
  readonly partitions: number
  readonly keys: number
  readonly compression: Compression
  readonly topic?: string
  readonly runs: number
  readonly dumpBatch?: string
  readonly json?: boolean
  readonly backend?: string
}

const DEFAULT_BROKER = 'embedded:./euphorion-bench'
/** They take about 50 bytes of memory each when the topic is made. */
const KEYS_MAX = 10_000_000
const PARTITIONS_MAX = 1000
const RUNS_MAX = 1000
const GAPS_ADVICE =
  '  Events are counted by offsets: in a compacted or a transactional topic some belong to none.\n'
const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

const settingOptions = [
  'broker',
  'threads',
  'batchBytes',
  'fetchesInFlight',
  'adaptFetches',
  'memoryMib',
  'commitIntervalMs',
  'transport',
  'guarantee',
  'changelog',
  'checkCrcs',
  'store',
] as const satisfies readonly SettingName[]

export function addBench(program: Command, context: CommandContext): void {
  const bench = program
    .command('bench')
    .description('throughput on this machine, with the answer checked')
  const command = bench
    .command('pageviews')
    .description('page views from a topic through kernels into RocksDB, counted by url')
    .addOption(
      new Option(
        '--workload <name>',
        'w0 an agent reads every event; w1 count by url, tumbling 10 s; w2 count, sum, min, max, hopping 60 s/10 s; w3 count for ever; agents-table an agent counts in a table',
      )
        .choices(workloads)
        .default('w1'),
    )
    .option('--events <n>', 'events to make', whole(1), 2_000_000)
    .option('--partitions <n>', 'partitions of the topic that is made', whole(1, PARTITIONS_MAX), 4)
    .option('--keys <n>', 'distinct urls', whole(1, KEYS_MAX), 8057)
    .addOption(
      new Option('--compression <name>', 'of the topic that is made')
        .choices(compressions)
        .default('none'),
    )
    .option(
      '--topic <name>',
      'use an existing topic with fields user, url, ms and ts, keyed by url',
    )
    .option('--runs <n>', 'runs; the median counts', whole(1, RUNS_MAX), 1)
    .option(
      '--dump-batch <file>',
      'write the first batch that a kernel consumed, as a FlatBuffer (src/batch/batch.fbs)',
    )
    .option('--no-changelog', 'keep the table on this machine only')
    .option('--json', 'print one JSON object a line')
    .addOption(
      new Option(
        '--backend <name>',
        'what runs the kernels; all: wasm and js side by side',
      ).choices(['auto', 'wasm', 'js', 'all']),
    )
  addSettings(command, settingOptions)
  addExamples(command, context, [
    ['without a broker', 'euphorion bench pageviews --events 10_000_000'],
    ['from Kafka, one JSON line', 'euphorion bench pageviews --broker kafka://localhost --json'],
    [
      'kernels in WebAssembly and in JavaScript, median of 3',
      'euphorion bench pageviews --backend all --runs 3',
    ],
    [
      'look into a batch',
      'euphorion bench pageviews --dump-batch b.bin && flatc --json --raw-binary src/batch/batch.fbs -- b.bin',
    ],
  ])
  command.action((options: BenchOptions) => run(options, givenSettings(command)))
  addBenchAgents(bench, context)
  addBenchWire(bench, context)
  addBenchKernels(bench, context)
}

async function run(options: BenchOptions, given: Readonly<Record<string, unknown>>): Promise<void> {
  const { backend, ...cli } = given
  const settings = resolveSettings({ file: readConfigFile(process.cwd()), env: process.env, cli })
  const broker = settings.broker ?? DEFAULT_BROKER
  const backends = backendsOf(backend ?? settings.backend)
  const progress = new Progress(process.stderr)
  const { topic, events, driver, hasChangelogs } = await prepare(
    options,
    { ...settings, broker },
    progress,
  )
  const lines: Line[] = []
  for (const name of backends) {
    const spec: BenchSpec = {
      workload: options.workload,
      topic,
      events,
      settings: {
        ...settings,
        broker,
        backend: name,
        changelog: settings.changelog && hasChangelogs,
      },
      dumpBatch: options.dumpBatch,
    }
    const runs: BenchRun[] = []
    for (let i = 0; i < options.runs; i++) {
      progress.show(
        `${options.workload} ${name}: run ${i + 1} of ${options.runs}, ${events.toLocaleString('en')} events`,
      )
      runs.push(await benchInProcess(spec))
    }
    lines.push(line(spec, options, driver, runs))
  }
  progress.end()
  for (const each of lines) if (options.json) process.stdout.write(`${JSON.stringify(each)}\n`)
  if (!options.json) process.stdout.write(paint(lines))
  if (lines.some((each) => !each.verified)) {
    process.stderr.write('The counts do not add up to the number of events.\n')
    if (options.topic !== undefined) process.stderr.write(GAPS_ADVICE)
    process.exitCode = 1
  }
}

/** What reads the records: for agents too, whose events are made of what kernels extract. */
function backendsOf(backend: unknown): readonly ('wasm' | 'js')[] {
  if (backend === 'js') return ['js']
  return backend === 'all' ? ['wasm', 'js'] : ['wasm']
}

interface Prepared {
  readonly topic: string
  readonly events: number
  readonly driver: string
  /** The log can have them. */
  readonly hasChangelogs: boolean
}

/** Makes the topic, or looks how much is in the one that was named. */
async function prepare(
  options: BenchOptions,
  settings: Settings,
  progress: Progress,
): Promise<Prepared> {
  const connection = await Connection.open(settings, systemClock)
  try {
    connection.requireGuarantee(settings)
    const { driver, transactions: hasChangelogs } = connection.log.capabilities
    if (options.topic !== undefined) {
      const events = await eventsIn(connection.log, options.topic)
      return { topic: options.topic, events, driver, hasChangelogs }
    }
    const { events, partitions, keys, compression } = options
    const topic = await prepareTopic(
      connection.log,
      { events, partitions, keys, compression },
      (written) => {
        progress.show(
          `making ${events.toLocaleString('en')} events: ${Math.floor((written / events) * 100)} %`,
        )
      },
    )
    return { topic, events, driver, hasChangelogs }
  } finally {
    await connection.close()
  }
}

interface Line extends BenchRun {
  readonly workload: Workload
  readonly threads: number
  readonly batchBytes: number
  readonly adaptFetches: boolean
  readonly broker: string
  readonly transport: string
  readonly backend: string
  readonly guarantee: string
  readonly [more: string]: unknown
}

/** The run with the median rate, and what describes all of them. */
function line(
  spec: BenchSpec,
  options: BenchOptions,
  driver: string,
  runs: readonly BenchRun[],
): Line {
  const { settings } = spec
  const byRate = [...runs].sort((a, b) => a.eventsPerSecond - b.eventsPerSecond)
  const median = byRate[Math.floor(byRate.length / 2)]
  const broker = settings.broker!
  const js = settings.backend === 'js'
  return {
    ...median,
    seconds: round(median.seconds, 3),
    eventsPerSecond: Math.round(median.eventsPerSecond),
    cpuSecondsPerMillion: round(median.cpuSecondsPerMillion, 3),
    maxResidentMiB: Math.round(Math.max(...runs.map((each) => each.maxResidentMiB))),
    verified: runs.every((each) => each.verified),
    workload: options.workload,
    threads: js ? 0 : settings.threads,
    batchBytes: settings.batchBytes,
    adaptFetches: settings.adaptFetches,
    broker,
    transport: driver,
    backend: settings.backend,
    guarantee: settings.guarantee,
    changelog: settings.changelog,
    cutMs: round(median.cutMs, 1),
    transactionMs: round(median.transactionMs, 1),
    topic: spec.topic,
    partitions: options.topic === undefined ? options.partitions : undefined,
    keys: options.topic === undefined ? options.keys : undefined,
    compression: options.topic === undefined ? options.compression : undefined,
    commitIntervalMs: settings.commitIntervalMs,
    store: storeKind(settings.store),
    runs: runs.length,
    slowest: Math.round(byRate[0].eventsPerSecond),
    fastest: Math.round(byRate[byRate.length - 1].eventsPerSecond),
    node: process.versions.node,
    cpu: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function paint(lines: readonly Line[]): string {
  const head = [
    'workload',
    'backend',
    'threads',
    'events/s',
    'slowest',
    'fastest',
    'CPU s/M',
    'MiB',
    'cells',
    'checked',
  ]
  const rows = lines.map((each) => [
    each.workload,
    each.backend,
    String(each.threads || 'main'),
    each.eventsPerSecond.toLocaleString('en'),
    Number(each.slowest).toLocaleString('en'),
    Number(each.fastest).toLocaleString('en'),
    each.cpuSecondsPerMillion.toFixed(2),
    String(each.maxResidentMiB),
    each.cells.toLocaleString('en'),
    each.verified ? 'yes' : 'NO',
  ])
  const align = head.map((_, i) =>
    i < 2 || i === head.length - 1 ? ('left' as const) : ('right' as const),
  )
  const first = lines[0]
  const events = `${first.events.toLocaleString('en')} events from ${first.broker}`
  const machine = `Node ${first.node}, ${first.cpu}`
  const facts = `${events}, store ${first.store}, ${first.runs} run(s), ${machine}`
  return `${paintTable(head, rows, align)}\n${facts}\n`
}
