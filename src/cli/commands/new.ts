// `euphorion new`: a small app with a test, ready to run.
import type { Command } from 'commander'
import { packageVersion } from '../../package_version.ts'
import type { CommandContext } from '../command_line.ts'
import { writeNewApp } from '../new_app.ts'
import { addExamples } from '../options.ts'

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

export function addNew(program: Command, context: CommandContext): void {
  const command = program
    .command('new')
    .description('make a small app with a test, ready to run')
    .argument('<dir>', 'a directory that is empty, or not there')
    .action((directory: string) => {
      const name = writeNewApp(directory)
      process.stdout.write(`${name} is in ${directory}. Next:

  cd ${quoted(directory)}
  npm install
  npm test       # on virtual time, without a Kafka
  npm start      # runs it; Ctrl+C finishes what is in flight

Where your registry has no euphorion: npm pack in its clone, then here, before the rest,
npm install …/euphorion-${packageVersion()}.tgz
`)
    })
  addExamples(command, context, [['in a directory beside this one', 'euphorion new page-views']])
}
