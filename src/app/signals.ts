// The life of a worker process: runs an app until a signal or a failure. Called by `worker`.
import { constants } from 'node:os'
import type { Clock } from '../clock.ts'
import { deferred } from '../deferred.ts'
import { describeError } from '../errors.ts'
import type { App } from './app.ts'

/**
 * A terminal's Ctrl+C may arrive twice at once (from the terminal and from npx): what comes within
 * this time of the first counts as the same.
 */
const SAME_SIGNAL_MS = 100

/** A stop that takes longer says what it waits for. */
const QUIET_MS = 1000
const HINT = 'Finishing what is in flight; a second Ctrl+C stops at once.\n'

/** How long a signal waits for an app that still starts, perhaps with a broker that is away. */
const STARTING_MS = 1000

const signals = ['SIGINT', 'SIGTERM'] as const

/**
 * Starts the app and stops it at SIGINT or SIGTERM; returns the exit code. A second signal ends the
 * process at once, with 128 and the signal's number as its code.
 */
export async function runUntilSignal(app: App): Promise<number> {
  const { first, unwatch } = watchSignals(app.clock)
  let cancelHint = (): void => undefined
  void first.then(() => {
    cancelHint = app.clock.after(QUIET_MS, () => process.stderr.write(HINT))
  })
  try {
    const hasStarted = await Promise.race([app.start().then(() => true), first.then(() => false)])
    if (hasStarted) {
      await Promise.race([first, app.ended])
      await app.stop()
    } else await Promise.race([app.stop(), pause(app.clock, STARTING_MS)])
    return 0
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`)
    await app.stop().catch(() => undefined)
    return 1
  } finally {
    cancelHint()
    unwatch()
  }
}

/** The first signal resolves `first`; a second ends the process at once. */
export function watchSignals(clock: Clock) {
  let firstAt: number | undefined
  const first = deferred()
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = clock.monotonic()
    if (firstAt === undefined) {
      firstAt = now
      first.resolve()
    } else if (now - firstAt >= SAME_SIGNAL_MS) process.exit(128 + constants.signals[signal])
  }
  for (const signal of signals) process.on(signal, onSignal)
  const unwatch = (): void => {
    for (const signal of signals) process.off(signal, onSignal)
  }
  return { first: first.promise, unwatch }
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}
