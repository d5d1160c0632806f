// Which topics no pattern of a program means: those that Kafka keeps for itself, and those that the
// app makes for itself. Called by running_agents.ts.
import type { Settings } from '../settings.ts'

const kinds = ['changelog', 'repartition', 'dead-letter', 'leader']

export function ownTopics(
  appId: string,
  { deadLetterTopic }: Pick<Settings, 'deadLetterTopic'>,
): (topic: string) => boolean {
  return (topic) => {
    if (topic.startsWith('__') || topic === deadLetterTopic) return true
    if (!topic.startsWith(`${appId}-`)) return false
    return topic.startsWith(`${appId}-repl`) || kinds.some((kind) => topic.endsWith(`-${kind}`))
  }
}
