// The settings' values, read from code, euphorion.config.json, the environment and the command
// line and held against setting_specs.ts. Called by App and by the command line (for --help and
// options).
import { EuphorionError } from './errors.ts'
import type { BooleanSpec, ChoiceSpec, NumberSpec, SettingSpec } from './setting_spec.ts'
import { settingSpecs } from './setting_specs.ts'
import { formatBytes, formatDuration, parseBytes, parseDuration } from './units.ts'

export type SettingName = keyof typeof settingSpecs

type ValueOf<S> =
  S extends ChoiceSpec<infer C>
    ? C
    : S extends NumberSpec
      ? number
      : S extends BooleanSpec
        ? boolean
        : S extends { readonly default: string }
          ? string
          : string | undefined

/** All settings with their values. Names end in their unit: Ms, Bytes, Mib. */
export type Settings = { readonly [N in SettingName]: ValueOf<(typeof settingSpecs)[N]> }

type InputOf<S> = S extends { readonly type: 'duration' | 'bytes' }
  ? number | string
  : ValueOf<S> | undefined

/** Settings as code gives them: durations and sizes may be text ('10s', '4MiB'). */
export type SettingsInput = { readonly [N in SettingName]?: InputOf<(typeof settingSpecs)[N]> }

/** One source of settings; values of any type are checked. */
export type SettingsSource = Readonly<Record<string, unknown>>

export interface SettingsSources {
  readonly code?: SettingsSource
  /** euphorion.config.json, parsed. */
  readonly file?: SettingsSource
  /** process.env: EUPHORION_BATCH_BYTES … ; other names are left alone. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What names in `env` begin with. Default 'EUPHORION_'. */
  readonly envPrefix?: string
  /** Options of the command line, in camel case. */
  readonly cli?: SettingsSource
}

export const settingNames = Object.keys(settingSpecs) as readonly SettingName[]

/** batchBytes → EUPHORION_BATCH_BYTES */
export function environmentName(name: SettingName, prefix = 'EUPHORION_'): string {
  return `${prefix}${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`
}

/** batchBytes → batch-bytes, commitIntervalMs → commit-interval: its value names its unit. */
export function optionName(name: SettingName): string {
  const whole = settingSpecs[name].type === 'duration' ? name.replace(/Ms$/, '') : name
  return whole.replace(/[A-Z]/g, '-$&').toLowerCase()
}

/**
 * Every setting's value. The command line beats the environment, that beats euphorion.config.json
 * (so that what `tune` writes holds), that beats code, that beats the default. Throws
 * SETTING_INVALID.
 */
export function resolveSettings(sources: SettingsSources): Settings {
  for (const [origin, source] of [
    ['code', sources.code],
    ['euphorion.config.json', sources.file],
  ] as const) {
    for (const name of Object.keys(source ?? {})) {
      if (!Object.hasOwn(settingSpecs, name)) throw unknownSetting(name, origin)
    }
  }
  return Object.fromEntries(
    settingNames.map((name) => [name, resolveOne(name, sources)]),
  ) as unknown as Settings
}

function resolveOne(
  name: SettingName,
  sources: SettingsSources,
): string | number | boolean | undefined {
  const variable = environmentName(name, sources.envPrefix)
  const candidates: readonly (readonly [string, unknown])[] = [
    [`--${optionName(name)}`, sources.cli?.[name]],
    [variable, sources.env?.[variable]],
    ['euphorion.config.json', sources.file?.[name]],
    ['code', sources.code?.[name]],
  ]
  for (const [origin, value] of candidates) {
    if (value !== undefined) return checkSetting(name, value, origin)
  }
  return settingSpecs[name].default
}

/**
 * The value in its type, or SETTING_INVALID naming the setting, the value, its origin and the
 * bounds.
 */
export function checkSetting(
  name: SettingName,
  value: unknown,
  origin: string,
): string | number | boolean {
  const checked = convert(settingSpecs[name], value)
  if (checked !== undefined) return checked
  const spec: SettingSpec = settingSpecs[name]
  const shown = spec.secret ? '(secret)' : JSON.stringify(value)
  throw new EuphorionError(
    'SETTING_INVALID',
    `${name} cannot be ${shown} (from ${origin}): it takes ${describeBounds(name)}`,
  )
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'off', ''].map((word) => [word, false] as const),
])

function isBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

function convert(spec: SettingSpec, value: unknown): string | number | boolean | undefined {
  switch (spec.type) {
    case 'text':
      return typeof value === 'string' && value.trim() !== '' ? value : undefined
    case 'choice':
      // Kafka's own names of mechanisms and codecs are upper-case
      return spec.choices.find((each) => each === String(value).toLowerCase())
    case 'boolean':
      return typeof value === 'string' ? booleans.get(value.trim().toLowerCase()) : isBoolean(value)
    default: {
      const number = toNumber(spec.type, value)
      const fits = number !== undefined && Number.isSafeInteger(number)
      return fits && number >= spec.min && number <= spec.max ? number : undefined
    }
  }
}

function toNumber(type: NumberSpec['type'], value: unknown): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined
  if (type === 'duration') return parseDuration(value)
  if (type === 'bytes') return parseBytes(value)
  if (typeof value === 'number') return value
  return /^\d+$/.test(value.trim()) ? Number(value) : undefined
}

/** 'a whole number from 1 to 64', 'a size from 64 KiB to 16 MiB', 'one of …'. */
export function describeBounds(name: SettingName): string {
  const spec: SettingSpec = settingSpecs[name]
  switch (spec.type) {
    case 'text':
      return 'text'
    case 'boolean':
      return 'true or false'
    case 'choice':
      return `one of ${spec.choices.join(', ')}`
    case 'integer':
      return `a whole number from ${spec.min} to ${spec.max}`
    case 'duration':
      return `a time from ${formatDuration(spec.min)} to ${formatDuration(spec.max)}`
    case 'bytes':
      return `a size from ${formatBytes(spec.min)} to ${formatBytes(spec.max)}`
  }
}

/** '1 MiB', '250 ms', 'auto'; empty where there is none. */
export function describeDefault(name: SettingName): string {
  const spec: SettingSpec = settingSpecs[name]
  if (spec.type === 'duration') return formatDuration(spec.default)
  if (spec.type === 'bytes') return formatBytes(spec.default)
  return String(spec.default ?? '')
}

/** SETTING_INVALID for a name that is no setting, with the nearest one that is. */
function unknownSetting(name: string, origin: string): EuphorionError {
  const near = settingNames.find((each) => each.toLowerCase() === name.toLowerCase())
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return new EuphorionError(
    'SETTING_INVALID',
    `there is no setting ${name} (from ${origin})${hint}`,
  )
}
