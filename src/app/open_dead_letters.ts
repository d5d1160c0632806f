// Where a worker's bad records go, and the topic for them. Called by the worker when it starts.
import { DeadLetters } from '../ingest/dead_letter.ts'
import type { Settings } from '../settings.ts'
import { mayDeadLetter } from '../stream/supervision.ts'
import type { App } from './app.ts'
import type { Connection } from './connection.ts'
import { ensureTopics } from './topics.ts'

/** The topic is made only when something can be sent to it. */
export async function openDeadLetters(
  { app, settings }: { readonly app: App; readonly settings: Settings },
  connection: Connection,
): Promise<DeadLetters> {
  const { clock } = app
  const topic = settings.deadLetterTopic ?? `${app.id}-dead-letter`
  const { agents, aggregations } = app.topology
  const readers = [...agents.map((each) => each.definition), ...aggregations]
  const mayFail = agents.some((each) => mayDeadLetter(each.definition.supervision, settings))
  if (!mayFail && !readers.some(({ onBadRecord }) => onBadRecord === 'dead-letter')) {
    return new DeadLetters({ topic, partitions: 1, sender: connection.sender, clock })
  }
  // What could be read can be sent there, whatever the log's own limit is.
  const config = { maxMessageBytes: settings.maxRecordBytes }
  await ensureTopics(connection.log, [{ name: topic, config }], {
    create: settings.createTopics,
    partitions: settings.topicPartitions,
  })
  const partitions = await connection.partitions(topic)
  return new DeadLetters({ topic, partitions, sender: connection.sender, clock })
}
