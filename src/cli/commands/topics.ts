// `euphorion topics`: lists the topics of a log.
import type { Command } from 'commander'
import { readConfigFile } from '../../app/config_file.ts'
import { Connection } from '../../app/connection.ts'
import { systemClock } from '../../clock.ts'
import { resolveSettings, type Settings } from '../../settings.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, findApp } from '../load_app.ts'
import { addExamples, addSettings, givenSettings } from '../options.ts'
import { paintTable } from '../paint.ts'

interface TopicRow {
  readonly topic: string
  readonly partitions: number
  /** Offsets that can be read, over all partitions. */
  readonly records: number
}

export function addTopics(program: Command, context: CommandContext): void {
  const command = program
    .command('topics')
    .description('list topics, their partitions and records')
    .option('--json', 'print one JSON object a line')
    .action(async ({ json }: { json?: boolean }) => {
      const app = await findApp(context, command)
      const settings =
        app?.settings ??
        resolveSettings({
          file: readConfigFile(process.cwd()),
          env: process.env,
          cli: givenSettings(command),
        })
      const rows = await readTopics(settings)
      process.stdout.write(json ? jsonLines(rows) : table(rows))
    })
  if (context.app === undefined) command.option(...appOption)
  addSettings(command, ['broker', 'transport', 'connectTimeoutMs'])
  addExamples(command, [
    ['of a local Kafka', 'euphorion topics --broker kafka://localhost'],
    [
      'of the log inside the process, also while a worker runs',
      'euphorion topics --broker embedded:./data',
    ],
  ])
}

async function readTopics(settings: Settings): Promise<TopicRow[]> {
  const connection = await Connection.open(settings, systemClock, { remote: 'allow' })
  try {
    const rows: TopicRow[] = []
    for (const { name, partitions } of await connection.log.topics()) {
      const offsets = await connection.log.offsets(name)
      const records = offsets.reduce((sum, each) => sum + each.latest - each.earliest, 0)
      rows.push({ topic: name, partitions, records })
    }
    return rows
  } finally {
    await connection.close()
  }
}

function jsonLines(rows: readonly TopicRow[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}

function table(rows: readonly TopicRow[]): string {
  const cells = rows.map((row) => [row.topic, String(row.partitions), String(row.records)])
  return paintTable(['topic', 'partitions', 'records'], cells, ['left', 'right', 'right'])
}
