// Writes test/wire/recorded: requests and answers as bytes, beside what Kafka's own classes read in
// them. From a broker started here, asked by our encoders and by kafkajs; and messages that a test
// broker does not send, made by Kafka's classes. Run by hand after a change of the requests:
// node dist/test/support/record_requests.js
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { requests } from '../../src/wire/requests.ts'
import { type Exchange, FrameRecorder } from './frame_recorder.ts'
import { startKafka } from './kafka.ts'
import { askKafka, type Question } from './kafka_messages.ts'
import {
  firstVersions,
  lastVersions,
  madeAnswers,
  madeAssignments,
  madeRequests,
  madeSubscriptions,
} from './made_messages.ts'
import { askEverything } from './wire_scenario.ts'

const folder = join(import.meta.dirname, '../../../test/wire/recorded')
/** Of a request in a version, as kafkajs sends them over and over. */
const samplesMax = 4

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true })
  await write('made.json', ofMade())
  await writeErrors()
  const kafka = await startKafka()
  try {
    const recorder = await FrameRecorder.open(Number(kafka.brokers.split(':')[1]))
    await askEverything(recorder.port)
    await useKafkajs(recorder.port)
    recorder.close()
    const ours = recorder.exchanges.filter(({ clientId }) => clientId === 'euphorion')
    const theirs = recorder.exchanges.filter(({ clientId }) => clientId !== 'euphorion')
    await write('broker.json', ofExchanges(distinct(ours)))
    await write('kafkajs.json', ofExchanges(few(theirs)))
  } finally {
    await kafka.stop()
  }
}

/** What a user of kafkajs does: it speaks some of our versions. */
async function useKafkajs(port: number): Promise<void> {
  const client = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    clientId: 'kafkajs',
    logLevel: logLevel.NOTHING,
    socketFactory: ({ onConnect }) => connect(port, '127.0.0.1', onConnect),
  })
  const producer = client.producer({ transactionalId: 'of-kafkajs', maxInFlightRequests: 1 })
  await producer.connect()
  for (const abort of [false, true]) {
    const transaction = await producer.transaction()
    const messages = [{ key: 'k', value: 'v', headers: { h: 'x' }, timestamp: '1700000000000' }]
    await transaction.send({ topic: 'recorded', messages })
    await transaction.sendOffsets({
      consumerGroupId: 'group-of-kafkajs',
      topics: [{ topic: 'recorded', partitions: [{ partition: 0, offset: '1' }] }],
    })
    await (abort ? transaction.abort() : transaction.commit())
  }
  await producer.disconnect()
  const consumer = client.consumer({ groupId: 'group-of-kafkajs', maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'recorded', fromBeginning: true })
  await new Promise<void>((resolve) => {
    consumer.run({ eachMessage: async () => resolve() })
  })
  await consumer.disconnect()
}

/** Without those that say the same again, as questions do that are repeated until they succeed. */
function distinct(exchanges: readonly Exchange[]): Exchange[] {
  const seen = new Set<string>()
  return exchanges.filter(({ name, version, sent, received }) => {
    const key = `${name} ${version} ${sent.toString('hex')} ${received.toString('hex')}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** The first few of each kind, and nothing long. */
function few(exchanges: readonly Exchange[]): Exchange[] {
  const counts = new Map<string, number>()
  return exchanges.filter(({ name, version, received }) => {
    const key = `${name} ${version}`
    const count = counts.get(key) ?? 0
    counts.set(key, count + 1)
    return count < samplesMax && received.length < 4096
  })
}

function ofExchanges(exchanges: readonly Exchange[]): Question[] {
  return exchanges.flatMap(({ name, version, sent, received }) => [
    { message: `${name}Request`, version, hex: sent.toString('hex') },
    { message: `${name}Response`, version, hex: received.toString('hex') },
  ])
}

function ofMade(): Question[] {
  const questions: Question[] = []
  const add = (message: string, [lowest, highest]: readonly number[], made: readonly object[]) => {
    for (let version = lowest; version <= highest; version++)
      for (const json of made)
        questions.push({ message, version, json: inVersion(message, version, json) })
  }
  for (const { name, versions } of Object.values(requests)) {
    add(`${name}Request`, versions, madeRequests[name])
    add(`${name}Response`, versions, madeAnswers[name])
  }
  add('ConsumerProtocolSubscription', [0, 3], madeSubscriptions)
  add('ConsumerProtocolAssignment', [0, 3], madeAssignments)
  return questions
}

function inVersion(message: string, version: number, json: object): object {
  const first = firstVersions[message] ?? {}
  const last = lastVersions[message] ?? {}
  const still = Object.entries(json).filter(([name]) => !(last[name] < version))
  const already = (name: string, value: unknown) => (first[name] > version ? undefined : value)
  return JSON.parse(JSON.stringify(Object.fromEntries(still), already))
}

async function write(file: string, questions: readonly Question[]): Promise<void> {
  const readings = await askKafka(questions)
  const samples = readings.map(({ hex, json }, i) => {
    const { message, version, hex: recorded = hex } = questions[i]
    if (recorded !== hex) console.log(`${message} ${version}: Kafka writes it in another way`)
    return { message, version, hex: recorded, json }
  })
  const lines = samples.map((sample) => JSON.stringify(sample)).join(',\n')
  writeFileSync(join(folder, file), `[\n${lines}\n]\n`)
  console.log(`${file}: ${samples.length} messages`)
}

async function writeErrors(): Promise<void> {
  const [{ json }] = await askKafka([{ message: 'Errors', version: 0 }])
  const lines = (json as object[]).map((error) => JSON.stringify(error)).join(',\n')
  writeFileSync(join(folder, 'errors.json'), `[\n${lines}\n]\n`)
}

await main()
