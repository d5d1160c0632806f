// Asks Kafka's own classes (KafkaMessages.java) what bytes mean, or which bytes a message has. Used
// by record_requests.ts.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { kafkaClasspath } from './kafka_jars.ts'

/** `message`: 'FetchRequest', 'FetchResponse', 'ConsumerProtocolAssignment', … */
export interface Question {
  readonly message: string
  readonly version: number
  readonly hex?: string
  readonly json?: unknown
}

export interface Reading {
  readonly hex: string
  readonly json: unknown
}

/** One reading a question; throws for what Kafka cannot read. */
export async function askKafka(questions: readonly Question[]): Promise<Reading[]> {
  const program = join(import.meta.dirname, '../../../test/support/KafkaMessages.java')
  const java = spawn('java', ['-cp', await kafkaClasspath(), program], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  java.stdin.end(questions.map((question) => JSON.stringify(question)).join('\n'))
  let text = ''
  for await (const chunk of java.stdout.setEncoding('utf8')) text += chunk
  const readings = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Reading & { error?: string })
  if (readings.length !== questions.length) throw new Error('Kafka did not answer all questions')
  for (const [i, { error }] of readings.entries())
    if (error) throw new Error(`${JSON.stringify(questions[i])}: ${error}`)
  return readings
}
