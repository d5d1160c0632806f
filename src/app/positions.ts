// Whether the offsets from which a worker is to read are in the log. Called by the engine when
// partitions are assigned.
import { EuphorionError } from '../errors.ts'
import type { Log, StartPosition, TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'

/**
 * State that is ahead of its log belongs to another log (the topic was made anew): rejects with
 * OFFSET_OUT_OF_RANGE. Records that the topic has let go before they were read are a loss that
 * somebody should hear of: logged.
 */
export async function checkWithinLog(
  { log, logger }: { readonly log: Log; readonly logger: Logger },
  starts: readonly StartPosition[],
  committed: readonly StartPosition[],
): Promise<void> {
  const positions = [...starts, ...committed]
  for (const topic of new Set(positions.map((each) => each.topic))) {
    for (const { partition, earliest, latest } of await log.offsets(topic)) {
      const isHere = (each: TopicPartition) => each.topic === topic && each.partition === partition
      const start = starts.find(isHere)
      if (start !== undefined && start.offset > latest) {
        const stored = `The stored state is at offset ${start.offset}`
        const message = `${stored}, but the log ends at ${latest}: it is another log`
        throw new EuphorionError('OFFSET_OUT_OF_RANGE', message, { place: { topic, partition } })
      }
      const { offset } = positions.find(isHere) ?? { offset: earliest }
      if (offset >= earliest) continue
      const lost = { topic, partition, from: offset, to: earliest }
      logger.warn(lost, 'records were deleted from the topic before they were read')
    }
  }
}
