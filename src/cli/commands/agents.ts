// `euphorion agents`: the agents of an app, and what they read.
import type { Command } from 'commander'
import type { CommandContext } from '../command_line.ts'
import { appOption, needApp } from '../load_app.ts'
import { addExamples } from '../options.ts'
import { showRows } from '../rows.ts'

export function addAgents(program: Command, context: CommandContext): void {
  const command = program
    .command('agents')
    .description('list the agents of an app')
    .option('--json', 'print one JSON object a line')
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const { agents } = (await needApp(context, command)).topology
      const rows = agents.map(({ definition }) => ({
        agent: definition.name,
        topic: definition.topic,
        key: definition.key.name,
        value: definition.schema?.name ?? definition.value.name,
        concurrency: definition.concurrency,
        sinks: definition.sinks.length,
      }))
      process.stdout.write(showRows(rows, json, 'no agents'))
    })
  if (context.app === undefined) command.option(...appOption)
  addExamples(command, context, [['of the app in sample.ts', 'euphorion agents -A sample.ts']])
}
