// The bound of a stop. Called by the worker.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'

/** A promise that only rejects, with APP_INVALID after `ms`, unless it is cancelled. */
export function deadline(clock: Clock, ms: number) {
  let cancel = (): void => undefined
  const promise = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => {
      reject(new EuphorionError('APP_INVALID', `the app did not stop within ${ms} ms`))
    })
  })
  return { promise, cancel }
}
