// Whether the offsets from which a worker is to read are in the log. Called by the engine when
// partitions are assigned.
import { type Clock, pause } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { Log, PartitionOffsets, StartPosition, TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'

/** What the log has of each topic; nothing of one that was deleted meanwhile. */
export type LogOffsets = ReadonlyMap<string, readonly PartitionOffsets[]>

/** How long to wait for a log that has no answer. */
export interface Patience {
  readonly clock: Clock
  readonly logger: Logger
  readonly mayWait: () => boolean
}

const ASK_EVERY_MS = 1000

/**
 * Waits for a log that may answer later, as one partition without a leader can make it do: whoever
 * gives up here ends the worker, and the next one that is given the partitions ends likewise.
 */
export async function offsetsOf(
  log: Log,
  topics: ReadonlySet<string>,
  { clock, logger, mayWait }: Patience,
): Promise<LogOffsets> {
  const ask = async (topic: string) => [topic, await offsetsOrNone(log, topic)] as const
  for (let tries = 1; ; tries++) {
    try {
      return new Map(await Promise.all([...topics].map(ask)))
    } catch (error) {
      const isPassing = error instanceof EuphorionError && error.retriable
      if (!isPassing || !mayWait()) throw error
      if (tries === 1) logger.warn({ ...error.place, err: error }, 'waiting for the log')
    }
    await pause(clock, ASK_EVERY_MS)
  }
}

async function offsetsOrNone(log: Log, topic: string): Promise<readonly PartitionOffsets[]> {
  try {
    return await log.offsets(topic)
  } catch (error) {
    if (error instanceof EuphorionError && error.code === 'TOPIC_UNKNOWN') return []
    throw error
  }
}

/**
 * What is stored beyond the end of its log belongs to another log (the topic was made anew): throws
 * OFFSET_OUT_OF_RANGE. Records that the topic has let go before they were read are a loss that
 * somebody should hear of: logged. `positions` are where reading was to begin, the first of a
 * partition counts; `furthest` is the largest offset that anybody there has stored.
 */
export function checkWithinLog(
  { logs, logger }: { readonly logs: LogOffsets; readonly logger: Logger },
  positions: readonly StartPosition[],
  furthest: (place: TopicPartition) => number,
): void {
  for (const [topic, partitions] of logs) {
    for (const { partition, earliest, latest } of partitions) {
      const begin = positions.find((each) => each.topic === topic && each.partition === partition)
      if (begin === undefined) continue
      const stored = furthest({ topic, partition })
      if (stored > latest) {
        const ahead = `What is stored is at offset ${stored}`
        const message = `${ahead}, but the log ends at ${latest}: it is another log`
        throw new EuphorionError('OFFSET_OUT_OF_RANGE', message, { place: { topic, partition } })
      }
      if (begin.offset >= earliest) continue
      const lost = { topic, partition, from: begin.offset, to: earliest }
      logger.warn(lost, 'records were deleted from the topic before they were read')
    }
  }
}
