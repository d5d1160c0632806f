// Events for an app that brings none of its own: of the types that its topics declare, with few
// keys and times in some disorder. Called by the command line.
import type { App } from '../app/app.ts'
import type { Random } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { FieldSchema, RecordSchema } from '../record/schema.ts'
import type { Topic } from '../stream/topic.ts'
import type { EventSource } from './workload.ts'

/** So few different texts that keys come again and again. */
const TEXTS = 12
const NUMBERS = 1000
/** Times are up to so late, most of them much less. */
const DISORDER_MS = 5000
const ITEMS_MAX = 3

/** Rejects with APP_INVALID where a topic does not say what its events are. */
export function generatedEvents(app: App): EventSource {
  const { topics, agents, aggregations } = app.topology
  const names = new Set([
    ...aggregations.map(({ topic }) => topic),
    ...agents.map(({ definition }) => definition.topic),
  ])
  const sources = [...names].map((name) => topics.get(name)!)
  for (const { name, schema } of sources)
    if (schema === undefined)
      throw new EuphorionError(
        'APP_INVALID',
        `topic ${name} declares no record: export const simulation = { events } with events of it`,
      )
  return (random, number, nowMs) => {
    const topic = sources[number % sources.length]
    const event = recordOf(topic.schema!, random, nowMs)
    return { topic: topic.name, key: keyOf(topic, event, random), value: topic.value.encode(event) }
  }
}

type Event = Record<string, unknown>

function keyOf(topic: Topic<unknown, unknown>, event: Event, random: Random): Uint8Array | null {
  const { keyedBy, key } = topic.options
  if (keyedBy !== undefined && key !== undefined) return topic.key.encode(event[keyedBy])
  return Buffer.from(`k${Math.floor(random() * TEXTS)}`)
}

function recordOf({ fields }: RecordSchema, random: Random, nowMs: number): Event {
  return Object.fromEntries(fields.map(([name, schema]) => [name, sampleOf(schema, random, nowMs)]))
}

function sampleOf(schema: FieldSchema, random: Random, nowMs: number): unknown {
  const whole = (below: number): number => Math.floor(random() * below)
  switch (schema.type) {
    case 'boolean':
      return random() < 0.5
    case 'integer':
      return whole(NUMBERS)
    case 'int64':
      return BigInt(whole(NUMBERS))
    case 'float32':
      return Math.fround(random() * NUMBERS)
    case 'float64':
      return random() * NUMBERS
    case 'string':
      return `t${whole(TEXTS)}`
    case 'bytes':
      return Uint8Array.of(whole(TEXTS))
    case 'timestamp':
      return nowMs - Math.floor(random() ** 3 * DISORDER_MS)
    case 'date':
      return new Date(nowMs - Math.floor(random() ** 3 * DISORDER_MS))
    case 'decimal':
      return `${whole(NUMBERS)}.${whole(100)}`
    case 'literal':
      return schema.values[whole(schema.values.length)]
    case 'union':
      return sampleOf(schema.members[whole(schema.members.length)], random, nowMs)
    case 'array':
      return Array.from({ length: whole(ITEMS_MAX + 1) }, () =>
        sampleOf(schema.items, random, nowMs),
      )
    case 'map':
      return { [`t${whole(TEXTS)}`]: sampleOf(schema.values, random, nowMs) }
    case 'record':
      return recordOf(schema, random, nowMs)
  }
}
