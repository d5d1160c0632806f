// `euphorion send`: stores one record in a topic.
import type { Command } from 'commander'
import type { App } from '../../app/app.ts'
import { readConfigFile } from '../../app/config_file.ts'
import { Connection } from '../../app/connection.ts'
import { systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { Bad } from '../../record/bad.ts'
import type { Codec } from '../../record/codec.ts'
import { resolveSettings } from '../../settings.ts'
import type { RecordMetadata } from '../../stream/topic.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, findApp } from '../load_app.ts'
import { addExamples, addSettings, givenSettings } from '../options.ts'

interface SendOptions {
  readonly key?: string
  readonly partition?: number
  readonly json?: boolean
}

export function addSend(program: Command, context: CommandContext): void {
  const command = program
    .command('send')
    .description('store one record in a topic')
    .argument('<topic>')
    .argument('<value>', 'JSON for topics with records, else text')
    .option('-k, --key <text>', 'key of the record')
    .option('-p, --partition <number>', 'instead of the one that the key gives', Number)
    .option('--json', 'print where it was stored as JSON')
    .action(async (topic: string, value: string, options: SendOptions) => {
      const app = await findApp(context, command)
      const stored =
        app === undefined
          ? await sendText(topic, value, options, command)
          : await sendTyped(app, topic, value, options)
      const { partition, offset } = stored
      const text = options.json ? JSON.stringify(stored) : `${topic}/${partition} at ${offset}`
      process.stdout.write(`${text}\n`)
    })
  if (context.app === undefined) {
    command.option(appOption[0], `${appOption[1]}: checks the value against its topic`)
  }
  addSettings(command, ['broker', 'transport', 'connectTimeoutMs'])
  addExamples(command, [
    ['text, to a local Kafka', 'euphorion send greetings hello --broker kafka://localhost'],
    [
      'a record of the app in sample.ts',
      `euphorion send sample-topic '{"id":"me","value":1.5}' -A sample.ts`,
    ],
  ])
}

async function sendText(
  topic: string,
  value: string,
  { key, partition }: SendOptions,
  command: Command,
): Promise<RecordMetadata> {
  const settings = resolveSettings({
    file: readConfigFile(process.cwd()),
    env: process.env,
    cli: givenSettings(command),
  })
  const connection = await Connection.open(settings, systemClock, { remote: 'allow' })
  try {
    return await connection.store(topic, partition, {
      key: key === undefined ? null : Buffer.from(key),
      value: Buffer.from(value),
      timestamp: systemClock.now(),
    })
  } finally {
    await connection.close()
  }
}

async function sendTyped(
  app: App,
  name: string,
  value: string,
  { key, partition }: SendOptions,
): Promise<RecordMetadata> {
  const topic = app.topology.topics.get(name)
  if (topic === undefined) {
    const known = [...app.topology.topics.keys()].join(', ') || 'none'
    throw new EuphorionError('TOPIC_UNKNOWN', `the app has no topic ${name}; it has: ${known}`)
  }
  const message = {
    value: read(topic.value, value, 'value'),
    partition,
    ...(key === undefined ? {} : { key: read(topic.key, key, 'key') }),
  }
  try {
    return await topic.send(message)
  } finally {
    await app.stop()
  }
}

/** The text of the command line as the topic's readers will see it. */
function read(codec: Codec<unknown>, text: string, what: string): unknown {
  const decoded = codec.decode(Buffer.from(text))
  if (!(decoded instanceof Bad)) return decoded
  const message = `the ${what} is no ${codec.name}: ${decoded.reason}`
  throw new EuphorionError('RECORD_INVALID', message)
}
