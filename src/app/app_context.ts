// What timers, tasks, crontabs and services get: their app, a signal that ends them, and a sleep on
// the app's clock.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { type Duration, parseDuration } from '../units.ts'
import type { App } from './app.ts'

export interface AppContext {
  readonly app: App
  /** Aborted when the app stops; of onLeader(), also when another worker leads. */
  readonly signal: AbortSignal
  /** On the app's clock ('1s', or ms). Rejects with the signal's reason once it is aborted. */
  sleep(time: Duration): Promise<void>
}

export function contextOf(app: App, signal: AbortSignal): AppContext {
  return { app, signal, sleep: (time) => sleep(app.clock, time, signal) }
}

/** What a function of the program threw, with its name. */
export function callbackError(what: string, cause: unknown): EuphorionError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new EuphorionError('CALLBACK_FAILED', `${what} failed: ${message}`, { cause })
}

/** What is thrown because of the signal is no failure. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError')
}

/** Resolves to false where the promise has not settled after `ms`. Rejects as the promise does. */
export async function within(
  clock: Clock,
  ms: number,
  promise: Promise<unknown>,
): Promise<boolean> {
  let cancel = (): void => undefined
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.after(ms, () => resolve(false))
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    cancel()
  }
}

function sleep(clock: Clock, time: Duration, signal: AbortSignal): Promise<void> {
  const ms = parseDuration(time)
  if (ms === undefined) {
    return Promise.reject(new EuphorionError('APP_INVALID', `sleep: '${time}' is no time`))
  }
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      cancel()
      reject(signal.reason)
    }
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
    signal.addEventListener('abort', abort, { once: true })
  })
}
