// The life of a worker process: runs an app until a signal or a failure. Called by `worker`.
import type { Clock } from '../clock.ts'
import { describeError } from '../errors.ts'
import type { App } from './app.ts'

/**
 * A terminal's Ctrl+C may arrive twice at once (from the terminal and from npx): what comes within
 * this time of the first counts as the same.
 */
const SAME_SIGNAL_MS = 100

const STOPPED_AT_ONCE = 130

/**
 * Starts the app and stops it at SIGINT or SIGTERM; returns the exit code. A second signal ends the
 * process at once, with code 130.
 */
export async function runUntilSignal(app: App): Promise<number> {
  const signal = watchSignals(app.clock)
  try {
    await app.start()
    await Promise.race([signal.first, app.failed])
    await app.stop()
    return 0
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`)
    await app.stop().catch(() => undefined)
    return 1
  } finally {
    signal.unwatch()
  }
}

/** The first signal resolves `first`; a second ends the process at once. */
export function watchSignals(clock: Clock) {
  let firstAt: number | undefined
  let resolve = (): void => undefined
  const first = new Promise<void>((done) => {
    resolve = done
  })
  const onSignal = (): void => {
    const now = clock.monotonic()
    if (firstAt === undefined) {
      firstAt = now
      resolve()
    } else if (now - firstAt >= SAME_SIGNAL_MS) process.exit(STOPPED_AT_ONCE)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const unwatch = (): void => {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  return { first, unwatch }
}
