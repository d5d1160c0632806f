// How a stream is read on by another key or through another topic: what stream.groupBy() and
// through() ask of the agent's partition. The way of the records is in forwarding.ts.
import { EuphorionError } from '../errors.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import { type Codec, type CodecLike, codecOf, text } from '../record/codec.ts'
import type { Field, FieldKind } from '../record/fields.ts'
import type { RecordSchema } from '../record/schema.ts'
import type { Event } from './events.ts'
import type { Topic } from './topic.ts'

/** The key of a value; it may be awaited. */
export type KeyFunction<K, V, NewKey> = (value: V, event: Event<K, V>) => NewKey | Promise<NewKey>

export interface GroupByOptions<NewKey> {
  /** Type of the new keys. Default: that of the field, else text. */
  readonly key?: CodecLike<NewKey>
  /** Default `{app}-{agent}-{topic}-{name}-repartition`. */
  readonly topic?: string
  /** Of that topic, where it is made. Default: as many as the topic that is grouped has. */
  readonly partitions?: number
}

/** A topic that a stream goes through. */
export interface Derivation {
  /** Undefined: the app's own, named after `name`. */
  readonly topic: string | undefined
  /** Of a topic of the app's own, which is made: what the records are grouped by. */
  readonly name: string
  readonly partitions?: number | undefined
  readonly key: Codec<unknown>
  /** Undefined: the records stay as they are. */
  readonly value?: Codec<unknown> | undefined
  readonly schema?: RecordSchema | undefined
  /** The field that the records are keyed by then. */
  readonly keyedBy?: string | undefined
  readonly onBadRecord?: BadRecordPolicy | undefined
  /** Undefined: the key stays. */
  readonly keyOf?: ((event: Event<unknown, unknown>) => unknown) | undefined
}

/** What a stream knows of itself. */
export interface GroupedStream {
  readonly topic: string
  readonly keyedBy: string | undefined
  readonly schema: RecordSchema | undefined
}

export type AnyKeyFunction = KeyFunction<never, never, unknown>

/**
 * Undefined: the records are keyed by the field already. Throws APP_INVALID for a name that no
 * topic can have, and for a field that the records do not have.
 */
export function grouping(
  stream: GroupedStream,
  name: string,
  keyOf: AnyKeyFunction | undefined,
  options: GroupByOptions<never>,
): Derivation | undefined {
  const { topic, partitions } = options
  const key = options.key && (codecOf(options.key) as Codec<unknown>)
  if (keyOf !== undefined) {
    checkName(name)
    const of = keyOf as KeyFunction<unknown, unknown, unknown>
    return { topic, name, partitions, key: key ?? text(), keyOf: (event) => of(event.value, event) }
  }
  const isPlain = topic === undefined && partitions === undefined && key === undefined
  if (isPlain && stream.keyedBy === name) return undefined
  const { schema } = stream
  const field = schema?.fields.find(([each]) => each === name)?.[1]
  if (schema !== undefined && field === undefined)
    throw invalid(stream.topic, `groupBy: ${schema.name} has no field ${name}`)
  checkName(name)
  const ofField = field && codecOf({ schema: field } as Field<unknown, FieldKind>)
  return {
    topic,
    name: schema === undefined ? name : `${schema.name}.${name}`,
    partitions,
    key: key ?? ofField ?? (text() as Codec<unknown>),
    keyedBy: name,
    keyOf: ({ value }) => (value as Readonly<Record<string, unknown>> | null)?.[name],
  }
}

/** The same records in another topic: what is sent is what is read. Throws APP_INVALID. */
export function passage(stream: GroupedStream, topic: Topic<never, never>): Derivation {
  if (topic.name === stream.topic)
    throw invalid(stream.topic, 'through: the stream is of that topic, and would never end')
  const { name, schema, onBadRecord, options } = topic
  return {
    topic: name,
    name,
    key: topic.key as Codec<unknown>,
    value: topic.value as Codec<unknown>,
    schema,
    keyedBy: options.keyedBy,
    onBadRecord,
  }
}

const NAME_MAX = 249

/**
 * The name of an app's own topic. What begins with the agent's prefix already, because it is such a
 * topic itself, is not given it again. Throws APP_INVALID for one that is too long.
 */
export function repartitionTopic(agent: string, topic: string, name: string): string {
  const prefix = `${agent.replaceAll(/[^\w.-]/g, '_')}-`
  const full = `${topic.startsWith(prefix) ? '' : prefix}${topic}-${name}-repartition`
  if (full.length <= NAME_MAX) return full
  throw invalid(topic, `the name ${full} is too long for a topic: give { topic }`)
}

function checkName(name: string): void {
  if (/^[\w.-]+$/.test(name)) return
  const message = `groupBy: '${name}' becomes a part of a topic's name: use a-z A-Z 0-9 . _ -`
  throw new EuphorionError('APP_INVALID', message)
}

function invalid(topic: string, message: string): EuphorionError {
  return new EuphorionError('APP_INVALID', message, { place: { topic } })
}
