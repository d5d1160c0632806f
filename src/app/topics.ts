// Sees to it that the topics of an app exist. Called by the worker when it starts, and by an app
// that sends without a worker.
import { EuphorionError } from '../errors.ts'
import type { Log, TopicConfig } from '../log/log.ts'
import type { Topic } from '../stream/topic.ts'

export interface WantedTopic {
  readonly name: string
  /** Default: setting topicPartitions, and any number where the topic exists. */
  readonly partitions?: number
  readonly config?: TopicConfig
}

/** What a declaration asks for. */
export function wantedTopic({ name, options }: Topic<unknown, unknown>): WantedTopic {
  return { name, partitions: options.partitions, config: options.config }
}

export interface EnsureOptions {
  /** Setting createTopics. */
  readonly create: boolean
  /** Setting topicPartitions. */
  readonly partitions: number
}

/**
 * Creates the topics that do not exist; returns the names of those. Rejects with TOPIC_UNKNOWN
 * where creating is off, with PARTITIONS_MISMATCH where one exists with another number of
 * partitions.
 */
export async function ensureTopics(
  log: Log,
  wanted: readonly WantedTopic[],
  options: EnsureOptions,
): Promise<string[]> {
  const existing = new Map((await log.topics()).map((each) => [each.name, each.partitions]))
  const created: string[] = []
  for (const { name, partitions, config } of wanted) {
    const count = existing.get(name)
    if (count !== undefined) {
      if (partitions !== undefined && partitions !== count) throw mismatch(name, partitions, count)
      continue
    }
    if (!options.create) {
      throw new EuphorionError(
        'TOPIC_UNKNOWN',
        `topic ${name} does not exist, createTopics is off`,
        {
          place: { topic: name },
        },
      )
    }
    await log.createTopic(name, { partitions: partitions ?? options.partitions, config })
    existing.set(name, partitions ?? options.partitions)
    created.push(name)
  }
  return created
}

function mismatch(topic: string, wanted: number, found: number): EuphorionError {
  const message = `the topic has ${found} partitions, the program expects ${wanted}`
  return new EuphorionError('PARTITIONS_MISMATCH', message, { place: { topic } })
}
