// Pauses between tries: doubling up to a bound, a fifth shorter or longer by chance, so that many
// clients of one broker do not come back all at once. Used by Cluster and BrokerPool.
import type { Random } from '../../clock.ts'

export interface Backoff {
  /** ms after the first failure. */
  readonly firstMs: number
  readonly mostMs: number
}

/** The transaction before is being finished: that takes the brokers some milliseconds. */
export const transactionBackoff: Backoff = { firstMs: 10, mostMs: 500 }

const jitter = 0.2

/** ms to wait after `failures` failures in a row (from 1). */
export function pauseMs({ firstMs, mostMs }: Backoff, failures: number, random: Random): number {
  const ms = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(ms * (1 - jitter + 2 * jitter * random()))
}
