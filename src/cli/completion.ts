// What a shell can complete: commands and options, read from the command line's own definition, as
// a script for bash, zsh or fish. Printed by `euphorion completion`.
import type { Command, Option } from 'commander'
import { settingSpecs } from '../setting_specs.ts'
import { optionName, settingNames } from '../settings.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** A word that may stand there, with its help. */
interface Word {
  readonly word: string
  readonly help: string
}

/** A command, by the words that lead to it ('' is the program itself). */
interface Place {
  readonly path: string
  readonly commands: readonly Word[]
  readonly options: readonly (Word & { readonly values: readonly string[] })[]
}

export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program, '')
  if (shell === 'bash') return bash(places)
  return shell === 'zsh' ? zsh(places) : fish(places)
}

function placesOf(command: Command, path: string): Place[] {
  const help = command.createHelp()
  const commands = help.visibleCommands(command)
  const options = help.visibleOptions(command).flatMap((option) => {
    const { long } = option
    return long
      ? [{ word: long, help: firstSentence(option.description), values: values(option) }]
      : []
  })
  const place: Place = {
    path,
    commands: commands.map((each) => ({
      word: each.name(),
      help: firstSentence(each.description()),
    })),
    options,
  }
  const inner = commands
    .filter((each) => each.name() !== 'help')
    .flatMap((each) => placesOf(each, `${path} ${each.name()}`.trim()))
  return [place, ...inner]
}

function values(option: Option): readonly string[] {
  const name = settingNames.find((each) => `--${optionName(each)}` === option.long)
  const spec = name && settingSpecs[name]
  if (option.argChoices === undefined && spec?.type === 'choice') return spec.choices
  return option.argChoices ?? []
}

function firstSentence(text: string): string {
  return text.split(/[.;:] |\n/)[0].replaceAll(/["'`$\\]/g, '')
}

/** A case for each command that leads deeper: 'kernel' and then 'kernel build'. */
function deeper(places: readonly Place[]): string {
  return places
    .filter(({ path }) => path !== '')
    .map(({ path }) => {
      const words = path.split(' ')
      return `"${words.slice(0, -1).join(' ')}/${words.at(-1)}"`
    })
    .join('|')
}

function bash(places: readonly Place[]): string {
  const cases = places.map(({ path, commands, options }) => {
    const words = [...commands, ...options].map(({ word }) => word).join(' ')
    return `    "${path}") words="${words}" ;;`
  })
  return `# bash completion of euphorion: source <(euphorion completion bash)
_euphorion() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  local place="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place/$word" in
      ${deeper(places)}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$place $before" in
${choiceCases(places, (list) => `words="${list}"`)}
  esac
  if [ -z "$words" ]; then case "$place" in
${cases.join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _euphorion euphorion
`
}

function zsh(places: readonly Place[]): string {
  const items = (words: readonly Word[]): string =>
    words.map(({ word, help }) => `'${word}:${help.replaceAll(':', ' ')}'`).join(' ')
  const cases = places.map(
    ({ path, commands, options }) =>
      `    "${path}") commands=(${items(commands)}); options=(${items(options)}) ;;`,
  )
  return `#compdef euphorion
# zsh completion of euphorion: source <(euphorion completion zsh)
_euphorion() {
  local place="" word
  local -a commands options values
  for word in "\${words[@]:1:$((CURRENT-2))}"; do
    case "$place/$word" in
      ${deeper(places)}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$place \${words[CURRENT-1]}" in
${choiceCases(places, (list) => `values=(${list}); _describe value values; return`)}
  esac
  case "$place" in
${cases.join('\n')}
  esac
  (( $#commands )) && _describe command commands
  [[ "\${words[CURRENT]}" == -* ]] && _describe option options
  _files
}
compdef _euphorion euphorion
`
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options }) => {
    const words = path.split(' ').filter((word) => word !== '')
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`)
    const when = seen.length === 0 ? '__fish_use_subcommand' : seen.join('; and ')
    return [
      ...commands.map(
        ({ word, help }) => `complete -c euphorion -n '${when}' -a ${word} -d '${help}'`,
      ),
      ...options.map(({ word, help, values: list }) => {
        const only = list.length === 0 ? '' : ` -xa '${list.join(' ')}'`
        return `complete -c euphorion -n '${when}' -l ${word.slice(2)}${only} -d '${help}'`
      }),
    ]
  })
  return `# fish completion of euphorion: euphorion completion fish | source
${lines.join('\n')}
`
}

function choiceCases(places: readonly Place[], act: (list: string) => string): string {
  return places
    .flatMap(({ path, options }) =>
      options
        .filter((option) => option.values.length > 0)
        .map((option) => `    "${path} ${option.word}") ${act(option.values.join(' '))} ;;`),
    )
    .join('\n')
}
