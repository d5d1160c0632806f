// `euphorion reset`: forgets state and offsets of an app, after asking.
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import type { App } from '../../app/app.ts'
import { planReset, type ResetOptions, type ResetPlan, reset } from '../../app/reset.ts'
import { EuphorionError } from '../../errors.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, needApp } from '../load_app.ts'
import { addExamples, addSettings } from '../options.ts'

interface GivenOptions {
  readonly yes?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
}

export function addReset(program: Command, context: CommandContext): void {
  const command = program
    .command('reset')
    .description(
      "forget an app's tables and offsets, after asking: it reads its topics from the beginning",
    )
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only say what would go')
    .option('--json', 'say it as one JSON object')
    .action(async (options: GivenOptions) => {
      const app = await needApp(context, command)
      try {
        await resetApp(app, options)
      } finally {
        await app.stop()
      }
    })
  if (context.app === undefined) command.option(...appOption)
  addSettings(command, ['broker', 'dataDir'])
  addExamples(command, context, [
    ['after a window or an aggregate has changed', 'euphorion reset -A app.ts'],
    ['what would go', 'euphorion reset -A app.ts --dry-run'],
    ['in a script', 'euphorion reset -A app.ts --yes'],
  ])
  command.addHelpText(
    'after',
    '\nStop all workers of the app first. Topics that it reads and those that it sends to stay as they are.',
  )
}

async function resetApp(app: App, { yes, dryRun, json }: GivenOptions): Promise<void> {
  const { aggregations, tables } = app.topology
  const options: ResetOptions = {
    log: await app.log(),
    appId: app.id,
    settings: app.settings,
    tables: [...aggregations.map(({ plan }) => plan.name), ...tables.map(({ name }) => name)],
  }
  const plan = await planReset(options)
  const isDone = dryRun !== true
  if (json !== true) process.stdout.write(describe(app.id, plan))
  if (isDone) {
    if (yes !== true) await confirm(app.id)
    await reset(options, plan)
  }
  if (json === true) process.stdout.write(`${JSON.stringify({ ...plan, done: isDone })}\n`)
  else process.stdout.write(isDone ? 'Done.\n' : 'Nothing was changed (--dry-run).\n')
}

function describe(appId: string, { changelogs, directories, group }: ResetPlan): string {
  const lines = [
    `This forgets all that ${appId} has worked out:`,
    ...changelogs.map((topic) => `  topic      ${topic}`),
    `  offsets    of the group ${group}`,
    ...directories.map((path) => `  directory  ${path}`),
  ]
  return `${lines.join('\n')}\n`
}

/** Rejects with USAGE where nobody can answer, or the answer is not yes. */
async function confirm(appId: string): Promise<void> {
  if (process.stdin.isTTY !== true)
    throw new EuphorionError('USAGE', 'nobody is there to be asked: add --yes')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await lines.question(`Type the name of the app (${appId}) to go on: `)
  lines.close()
  if (answer.trim() !== appId) throw new EuphorionError('USAGE', 'nothing was changed')
}
