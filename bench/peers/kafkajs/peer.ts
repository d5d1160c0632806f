// W0–W3 by a consumer that is written by hand on kafkajs: JSON.parse, and cells in a Map. Started
// by bench/peers/streams/measure.ts.
import { createRequire } from 'node:module'
import { Kafka, logLevel } from 'kafkajs'
import { pause, systemClock } from '../../../src/clock.ts'
import {
  type AnswerRow,
  readSpec,
  SAMPLE_MS,
  tell,
  tellDone,
  writeAnswer,
} from '../streams/spec.ts'

interface View {
  readonly url: string
  readonly ms: number
  readonly ts: number
}

interface Cell {
  count: number
  total: number
  least: number
  most: number
}

const spec = readSpec()
const { workload, topic, ends } = spec
const clock = systemClock
const STEP_MS = 10_000
const SIZE_MS = 60_000
const EPOCH_MS = 1_700_000_000_000
const COMMIT_MS = 250
const POLL_MS = 10

const sums = { events: 0, characters: 0, ms: 0, ts: 0 }
const counts = new Map<string, number>()
const cells = new Map<string, Cell>()

function addUp({ url, ms, ts }: View): void {
  sums.events++
  sums.characters += url.length
  sums.ms += ms
  sums.ts += ts - EPOCH_MS
}

function count(key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function countInWindows({ url, ms, ts }: View): void {
  const newest = ts - (ts % STEP_MS)
  for (let start = newest; start > newest - SIZE_MS; start -= STEP_MS) {
    const key = `${url}\t${start}`
    const cell = cells.get(key)
    if (cell === undefined) cells.set(key, { count: 1, total: ms, least: ms, most: ms })
    else {
      cell.count++
      cell.total += ms
      if (ms < cell.least) cell.least = ms
      if (ms > cell.most) cell.most = ms
    }
  }
}

const work: Readonly<Record<typeof workload, (view: View) => void>> = {
  w0: addUp,
  w1: ({ url, ts }) => count(`${url}\t${ts - (ts % STEP_MS)}`),
  w2: countInWindows,
  w3: ({ url }) => count(`${url}\t0`),
}

const consumed = ends.map(() => 0)
const deadline = { at: Number.POSITIVE_INFINITY }
const all = ends.reduce((total, end) => total + end, 0)
const isOver = (): boolean =>
  clock.monotonic() > deadline.at || consumed.reduce((total, end) => total + end, 0) === all

const kafka = new Kafka({ brokers: spec.brokers.split(','), logLevel: logLevel.NOTHING })
const consumer = kafka.consumer({ groupId: spec.id, maxBytesPerPartition: 2 << 20 })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
const { version } = createRequire(import.meta.url)('kafkajs/package.json') as { version: string }
consumer.on(consumer.events.GROUP_JOIN, () => {
  deadline.at = clock.monotonic() + spec.seconds * 1000
  tell({ peer: 'ready', version: `kafkajs ${version}, Node ${process.versions.node}` })
})
const each = work[workload]
await consumer.run({
  autoCommitInterval: COMMIT_MS,
  eachBatch: async ({ batch }) => {
    if (isOver()) return
    for (const { value } of batch.messages) each(JSON.parse(value!.toString()) as View)
    consumed[batch.partition] += batch.messages.length
  },
})
let told = 0
while (!isOver()) {
  if (clock.monotonic() - told > SAMPLE_MS) {
    told = clock.monotonic()
    tell({ peer: 'at', consumed })
  }
  await pause(clock, POLL_MS)
}
await consumer.commitOffsets(
  consumed.map((offset, partition) => ({ topic, partition, offset: String(offset) })),
)
tellDone(consumed)
writeAnswer(spec, consumed, answer())
await consumer.disconnect()

function* answer(): Generator<AnswerRow> {
  if (workload === 'w0') yield ['', 0, sums.events, sums.characters, sums.ms, sums.ts]
  for (const [key, views] of counts) yield [...split(key), views]
  for (const [key, { count, total, least, most }] of cells)
    yield [...split(key), count, total, least, most]
}

function split(key: string): [url: string, start: number] {
  const [url, start] = key.split('\t')
  return [url, Number(start)]
}
