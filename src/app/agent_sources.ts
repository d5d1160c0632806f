// Where agents stand, as a cut notes it beside the tables that they write: by topic, and by agent
// where the agents of a topic stand at different offsets. Each begins at its own offset again: what
// the one that was ahead has written would count twice from where the last one stands.
//
//   views              300    every agent of the topic is through up to there
//   views\ncounts\n0   500    the first of its agents called counts is further
import type { SinkFeed } from '../ingest/sink_feed.ts'
import type { EventSubscriber } from '../ingest/subscriber.ts'

export type AgentSources = Readonly<Record<string, number>>

interface Read {
  readonly topic: string
  readonly sinks: readonly SinkFeed[]
}

/** Of the agents of some partitions with one number, of several topics. */
export function agentSources(partitions: readonly Read[]): AgentSources {
  const sources: Record<string, number> = {}
  for (const { topic, sinks } of partitions) {
    if (sinks.length === 0) continue
    const offsets = sinks.map(({ sink }) => sink.acknowledged())
    const least = Math.min(...offsets)
    sources[topic] = least
    const keys = keysOf(sinks.map(({ subscriber }) => subscriber))
    for (const [index, offset] of offsets.entries())
      if (offset > least) sources[keys[index]] = offset
  }
  return sources
}

/** Some agent stands further than others of its topic. */
export function isSkewed(sources: AgentSources): boolean {
  return Object.keys(sources).some((key) => key.includes('\n'))
}

/** Where each of the topic's agents begins at least; undefined: where the topic does. */
export function ownSources(
  sources: AgentSources,
  subscribers: readonly EventSubscriber[],
): (number | undefined)[] {
  return keysOf(subscribers).map((key) => sources[key])
}

/** Agents without a name of their own share that of the topic: they are counted. */
function keysOf(subscribers: readonly EventSubscriber[]): string[] {
  const counts = new Map<string, number>()
  return subscribers.map(({ topic, name = '' }) => {
    const count = counts.get(name) ?? 0
    counts.set(name, count + 1)
    return `${topic}\n${name}\n${count}`
  })
}
