// `euphorion send`: stores a record in a topic, or a record for each line of standard input.
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import type { App } from '../../app/app.ts'
import { Connection } from '../../app/connection.ts'
import { systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import type { RecordMetadata } from '../../ingest/receipt.ts'
import { Bad } from '../../record/bad.ts'
import type { Codec } from '../../record/codec.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, findApp } from '../load_app.ts'
import { addExamples, addSettings, commandSettings, whole } from '../options.ts'

interface SendOptions {
  readonly key?: string
  readonly partition?: number
  readonly json?: boolean
}

/** Throws where the text is no value of the topic. */
type SendText = (value: string) => Promise<RecordMetadata>

interface Target {
  readonly send: SendText
  close(): Promise<void>
}

/** Lines sent and not yet stored. */
const LINES_MAX = 1000

export function addSend(program: Command, context: CommandContext): void {
  const command = program
    .command('send')
    .description('store a record in a topic')
    .argument('<topic>')
    .argument('<value>', 'JSON for topics with records, else text; -: a record a line of the input')
    .option('-k, --key <text>', 'key of the record')
    .option('-p, --partition <number>', 'instead of the one that the key gives', whole(0))
    .option('--json', 'print where it was stored as JSON')
    .action(async (topic: string, value: string, options: SendOptions) => {
      const app = await findApp(context, command)
      const target =
        app === undefined
          ? await textTarget(topic, options, command)
          : typedTarget(app, topic, options)
      const show = options.json === true ? JSON.stringify : showPlace
      const print = (stored: RecordMetadata): boolean => process.stdout.write(`${show(stored)}\n`)
      try {
        if (value === '-') await sendLines(target.send, print)
        else print(await target.send(value))
      } finally {
        await target.close()
      }
    })
  if (context.app === undefined) {
    command.option(appOption[0], `${appOption[1]}: checks the value against its topic`)
  }
  addSettings(command, ['broker', 'transport', 'connectTimeoutMs'])
  addExamples(command, context, [
    ['text, to a local Kafka', 'euphorion send greetings hello --broker kafka://localhost'],
    [
      'a record of the app in sample.ts, also while its worker runs',
      `euphorion send sample-topic '{"id":"me","value":1.5}' -A sample.ts`,
    ],
    ['a file of them', 'euphorion send sample-topic - -A sample.ts < readings.jsonl'],
  ])
}

function showPlace({ topic, partition, offset }: RecordMetadata): string {
  return `${topic}/${partition} at ${offset}`
}

/**
 * Empty lines are passed over. Ends at the first record that is refused, and rejects naming its
 * line; what was stored is printed all the same.
 */
async function sendLines(
  send: SendText,
  print: (stored: RecordMetadata) => boolean,
): Promise<void> {
  const onTheWay: { line: number; sent: Promise<RecordMetadata> }[] = []
  let refusal: unknown
  let line = 0
  const finishOldest = async (): Promise<void> => {
    const { line: at, sent } = onTheWay.shift()!
    try {
      print(await sent)
    } catch (error) {
      refusal ??= atLine(at, error)
    }
  }
  for await (const text of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    line++
    if (text.trim() === '') continue
    try {
      const sent = send(text)
      // awaited later; until then it must not count as nobody's
      sent.catch(() => undefined)
      onTheWay.push({ line, sent })
    } catch (error) {
      refusal ??= atLine(line, error)
    }
    if (onTheWay.length >= LINES_MAX) await finishOldest()
    if (refusal !== undefined) break
  }
  while (onTheWay.length > 0) await finishOldest()
  if (refusal !== undefined) throw refusal
}

function atLine(line: number, error: unknown): unknown {
  if (!(error instanceof EuphorionError)) return error
  const { code, cause, place } = error
  return new EuphorionError(code, `line ${line}: ${error.message}`, { cause, place })
}

/** Without an app: the bytes of the text. */
async function textTarget(
  topic: string,
  { key, partition }: SendOptions,
  command: Command,
): Promise<Target> {
  const settings = commandSettings(command)
  const connection = await Connection.open(settings, systemClock, { remote: 'allow' })
  return {
    send: (value) =>
      connection.store(topic, partition, {
        key: key === undefined ? null : Buffer.from(key),
        value: Buffer.from(value),
        timestamp: systemClock.now(),
      }),
    close: () => connection.close(),
  }
}

/** As the app's topic reads it; refused where it does not fit. */
function typedTarget(app: App, name: string, { key, partition }: SendOptions): Target {
  const topic = app.topology.topics.get(name)
  if (topic === undefined) {
    const known = [...app.topology.topics.keys()].join(', ') || 'none'
    throw new EuphorionError('TOPIC_UNKNOWN', `the app has no topic ${name}; it has: ${known}`)
  }
  const keyed = key === undefined ? {} : { key: read(topic.key, key, 'key') }
  return {
    send: (value) => topic.send({ value: read(topic.value, value, 'value'), partition, ...keyed }),
    close: () => app.stop(),
  }
}

/** The text of the command line as the topic's readers will see it. */
function read(codec: Codec<unknown>, text: string, what: string): unknown {
  const decoded = codec.decode(Buffer.from(text))
  if (!(decoded instanceof Bad)) return decoded
  const where = fieldOf(codec, text)
  const message = where ?? `the ${what} is no ${codec.name}: ${decoded.reason}`
  throw new EuphorionError('RECORD_INVALID', message)
}

/** What the writer says of a value that the reader refuses: it names the field. */
function fieldOf(codec: Codec<unknown>, text: string): string | undefined {
  try {
    codec.encode(JSON.parse(text))
  } catch (error) {
    if (error instanceof EuphorionError) return error.message
  }
  return undefined
}
