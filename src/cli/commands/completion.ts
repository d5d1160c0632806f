// `euphorion completion`: prints a script by which a shell completes commands and options.
import { Argument, type Command } from 'commander'
import type { CommandContext } from '../command_line.ts'
import { completionScript, type Shell, shells } from '../completion.ts'
import { addExamples } from '../options.ts'

export function addCompletion(program: Command, context: CommandContext): void {
  const command = program
    .command('completion')
    .description('print a script by which a shell completes commands and options')
    .addArgument(new Argument('<shell>').choices(shells))
    .action((shell: Shell) => {
      process.stdout.write(completionScript(program, shell))
    })
  addExamples(command, context, [
    ['bash, in ~/.bashrc', 'source <(euphorion completion bash)'],
    ['zsh, in ~/.zshrc behind compinit', 'source <(euphorion completion zsh)'],
    ['fish', 'euphorion completion fish > ~/.config/fish/completions/euphorion.fish'],
  ])
}
