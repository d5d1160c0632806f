// The settings that `tune` starts from, and the file that it leaves what it has found in. Called by
// the command.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configFileName, readConfigFile } from '../config_file.ts'
import { EuphorionError } from '../errors.ts'
import { checkSetting, optionName, type SettingName, settingNames } from '../settings.ts'
import { type Candidate, turnsFetches } from './knobs.ts'

/** Settings of `--start`. */
export type GivenStart = Readonly<Partial<Record<SettingName, unknown>>>

/** Reads a file (JSON), or 'threads=1,batchBytes=16KiB'. Throws USAGE, SETTING_INVALID. */
export function readStart(text: string): GivenStart {
  const given = text.includes('=') ? pairsOf(text) : Object.entries(fileOf(text))
  const settings: Partial<Record<SettingName, unknown>> = {}
  for (const [word, value] of given) {
    const name = settingNames.find((each) => each === word || optionName(each) === word)
    if (name === undefined) throw new EuphorionError('USAGE', `--start: no setting ${word}`)
    settings[name] = checkSetting(name, value, '--start')
  }
  return settings
}

function pairsOf(text: string): [string, unknown][] {
  return text.split(',').map((pair) => {
    const at = pair.indexOf('=')
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
  })
}

function fileOf(file: string): object {
  try {
    const settings: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof settings === 'object' && settings !== null) return settings
  } catch (cause) {
    throw new EuphorionError('USAGE', `--start cannot read ${file}`, {
      cause,
      place: { path: file },
    })
  }
  throw new EuphorionError('USAGE', `--start: ${file} holds no object`, { place: { path: file } })
}

/**
 * Adds the values to the directory's file, whose other settings stay. Returns its path. What was
 * found of fetches was measured as it is, and is to stay so.
 */
export function writeTuned(directory: string, found: Candidate): string {
  const path = join(directory, configFileName)
  const before = existsSync(path) ? readConfigFile(directory) : {}
  const fixed = turnsFetches(found) ? { adaptFetches: false } : {}
  const settings = { ...before, ...found, ...fixed }
  writeFileSync(path, `${JSON.stringify(settings, undefined, 2)}\n`)
  return path
}
