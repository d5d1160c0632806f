// Whether the offsets from which a worker is to read are in the log. Called by the engine when
// partitions are assigned.
import { EuphorionError } from '../errors.ts'
import type { Log, StartPosition, TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'

/**
 * What is stored beyond the end of its log belongs to another log (the topic was made anew):
 * rejects with OFFSET_OUT_OF_RANGE. Records that the topic has let go before they were read are a
 * loss that somebody should hear of: logged. `positions` are where reading begins, the first of a
 * partition counts; `furthest` is the largest offset that anybody there has stored.
 */
export async function checkWithinLog(
  { log, logger }: { readonly log: Log; readonly logger: Logger },
  positions: readonly StartPosition[],
  furthest: (place: TopicPartition) => number,
): Promise<void> {
  for (const topic of new Set(positions.map((each) => each.topic))) {
    for (const { partition, earliest, latest } of await log.offsets(topic)) {
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
