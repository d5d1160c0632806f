// Options that commands share: settings by their names, whole numbers, and examples in help.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { readConfigFile } from '../config_file.ts'
import { EuphorionError } from '../errors.ts'
import { settingSpecs } from '../setting_specs.ts'
import {
  checkSetting,
  describeBounds,
  describeDefault,
  environmentName,
  optionName,
  resolveSettings,
  type SettingName,
  type Settings,
  type SettingsSource,
  settingNames,
} from '../settings.ts'
import type { CommandContext } from './command_line.ts'
import { startedAs } from './started_as.ts'

/** Options for these settings: `--batch-bytes <size>`. */
export function addSettings(command: Command, names: readonly SettingName[]): Command {
  for (const name of names) command.addOption(settingOption(name))
  return command
}

function settingOption(name: SettingName): Option {
  const spec = settingSpecs[name]
  const flag = optionName(name)
  const preset = spec.default === undefined ? '' : `; default ${describeDefault(name)}`
  const plain = spec.default === undefined ? '' : ` (default ${describeDefault(name)})`
  const facts = spec.type === 'text' ? plain : ` (${describeBounds(name)}${preset})`
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
  const given = settingNames.map((name) => [name, options[attribute(name)]] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

/** commitIntervalMs → commitInterval: where commander keeps `--commit-interval`. */
function attribute(name: SettingName): string {
  return optionName(name).replaceAll(/-./g, ([, letter]) => letter.toUpperCase())
}

/** The settings of a command that has no app: all sources but code. */
export function commandSettings(command: Command): Settings {
  const file = readConfigFile(process.cwd())
  return resolveSettings({ file, env: process.env, cli: givenSettings(command) })
}

/** Reads a whole number from `min` to `max`, also 10_000_000. */
export function whole(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const limit = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max.toLocaleString('en')}`
  return (text) => {
    const value = /^\d[\d_]*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`It is a whole number from ${min}${limit}.`)
  }
}

/**
 * Appends examples to the help, a comment and a line each: lines of `euphorion … -A FILE`, which a
 * user's own program shows as its own.
 */
export function addExamples(
  command: Command,
  { app }: CommandContext,
  examples: readonly (readonly [string, string])[],
): void {
  const own = (line: string): string =>
    app === undefined
      ? line
      : line.replaceAll(/^euphorion\b/gm, startedAs()).replaceAll(/ -A \S+/g, '')
  const lines = examples.flatMap(([what, line]) => [`  # ${what}`, `  ${own(line)}`])
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}
