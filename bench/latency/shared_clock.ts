// The system's clock, whose monotonic time is the same in all processes of the machine. Used by the
// processes of a latency run.
import { type Clock, systemClock } from '../../src/clock.ts'

const NS_PER_MS = 1e6
/** From the time since this process began to the time since the machine did. */
const aheadMs = Number(process.hrtime.bigint()) / NS_PER_MS - systemClock.monotonic()

export const sharedClock: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() + aheadMs,
}
