// `euphorion tune`: finds the settings with which this machine does most, for a workload of the
// benches or for an app on its own topics, and leaves them in euphorion.config.json.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { systemClock } from '../../clock.ts'
import { readConfigFile } from '../../config_file.ts'
import { EuphorionError } from '../../errors.ts'
import { environmentName, resolveSettings, type Settings } from '../../settings.ts'
import { type Workload, workloads } from '../../tune/bench_spec.ts'
import { type Goal, goalNames, showValue } from '../../tune/goal.ts'
import { type KnobName, knobNames, knobsOf, showDifference } from '../../tune/knobs.ts'
import { type SearchResult, searchSettings } from '../../tune/search.ts'
import type { Run } from '../../tune/trials.ts'
import { tunePlot } from '../../tune/tune_plot.ts'
import { paintReport, type TuneReport, tuneReport } from '../../tune/tune_report.ts'
import {
  appTarget,
  eventsNeeded,
  knobValues,
  measureOf,
  type TuneTarget,
  workloadTarget,
} from '../../tune/tune_target.ts'
import { readStart, writeTuned } from '../../tune/tuned_settings.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, findApp } from '../load_app.ts'
import { addExamples, addSettings, givenSettings, whole } from '../options.ts'
import { Progress } from '../progress.ts'

interface TuneOptions {
  readonly app?: string
  readonly workload?: Workload
  readonly goal: Goal['name']
  readonly rate?: number
  readonly seconds: number
  readonly seed: number
  readonly events: number
  readonly partitions: number
  readonly keys: number
  readonly start?: string
  readonly knobs?: readonly KnobName[]
  readonly includeAgents?: boolean
  readonly includeChangelog?: boolean
  readonly json?: boolean
  readonly out?: string
  readonly dryRun?: boolean
}

const DEFAULT_BROKER = 'embedded:./euphorion-bench'
const SECONDS_MIN = 1
const SECONDS_MAX = 86_400

export function addTune(program: Command, context: CommandContext): void {
  const command = program
    .command('tune')
    .description('find the best settings for this machine, with evidence; worker reads them')
  if (context.app === undefined) command.option(...appOption)
  addTargetOptions(command)
  addSearchOptions(command)
  addSettings(command, ['broker', 'guarantee', 'changelog', 'store', 'transport'])
  addExamples(command, context, [
    ['most page views a second, counted by url', 'euphorion tune --workload w1'],
    ['the app in sample.ts, on its own topics', 'euphorion tune -A sample.ts'],
    [
      'least CPU at 200,000 events a second',
      'euphorion tune -A sample.ts --goal cpu --rate 200_000',
    ],
    [
      'from other settings, with a report, and nothing written',
      'euphorion tune --workload w1 --start threads=1,batchBytes=64KiB --out report --dry-run',
    ],
  ])
  command.action(async (options: TuneOptions) => run(options, context, command))
}

function addTargetOptions(command: Command): void {
  command
    .addOption(
      new Option('--workload <name>', 'of bench pageviews; default w1, unless an app is given')
        .choices(workloads)
        .conflicts('app'),
    )
    .option('--events <n>', 'events to make, or of the sample of an app', whole(1), 4_000_000)
    .option('--partitions <n>', 'partitions of the topic that is made', whole(1, 1000), 4)
    .option('--keys <n>', 'distinct urls', whole(1, 10_000_000), 8057)
    .option('--include-agents', "run the app's agents too: they may call the outside")
    .option('--include-changelog', 'write changelogs of an app, in topics deleted after each run')
}

function addSearchOptions(command: Command): void {
  command
    .addOption(
      new Option('--goal <name>', 'most events a second, least CPU or least p99 at --rate')
        .choices(goalNames)
        .default('throughput'),
    )
    .option('--rate <n>', 'events a second, of --goal cpu and latency', whole(1))
    .option('--seconds <n>', 'time for all of it', whole(SECONDS_MIN, SECONDS_MAX), 120)
    .option('--seed <n>', 'of what is drawn', whole(0), 1)
    .option('--start <settings>', "to begin from: a JSON file, or 'threads=1,batchBytes=64KiB'")
    .addOption(
      new Option('--knobs <names>', `what to turn, of ${knobNames.join(', ')}`).argParser(knobsIn),
    )
    .option('--json', 'print the report as one JSON object')
    .option('--out <directory>', 'write report.json and report.svg there')
    .option('--write', 'write what gains to euphorion.config.json (default)')
    .addOption(new Option('--dry-run', 'write no settings').conflicts('write'))
}

function knobsIn(text: string): readonly KnobName[] {
  const names = text.split(',').filter((each) => each !== '')
  const unknown = names.find((each) => !knobNames.some((name) => name === each))
  if (unknown === undefined && names.length > 0) return names as KnobName[]
  const known = `There are ${knobNames.join(', ')}.`
  throw new InvalidArgumentError(`There is no knob ${unknown ?? 'in it'}. ${known}`)
}

async function run(options: TuneOptions, context: CommandContext, command: Command): Promise<void> {
  const goal = goalOf(options)
  const progress = new Progress(process.stderr)
  const given = options.start === undefined ? {} : readStart(options.start)
  const target = await targetOf(options, goal, context, command, given, progress)
  const names = options.knobs ?? target.knobs
  const machine = { cores: availableParallelism(), memoryMib: totalmem() / 1024 ** 2 }
  const beganMs = systemClock.monotonic()
  const start = knobValues(names, target.settings)
  let phase = ''
  const result = await searchSettings({
    knobs: knobsOf(names, machine),
    start,
    defaults: knobValues(names, resolveSettings({})),
    seed: options.seed,
    seconds: options.seconds,
    measure: measureOf(target, goal),
    clock: systemClock,
    onPhase: (now) => {
      phase = now
    },
    onRun: (ran, trial) => {
      const seconds = Math.round((systemClock.monotonic() - beganMs) / 1000)
      const where = `${phase}, ${seconds} of ${options.seconds} s`
      const difference = showDifference(start, trial.candidate)
      progress.show(clipped(`${where}: ${showRun(goal, ran)}  ${difference}`))
    },
  })
  progress.end()
  const report = reportOf(result, target, goal, options)
  const wrote = options.dryRun === true ? undefined : write(report)
  if (options.out !== undefined) writeReport(options.out, report, goal)
  if (options.json) process.stdout.write(`${JSON.stringify({ ...report, wrote })}\n`)
  else
    process.stdout.write(
      `${paintReport(report, goal)}${ending(report, wrote, options.start !== undefined)}`,
    )
}

function goalOf({ goal: name, rate }: TuneOptions): Goal {
  if (name !== 'throughput' && rate === undefined)
    throw new EuphorionError('USAGE', `--goal ${name} needs --rate: events a second`)
  if (name === 'throughput' && rate !== undefined)
    throw new EuphorionError('USAGE', '--rate is of --goal cpu and latency')
  return { name, rate }
}

/** A line of a terminal: one that is longer cannot be painted over. */
function clipped(text: string): string {
  const { isTTY, columns } = process.stderr
  return isTTY && text.length >= columns ? `${text.slice(0, columns - 2)}…` : text
}

function showRun(goal: Goal, { score, value, failure, facts }: Run): string {
  if (score === 0) return `failed (${failure?.message ?? ''})`
  return `${showValue(goal, value)}${facts?.keptUp === false ? ', does not keep up' : ''}`
}

async function targetOf(
  options: TuneOptions,
  goal: Goal,
  context: CommandContext,
  command: Command,
  given: object,
  progress: Progress,
): Promise<TuneTarget> {
  const app = options.workload === undefined ? await findApp(context, command) : undefined
  const events = Math.max(options.events, eventsNeeded(goal))
  if (app !== undefined) {
    const settings: Settings = { ...app.settings, ...given }
    const { includeAgents = false, includeChangelog = false } = options
    const file = resolve(options.app ?? process.argv[1])
    return appTarget({ app, file, events, includeAgents, includeChangelog }, settings, systemClock)
  }
  if (options.includeAgents === true || options.includeChangelog === true)
    throw new EuphorionError('USAGE', '--include-agents and --include-changelog are of an app')
  const cli = givenSettings(command)
  const file = readConfigFile(process.cwd())
  const settings = { ...resolveSettings({ file, env: process.env, cli }), ...given }
  const broker = settings.broker ?? DEFAULT_BROKER
  const { workload = 'w1', partitions, keys } = options
  const made = { workload, goal, events, partitions, keys }
  return workloadTarget(made, { ...settings, broker }, systemClock, (written) => {
    const percent = Math.floor((written / events) * 100)
    progress.show(`making ${events.toLocaleString('en')} events: ${percent} %`)
  })
}

function reportOf(
  result: SearchResult,
  { name, sample, settings, leftOut }: TuneTarget,
  goal: Goal,
  { seed, seconds }: TuneOptions,
): TuneReport {
  const partitions = sample.flatMap((each) => each.partitions)
  return tuneReport(result, {
    goal,
    target: name,
    topics: sample.map(({ topic }) => topic),
    events: partitions.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0),
    broker: settings.broker ?? '',
    seed,
    seconds,
    leftOut,
    node: process.versions.node,
    cpu: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
  })
}

/** Undefined where there is nothing to write. */
function write({ found }: TuneReport): string | undefined {
  const names = Object.keys(found) as KnobName[]
  if (names.length === 0) return undefined
  for (const name of names) {
    const variable = environmentName(name)
    if (process.env[variable] === undefined) continue
    process.stderr.write(`${variable} is set, and beats the ${name} that is written\n`)
  }
  return writeTuned(process.cwd(), found)
}

function writeReport(directory: string, report: TuneReport, goal: Goal): void {
  try {
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`)
    writeFileSync(join(directory, 'report.svg'), tunePlot(report, goal))
  } catch (cause) {
    throw new EuphorionError('USAGE', `--out cannot write to ${directory}`, { cause })
  }
}

function ending({ found }: TuneReport, wrote: string | undefined, isStartGiven: boolean): string {
  const than = isStartGiven ? '; it was compared with --start, not with what you had' : ''
  if (wrote !== undefined) return `\nWrote ${wrote}, which worker reads${than}.\n`
  return Object.keys(found).length === 0 ? '' : `\nNot written: ${JSON.stringify(found)}\n`
}
