// `euphorion tables`: the tables of an app, those of agents and those of aggregations.
import type { Command } from 'commander'
import type { WindowPlan } from '../../kernel/plan.ts'
import { formatDuration } from '../../units.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, needApp } from '../load_app.ts'
import { addExamples } from '../options.ts'
import { showRows } from '../rows.ts'

export function addTables(program: Command, context: CommandContext): void {
  const command = program
    .command('tables')
    .description('list the tables of an app; `table NAME` reads one')
    .option('--json', 'print one JSON object a line')
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const { aggregations, tables } = (await needApp(context, command)).topology
      const rows = [
        ...tables.map(({ name, isGlobal }) => ({
          table: name,
          kind: isGlobal ? 'global, of agents' : 'of agents',
          from: undefined,
          window: undefined,
        })),
        ...aggregations.map(({ topic, plan }) => ({
          table: plan.name,
          kind: 'aggregation',
          from: topic,
          window: plan.window && windowText(plan.window),
        })),
      ]
      process.stdout.write(showRows(rows, json, 'no tables'))
    })
  if (context.app === undefined) command.option(...appOption)
  addExamples(command, context, [
    ['of the app in sample.ts', 'euphorion tables -A sample.ts'],
    ['what one of them holds', 'euphorion table counts -A sample.ts'],
  ])
}

function windowText({ sizeMs, stepMs, graceMs }: WindowPlan): string {
  const step = stepMs === sizeMs ? '' : ` every ${formatDuration(stepMs)}`
  const grace = graceMs === 0 ? '' : `, grace ${formatDuration(graceMs)}`
  return `${formatDuration(sizeMs)}${step}${grace}`
}
