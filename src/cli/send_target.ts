// Where `euphorion send` sends: a topic of an app, whose types the text has to fit, or any topic,
// as bytes.
import type { App } from '../app/app.ts'
import { Connection } from '../app/connection.ts'
import { systemClock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { RecordMetadata } from '../ingest/receipt.ts'
import type { LogHeader } from '../log/log.ts'
import { Bad } from '../record/bad.ts'
import { type Codec, codecOf } from '../record/codec.ts'
import { type Field, type FieldKind, fieldOf } from '../record/fields.ts'
import type { Settings } from '../settings.ts'
import type { Topic } from '../stream/topic.ts'
import { modelOf, modelsOf } from './models.ts'

/** What goes with the value. */
export interface SendFacts {
  readonly key?: string
  readonly partition?: number
  readonly header: readonly LogHeader[]
  /** ms since the epoch. */
  readonly timestamp?: number
  /** Name of a record of the app. */
  readonly model?: string
}

/** Throws where the text is no value of the topic. */
export type SendText = (value: string) => Promise<RecordMetadata>

export interface SendTarget {
  readonly send: SendText
  close(): Promise<void>
}

/** Without an app: the bytes of the text. */
export async function textTarget(
  topic: string,
  { key, partition, header, timestamp, model }: SendFacts,
  settings: Settings,
): Promise<SendTarget> {
  if (model !== undefined) throw new EuphorionError('USAGE', '--model needs an app: -A FILE')
  if (topic.startsWith('@')) throw new EuphorionError('USAGE', `${topic} needs an app: -A FILE`)
  const connection = await Connection.open(settings, systemClock, { remote: 'allow' })
  return {
    send: (value) =>
      connection.store(topic, partition, {
        key: key === undefined ? null : Buffer.from(key),
        value: Buffer.from(value),
        timestamp: timestamp ?? systemClock.now(),
        headers: header,
      }),
    close: () => connection.close(),
  }
}

/** As the app's topic reads it; refused where it does not fit. */
export function typedTarget(app: App, name: string, facts: SendFacts): SendTarget {
  const { key, partition, header: headers, timestamp, model } = facts
  const topic = topicOf(app, name)
  const keyed = key === undefined ? {} : { key: read(topic.key, key, 'key') }
  const codec = model === undefined ? undefined : codecOf(fieldOfModel(app, model))
  return {
    send: (text) => {
      const rest = { partition, headers, timestamp, ...keyed }
      if (codec === undefined)
        return topic.send({ value: read(topic.value, text, 'value'), ...rest })
      const value = codec.encode(read(codec, text, 'value'))
      return topic.sendBytes(key === undefined ? null : Buffer.from(key), value, rest)
    },
    close: () => app.stop(),
  }
}

/** '@agent': the one that it reads. */
function topicOf({ topology }: App, name: string): Topic<unknown, unknown> {
  const agents = topology.agents.map(({ definition }) => definition)
  const agent = agents.find((each) => `@${each.name}` === name)
  if (name.startsWith('@') && agent === undefined) {
    const known = agents.map((each) => `@${each.name}`).join(', ') || 'none'
    throw new EuphorionError('USAGE', `the app has no agent ${name}; it has: ${known}`)
  }
  const topic = topology.topics.get(agent?.topic ?? name)
  if (topic !== undefined) return topic
  const known = [...topology.topics.keys()].join(', ') || 'none'
  throw new EuphorionError('TOPIC_UNKNOWN', `the app has no topic ${name}; it has: ${known}`)
}

function fieldOfModel(app: App, name: string): Field<unknown, FieldKind> {
  return fieldOf(modelOf(modelsOf(app), name).schema)
}

/** The text of the command line as the topic's readers will see it. */
function read(codec: Codec<unknown>, text: string, what: string): unknown {
  const decoded = codec.decode(Buffer.from(text))
  if (!(decoded instanceof Bad)) return decoded
  const where = wrongField(codec, text)
  const message = where ?? `the ${what} is no ${codec.name}: ${decoded.reason}`
  throw new EuphorionError('RECORD_INVALID', message)
}

/** What the writer says of a value that the reader refuses: it names the field. */
function wrongField(codec: Codec<unknown>, text: string): string | undefined {
  try {
    codec.encode(JSON.parse(text))
  } catch (error) {
    if (error instanceof EuphorionError) return error.message
  }
  return undefined
}
