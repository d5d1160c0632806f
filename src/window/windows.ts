// The windows that a user can ask for, as builders of WindowPlan. Given to `window(…)` of a
// declared aggregation.
import { inspect } from 'node:util'
import { EuphorionError } from '../errors.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import { type Duration, parseDuration } from '../units.ts'

/** Most windows that may hold one record. */
const WINDOWS_PER_RECORD_MAX = 60_000

const RETENTION_MS = 86_400_000

export interface WindowOptions {
  /** How long after its end, in stream time, a window still takes late records. Default 0. */
  readonly grace?: Duration
  /** How long after end and grace a window's result is kept. Default one day. */
  readonly retention?: Duration
}

/**
 * Windows of `size` that follow each other without gap or overlap, aligned to the epoch. Throws
 * SETTING_INVALID for a size below 1 ms and for text that is no duration.
 */
export function tumbling(size: Duration, options: WindowOptions = {}): WindowPlan {
  return hopping(size, size, options)
}

/**
 * Windows of `size` that begin at every multiple of `step`, so that size / step of them overlap.
 * Throws SETTING_INVALID unless 1 ms ≤ step ≤ size and size / step ≤ 60,000.
 */
export function hopping(size: Duration, step: Duration, options: WindowOptions = {}): WindowPlan {
  const sizeMs = wholeMs(size, 'size')
  const stepMs = wholeMs(step, 'step')
  const graceMs = wholeMs(options.grace ?? 0, 'grace')
  const retentionMs = wholeMs(options.retention ?? RETENTION_MS, 'retention')
  if (stepMs < 1 || stepMs > sizeMs)
    throw new EuphorionError(
      'SETTING_INVALID',
      `window of ${sizeMs} ms every ${stepMs} ms: the step is at least 1 ms and at most the size`,
    )
  if (sizeMs / stepMs > WINDOWS_PER_RECORD_MAX)
    throw new EuphorionError(
      'SETTING_INVALID',
      `window of ${sizeMs} ms every ${stepMs} ms: more than ${WINDOWS_PER_RECORD_MAX} windows would hold one record`,
    )
  return { sizeMs, stepMs, graceMs, retentionMs }
}

function wholeMs(duration: Duration, name: string): number {
  const ms = parseDuration(duration)
  if (ms !== undefined && Number.isSafeInteger(ms) && ms >= 0) return ms
  throw new EuphorionError(
    'SETTING_INVALID',
    `window ${name}: ${inspect(duration)} is no duration; write whole milliseconds, or text such as '500ms', '10s', '1m', '1h', '2d'`,
  )
}
