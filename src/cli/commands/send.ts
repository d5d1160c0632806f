// `euphorion send`: stores a record in a topic, or a record for each line of standard input.
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import type { App } from '../../app/app.ts'
import { Connection } from '../../app/connection.ts'
import { systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { Bad } from '../../record/bad.ts'
import type { Codec } from '../../record/codec.ts'
import type { RecordMetadata } from '../../stream/topic.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, findApp } from '../load_app.ts'
import { addExamples, addSettings, commandSettings, whole } from '../options.ts'

interface SendOptions {
  readonly key?: string
  readonly partition?: number
  readonly json?: boolean
}

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

/** Empty lines are passed over. Rejects at the first record that is refused, naming its line. */
async function sendLines(
  send: SendText,
  print: (stored: RecordMetadata) => boolean,
): Promise<void> {
  const onTheWay: Promise<RecordMetadata>[] = []
  let line = 0
  const printOldest = async (): Promise<void> => {
    const stored = await onTheWay.shift()
    if (stored !== undefined) print(stored)
  }
  for await (const text of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    line++
    if (text.trim() === '') continue
    const at = line
    const sent = send(text).catch((error: unknown) => {
      if (!(error instanceof EuphorionError)) throw error
      const message = `line ${at}: ${error.message}`
      throw new EuphorionError(error.code, message, { cause: error.cause, place: error.place })
    })
    // whoever is behind a refused line must not be an unhandled rejection
    sent.catch(() => undefined)
    onTheWay.push(sent)
    if (onTheWay.length >= LINES_MAX) await printOldest()
  }
  while (onTheWay.length > 0) await printOldest()
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
    send: async (value) =>
      topic.send({ value: read(topic.value, value, 'value'), partition, ...keyed }),
    close: () => app.stop(),
  }
}

/** The text of the command line as the topic's readers will see it. */
function read(codec: Codec<unknown>, text: string, what: string): unknown {
  const decoded = codec.decode(Buffer.from(text))
  if (!(decoded instanceof Bad)) return decoded
  const message = `the ${what} is no ${codec.name}: ${decoded.reason}`
  throw new EuphorionError('RECORD_INVALID', message)
}
