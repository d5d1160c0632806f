// Reads euphorion.config.json, where `tune` leaves what it found and a person may write the rest.
// Called when settings are resolved.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EuphorionError } from './errors.ts'
import type { SettingsSource } from './settings.ts'

export const configFileName = 'euphorion.config.json'

/** The settings in the file of that directory; undefined where there is none. */
export function readConfigFile(directory: string): SettingsSource | undefined {
  const path = join(directory, configFileName)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new EuphorionError('SETTING_INVALID', `cannot read ${configFileName}`, {
      cause,
      place: { path },
    })
  }
  try {
    const settings: unknown = JSON.parse(text)
    if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) {
      return settings as SettingsSource
    }
  } catch (cause) {
    throw new EuphorionError('SETTING_INVALID', `${configFileName} is no JSON`, {
      cause,
      place: { path },
    })
  }
  throw new EuphorionError('SETTING_INVALID', `${configFileName} holds no object`, {
    place: { path },
  })
}
