// The settings that a log driver takes. Called by connections and by commands that open a log.
import type { Clock } from '../clock.ts'
import type { LogOptions } from '../log/open.ts'
import type { Settings } from '../settings.ts'

export function logOptions(settings: Settings, clock: Clock): LogOptions {
  return { settings, clock }
}
