// `euphorion worker`: runs an app until a signal.
import type { Command } from 'commander'
import { runUntilSignal } from '../../app/signals.ts'
import { settingNames } from '../../settings.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, needApp } from '../load_app.ts'
import { addExamples, addSettings } from '../options.ts'

export function addWorker(program: Command, context: CommandContext): void {
  const command = program
    .command('worker')
    .description(
      'run an app until Ctrl+C, which finishes what is in flight; a second stops at once',
    )
    .action(async () => {
      process.exitCode = await runUntilSignal(await needApp(context, command))
    })
  if (context.app === undefined) command.option(...appOption)
  addSettings(command, settingNames)
  addExamples(command, context, [
    ['run the app in sample.ts', 'euphorion worker -A sample.ts'],
    ['against a Kafka', 'euphorion worker -A sample.ts --broker kafka://localhost:9092'],
    ['with other settings', 'euphorion worker -A sample.ts --threads 2 --commit-interval 100ms'],
  ])
}
