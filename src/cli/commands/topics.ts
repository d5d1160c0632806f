// `euphorion topics`: lists the topics of a log, describes one, creates and deletes.
import { type Command, Option } from 'commander'
import { Connection } from '../../app/connection.ts'
import { systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import type { Log } from '../../log/log.ts'
import type { Settings } from '../../settings.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, findApp } from '../load_app.ts'
import { addExamples, addSettings, commandSettings, whole } from '../options.ts'
import { paintTable } from '../paint.ts'

interface TopicsOptions {
  readonly create?: boolean
  readonly partitions?: number
  readonly delete?: boolean
  readonly json?: boolean
}

/** What is printed, a line each. */
type Row = Readonly<Record<string, string | number>>

export function addTopics(program: Command, context: CommandContext): void {
  const command = program
    .command('topics')
    .description('list topics, or look at one; create, delete')
    .argument('[name]', 'only this topic: its partitions and their offsets')
    .option('--create', 'create the topic')
    .addOption(
      new Option('--partitions <number>', 'of the topic that is created').argParser(whole(1)),
    )
    .addOption(new Option('--delete', 'delete the topic and its records').conflicts('create'))
    .option('--json', 'print one JSON object a line')
    .action(async (name: string | undefined, options: TopicsOptions) => {
      checkUse(name, options)
      const app = await findApp(context, command)
      const settings = app?.settings ?? commandSettings(command)
      const rows = await withLog(settings, (log) => work(log, name, options, settings))
      process.stdout.write(options.json === true ? jsonLines(rows) : table(rows))
    })
  if (context.app === undefined) command.option(...appOption)
  addSettings(command, ['broker', 'transport', 'connectTimeoutMs'])
  addExamples(command, context, [
    ['of a local Kafka', 'euphorion topics --broker kafka://localhost'],
    ['of the app in sample.ts, also while its worker runs', 'euphorion topics -A sample.ts'],
    ['one of them', 'euphorion topics sample-topic -A sample.ts'],
    ['a new one', 'euphorion topics greetings --create --partitions 2 --broker embedded:./data'],
  ])
}

function checkUse(name: string | undefined, options: TopicsOptions): void {
  const changes = options.create === true || options.delete === true
  if (changes && name === undefined) throw new EuphorionError('USAGE', 'the name is missing')
  if (options.partitions !== undefined && options.create !== true) {
    throw new EuphorionError('USAGE', '--partitions goes with --create')
  }
}

async function withLog<T>(settings: Settings, use: (log: Log) => Promise<T>): Promise<T> {
  const connection = await Connection.open(settings, systemClock, { remote: 'allow' })
  try {
    return await use(connection.log)
  } finally {
    await connection.close()
  }
}

async function work(
  log: Log,
  name: string | undefined,
  options: TopicsOptions,
  settings: Settings,
): Promise<Row[]> {
  if (name === undefined) return listTopics(log)
  if (options.delete === true) {
    await log.deleteTopic(name)
    return [{ topic: name, deleted: 'yes' }]
  }
  if (options.create === true) {
    const partitions = options.partitions ?? settings.topicPartitions
    const isNew = await log.createTopic(name, { partitions })
    if (!isNew) process.stderr.write(`topic ${name} exists already\n`)
  }
  return describeTopic(log, name)
}

async function listTopics(log: Log): Promise<Row[]> {
  const rows: Row[] = []
  for (const { name, partitions } of await log.topics()) {
    const offsets = await log.offsets(name)
    const records = offsets.reduce((sum, each) => sum + each.latest - each.earliest, 0)
    rows.push({ topic: name, partitions, records })
  }
  return rows
}

async function describeTopic(log: Log, topic: string): Promise<Row[]> {
  const offsets = await log.offsets(topic)
  return offsets.map(({ partition, earliest, latest }) => ({ topic, partition, earliest, latest }))
}

function jsonLines(rows: readonly Row[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}

function table(rows: readonly Row[]): string {
  if (rows.length === 0) return 'no topics\n'
  const head = Object.keys(rows[0])
  const cells = rows.map((row) => Object.values(row).map(String))
  const align = head.map((name) => (name === 'topic' ? 'left' : 'right'))
  return paintTable(head, cells, align)
}
