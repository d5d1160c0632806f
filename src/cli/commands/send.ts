// `euphorion send`: stores a record in a topic, or a record for each line of standard input.
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { EuphorionError } from '../../errors.ts'
import type { RecordMetadata } from '../../ingest/receipt.ts'
import type { LogHeader } from '../../log/log.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, findApp } from '../load_app.ts'
import { addExamples, addSettings, commandSettings, whole } from '../options.ts'
import { type SendFacts, type SendText, textTarget, typedTarget } from '../send_target.ts'

interface SendOptions extends SendFacts {
  readonly file?: string
  readonly repeat: number
  readonly json?: boolean
}

const REPEAT_MAX = 1_000_000
/** Lines sent and not yet stored. */
const LINES_MAX = 1000

export function addSend(program: Command, context: CommandContext): void {
  const command = program
    .command('send')
    .description('store a record in a topic')
    .argument('<topic>', 'or @agent: the topic that it reads')
    .argument('[value]', 'JSON for topics with records, else text; -: a record a line of the input')
    .option('-f, --file <file>', 'a record a line of this file')
    .option('-k, --key <text>', 'key of the record')
    .option('-p, --partition <number>', 'instead of the one that the key gives', whole(0))
    .addOption(
      new Option('-H, --header <name=value>', 'a header; several times for several')
        .argParser(addHeader)
        .default([], 'none'),
    )
    .option('-t, --timestamp <time>', 'ms since the epoch, or ISO text; default: now', readTime)
    .option(
      '-m, --model <name>',
      "a record of the app that the value must be, whatever the topic's",
    )
    .option('-r, --repeat <times>', 'send it so many times', whole(1, REPEAT_MAX), 1)
    .option('--json', 'print where it was stored as JSON')
    .action(async (topic: string, value: string | undefined, options: SendOptions) => {
      checkUse(value, options)
      const app = await findApp(context, command)
      const target =
        app === undefined
          ? await textTarget(topic, options, commandSettings(command))
          : typedTarget(app, topic, options)
      const show = options.json === true ? JSON.stringify : showPlace
      const print = (stored: RecordMetadata): boolean => process.stdout.write(`${show(stored)}\n`)
      try {
        const input = options.file === undefined ? process.stdin : await openFile(options.file)
        if (value === undefined || value === '-') await sendLines(input, target.send, print)
        else for (let count = 0; count < options.repeat; count++) print(await target.send(value))
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
    ['a file of them', 'euphorion send sample-topic --file readings.jsonl -A sample.ts'],
    [
      'with a key and a header',
      'euphorion send greetings hello -k me -H source=terminal --broker kafka://localhost',
    ],
    ['to what an agent reads', `euphorion send @greeter '"hello"' -A greeter.ts`],
  ])
}

function checkUse(value: string | undefined, { file, repeat, model }: SendOptions): void {
  if (value === undefined && file === undefined)
    throw new EuphorionError('USAGE', 'a value, or --file, is missing')
  if (value !== undefined && file !== undefined)
    throw new EuphorionError('USAGE', 'a value and --file exclude each other')
  if (repeat > 1 && (value === undefined || value === '-'))
    throw new EuphorionError('USAGE', '--repeat goes with a value')
  if (model === '') throw new EuphorionError('USAGE', '--model has no name')
}

function addHeader(text: string, headers: readonly LogHeader[]): LogHeader[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It is a name, =, and a value.')
  return [...headers, { key: text.slice(0, at), value: Buffer.from(text.slice(at + 1)) }]
}

function readTime(text: string): number {
  const ms = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isSafeInteger(ms)) return ms
  throw new InvalidArgumentError('It is ms since the epoch, or ISO text.')
}

/** Rejects with USAGE where it cannot be read. */
async function openFile(file: string): Promise<Readable> {
  const stream = createReadStream(file)
  try {
    await once(stream, 'open')
    return stream
  } catch (cause) {
    throw new EuphorionError('USAGE', `cannot read ${file}`, { cause })
  }
}

function showPlace({ topic, partition, offset }: RecordMetadata): string {
  return `${topic}/${partition} at ${offset}`
}

/**
 * Empty lines are passed over. Ends at the first record that is refused, and rejects naming its
 * line; what was stored is printed all the same.
 */
async function sendLines(
  input: Readable,
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
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
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
