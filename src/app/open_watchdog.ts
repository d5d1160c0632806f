// The watchdog over all that an engine runs. Called by the engine.
import type { Clock } from '../clock.ts'
import type { EuphorionError } from '../errors.ts'
import type { LogConsumer } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Settings } from '../settings.ts'
import type { PartitionTask } from './partition_task.ts'
import type { Recovery } from './recovery.ts'
import { Watchdog } from './watchdog.ts'
import { WatchedParts } from './watched_parts.ts'

export interface OpenWatchdogOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly tasks: ReadonlyMap<string, PartitionTask>
  readonly consumer: () => LogConsumer | undefined
  readonly recovery: () => Recovery | undefined
  /** Ends what runs on the partition, and begins again from its last cut. */
  readonly reopen: (task: PartitionTask, error: EuphorionError) => void
  /** A partition has ended; what is left may be nothing. */
  readonly stopped: (error: EuphorionError) => void
}

export function openWatchdog(options: OpenWatchdogOptions): Watchdog {
  const { clock, logger, settings, tasks, recovery, consumer, reopen, stopped } = options
  const parts = new WatchedParts({
    tasks: () => tasks.values(),
    restores: () => recovery()?.recoveries() ?? [],
    consumer,
    stopsAgents: settings.onAgentStall === 'stop',
    reconnectRestore: (restore) => recovery()?.reconnect(restore),
    reopen,
    stop: (task, error) => {
      task.intake.failed = true
      logger.error({ ...task.place, err: error }, 'a partition stopped')
      stopped(error)
    },
  })
  return new Watchdog({ clock, logger, stallTimeoutMs: settings.stallTimeoutMs, parts })
}
