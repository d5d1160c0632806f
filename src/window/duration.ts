// Durations as users write them: milliseconds, or text such as '10s'. Called by windows, timers and
// settings.
import { inspect } from 'node:util'
import { EuphorionError } from '../errors.ts'

/** Milliseconds, or text: a number and one of ms, s, m, h, d. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * Whole milliseconds of a duration: 1500, '500ms', '10s', '1.5m', '1h', '2d'. Throws SETTING_INVALID
 * for anything else, a negative one and a fraction of a millisecond; `what` names it in the message.
 */
export function parseDuration(duration: number | string, what = 'duration'): number {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration))
  // Rounded so far that only the error of the multiplication goes: '1.1s' is 1100.
  const ms =
    typeof duration === 'number'
      ? duration
      : parts === null
        ? Number.NaN
        : Number((Number(parts[1]) * unitMs[parts[2] as keyof typeof unitMs]).toFixed(3))
  if (!Number.isSafeInteger(ms) || ms < 0)
    throw new EuphorionError(
      'SETTING_INVALID',
      `${what}: ${inspect(duration)} is no duration; write whole milliseconds, or text such as '500ms', '10s', '1m', '1h', '2d'`,
    )
  return ms
}
