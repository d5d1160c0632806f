// Waits for a store that another worker on this machine still has open: one whose partitions the
// group has given away knows so only when it hears of it. Called by the engine.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { Logger } from '../logger.ts'

export interface UnlockOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** 0: what is locked is an error at once. */
  readonly waitMs: () => number
}

const TRY_EVERY_MS = 100

/** Opens again while it is STORE_LOCKED, for so long; then rejects with that. */
export async function whenUnlocked<T>(open: () => Promise<T>, options: UnlockOptions): Promise<T> {
  const { clock, logger, waitMs } = options
  const beganMs = clock.monotonic()
  for (let tries = 1; ; tries++) {
    try {
      return await open()
    } catch (error) {
      const isLocked = error instanceof EuphorionError && error.code === 'STORE_LOCKED'
      if (!isLocked || clock.monotonic() - beganMs >= waitMs()) throw error
      if (tries === 1)
        logger.warn({ ...error.place, waitMs: waitMs() }, 'waiting for a locked store')
    }
    await new Promise<void>((resolve) => void clock.after(TRY_EVERY_MS, resolve))
  }
}
