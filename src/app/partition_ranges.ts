// Partitions as people read them in logs: by topic, '0-3, 7'. Called by the engine.
import type { TopicPartition } from '../log/log.ts'

/** { views: '0-3, 7' } */
export function partitionRanges(partitions: readonly TopicPartition[]): Record<string, string> {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const numbers = topics.get(topic)
    if (numbers === undefined) topics.set(topic, [partition])
    else numbers.push(partition)
  }
  return Object.fromEntries([...topics].map(([topic, numbers]) => [topic, ranges(numbers)]))
}

function ranges(numbers: readonly number[]): string {
  const texts: string[] = []
  let first: number | undefined
  let last = 0
  const end = (): void => {
    if (first !== undefined) texts.push(first === last ? `${first}` : `${first}-${last}`)
  }
  for (const number of numbers.toSorted((a, b) => a - b)) {
    if (first === undefined || number !== last + 1) {
      end()
      first = number
    }
    last = number
  }
  end()
  return texts.join(', ')
}
