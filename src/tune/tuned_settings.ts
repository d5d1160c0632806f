// The settings that `tune` starts from, and the file that it leaves what it has found in. Called by
// the command.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configFileName, readConfigFile } from '../config_file.ts'
import { EuphorionError } from '../errors.ts'
import type { SettingSpec } from '../setting_spec.ts'
import { settingSpecs } from '../setting_specs.ts'
import { checkSetting, optionName, type SettingName, settingNames } from '../settings.ts'
import { parseBytes, parseDuration } from '../units.ts'
import type { Candidate } from './knobs.ts'

/** Settings of `--start`, and what a person is to be told about them. */
export interface GivenStart {
  readonly settings: Readonly<Partial<Record<SettingName, unknown>>>
  readonly notes: readonly string[]
}

/**
 * Reads a file of settings (JSON), or 'threads=1,batchBytes=16KiB'. What is beyond a setting's
 * bounds is taken as the bound. Throws USAGE, SETTING_INVALID.
 */
export function readStart(text: string): GivenStart {
  const given = text.includes('=') ? pairsOf(text) : Object.entries(fileOf(text))
  const settings: Partial<Record<SettingName, unknown>> = {}
  const notes: string[] = []
  for (const [word, value] of given) {
    const name = settingNames.find((each) => each === word || optionName(each) === word)
    if (name === undefined) throw new EuphorionError('USAGE', `--start: no setting ${word}`)
    const bounded = withinBounds(name, value)
    if (bounded !== value) notes.push(`${name} ${String(value)} is beyond its bounds: ${bounded}`)
    settings[name] = checkSetting(name, bounded, '--start')
  }
  return { settings, notes }
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

function withinBounds(name: SettingName, value: unknown): unknown {
  const spec: SettingSpec = settingSpecs[name]
  if (!('min' in spec) || (typeof value !== 'string' && typeof value !== 'number')) return value
  const number =
    spec.type === 'bytes'
      ? parseBytes(value)
      : spec.type === 'duration'
        ? parseDuration(value)
        : Number(value)
  if (number === undefined || Number.isNaN(number)) return value
  if (number < spec.min) return spec.min
  return number > spec.max ? spec.max : value
}

/** Adds the values to the directory's file, whose other settings stay. Returns its path. */
export function writeTuned(directory: string, found: Candidate): string {
  const path = join(directory, configFileName)
  const before = existsSync(path) ? readConfigFile(directory) : {}
  writeFileSync(path, `${JSON.stringify({ ...before, ...found }, undefined, 2)}\n`)
  return path
}
