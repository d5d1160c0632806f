// `euphorion simulate`: runs an app on simulated machines with faults, seed after seed, and says of
// each whether its tables came out exact.
import { type Command, Option } from 'commander'
import { type LoadedApp, loadApp } from '../../app/app_module.ts'
import { EuphorionError } from '../../errors.ts'
import { type FaultKind, faultKinds } from '../../testing/fault_kinds.ts'
import { generatedEvents } from '../../testing/generated_events.ts'
import { type SimulateOptions, type SimulationReport, simulate } from '../../testing/simulate.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption } from '../load_app.ts'
import { addExamples, addSettings, givenSettings, whole } from '../options.ts'

interface Options {
  readonly app: string
  readonly seeds: number
  readonly seed?: number
  readonly seconds: number
  readonly workers: number
  readonly faults?: readonly FaultKind[]
  readonly json?: boolean
}

const TRACE_LINES = 40

export function addSimulate(program: Command, context: CommandContext): void {
  const command = program
    .command('simulate')
    .description('run an app on simulated machines with faults, and check that it stays exact')
    .requiredOption(...appOption)
    .addOption(new Option('--seeds <number>', 'runs, from seed 1').argParser(whole(1)).default(20))
    .addOption(
      new Option('--seed <number>', 'only this one, with what happened').argParser(whole(0)),
    )
    .addOption(
      new Option('--seconds <number>', 'of simulated time, each').argParser(whole(1)).default(20),
    )
    .addOption(
      new Option('--workers <number>', 'machines that run the app').argParser(whole(1)).default(3),
    )
    .addOption(
      new Option('--faults <names>', `some of ${faultKinds.join(', ')}`).argParser(faultsOf),
    )
    .option('--json', 'print one JSON object a run')
    .action(async (options: Options) => {
      process.exitCode = await run(options, command)
    })
  addSettings(command, ['guarantee', 'standbyReplicas', 'commitIntervalMs', 'topicPartitions'])
  addExamples(command, context, [
    ['a hundred seeds of the app in app.ts', 'euphorion simulate -A app.ts --seeds 100'],
    ['what happened under one of them', 'euphorion simulate -A app.ts --seed 17'],
    ['crashes only', 'euphorion simulate -A app.ts --faults crash,machine-crash,wipe'],
  ])
}

function faultsOf(text: string): readonly FaultKind[] {
  const names = text.split(',').filter((each) => each !== '')
  const unknown = names.find((each) => !(faultKinds as readonly string[]).includes(each))
  if (unknown === undefined) return names as FaultKind[]
  throw new EuphorionError('USAGE', `there is no fault ${unknown}: ${faultKinds.join(', ')}`)
}

/** Answers the exit code. */
async function run(options: Options, command: Command): Promise<number> {
  const { seed, seeds, json = false } = options
  const first = await loadApp(options.app)
  const own = simulationOf(first)
  const shared = {
    events: generatedEventsUnless(first, own),
    seconds: options.seconds,
    workers: options.workers,
    ...(options.faults && { faults: options.faults }),
    ...own,
    settings: { ...own.settings, ...givenSettings(command) },
  }
  // each process of a machine has its own copy of the program
  let lives = 0
  const makeApp = async () => (await loadApp(options.app, `life=${++lives}`)).app
  let failed = 0
  const all = seed === undefined ? Array.from({ length: seeds }, (_, i) => i + 1) : [seed]
  for (const each of all) {
    const report = await simulate(makeApp, { ...shared, seed: each })
    if (report.verdict === 'failed') failed++
    print(report, json, seed !== undefined)
  }
  if (!json) process.stdout.write(`${all.length - failed} of ${all.length} passed\n`)
  return failed === 0 ? 0 : 1
}

type OwnOptions = Partial<Pick<SimulateOptions, 'events' | 'check' | 'settings'>>

/** What the app's file exports as `simulation`. */
function simulationOf({ module }: LoadedApp): OwnOptions {
  const { simulation = {} } = module
  if (typeof simulation === 'object' && simulation !== null) return simulation
  throw new EuphorionError('APP_INVALID', 'simulation is no object: export { events, check }')
}

function generatedEventsUnless({ app }: LoadedApp, { events }: OwnOptions) {
  return events ?? generatedEvents(app)
}

function print(report: SimulationReport, json: boolean, isOne: boolean): void {
  const { trace, ...rest } = report
  if (json) {
    process.stdout.write(`${JSON.stringify(isOne ? report : rest)}\n`)
    return
  }
  const { seed, verdict, failures, faults, events, steps, elapsedMs } = report
  if (isOne) for (const line of trace.slice(-TRACE_LINES)) process.stdout.write(`${line}\n`)
  const seconds = (elapsedMs / 1000).toFixed(1)
  const facts = `${faults.length} faults, ${events} events, ${steps} steps, ${seconds} s`
  process.stdout.write(`seed ${seed} ${verdict}: ${facts}\n`)
  for (const failure of failures) process.stdout.write(`  ${failure}\n`)
}
