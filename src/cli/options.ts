// Options that commands share: settings by their names, and examples in help.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { EuphorionError } from '../errors.ts'
import {
  checkSetting,
  describeBounds,
  environmentName,
  optionName,
  type SettingName,
  type SettingsSource,
  settingSpecs,
} from '../settings.ts'

/** Options for these settings: `--batch-bytes <size>`. */
export function addSettings(command: Command, names: readonly SettingName[]): Command {
  for (const name of names) command.addOption(settingOption(name))
  return command
}

function settingOption(name: SettingName): Option {
  const spec = settingSpecs[name]
  const flag = optionName(name)
  const preset = spec.default === undefined ? '' : `; default ${spec.default}`
  const facts = spec.type === 'text' ? '' : ` (${describeBounds(name)}${preset})`
  const help = `${spec.help}${facts} [${environmentName(name)}]`
  const option = new Option(`--${flag} <${spec.type === 'choice' ? 'name' : spec.type}>`, help)
  return option.argParser((text) => {
    try {
      return checkSetting(name, text, `--${flag}`)
    } catch (error) {
      throw new InvalidArgumentError(error instanceof EuphorionError ? error.message : '')
    }
  })
}

/** The settings among a command's options that were given. */
export function givenSettings(command: Command): SettingsSource {
  const options: Record<string, unknown> = command.opts()
  const given = Object.entries(options).filter(
    ([name, value]) => Object.hasOwn(settingSpecs, name) && value !== undefined,
  )
  return Object.fromEntries(given)
}

/** Appends examples to the help: a comment and a line each. */
export function addExamples(command: Command, examples: readonly (readonly [string, string])[]) {
  const lines = examples.flatMap(([what, line]) => [`  # ${what}`, `  ${line}`])
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}
