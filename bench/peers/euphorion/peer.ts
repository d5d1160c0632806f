// W0–W3 by Euphorion, as its user writes them. Started by bench/peers/streams/measure.ts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { openStoredTable } from '../../../src/app/stored_table.ts'
import { pause, systemClock } from '../../../src/clock.ts'
import {
  App,
  count,
  float64,
  hopping,
  max,
  min,
  record,
  string,
  sum,
  timestamp,
  tumbling,
} from '../../../src/index.ts'
import { root } from '../../report/checkout.ts'
import {
  type AnswerRow,
  readSpec,
  SAMPLE_MS,
  tell,
  tellDone,
  writeAnswer,
} from '../streams/spec.ts'

const spec = readSpec()
const { workload, guarantee, topic, ends } = spec
const clock = systemClock
const dataDir = join(spec.directory, 'data')
/** As often as Kafka Streams commits by default under exactly_once. */
const commitIntervalMs = guarantee === 'exactly_once' ? 100 : 250
const POLL_MS = 10
/** Event times are counted from here, so that their sum is exact. */
const EPOCH_MS = 1_700_000_000_000

const app = new App(spec.id, {
  broker: `kafka://${spec.brokers}`,
  dataDir,
  guarantee,
  commitIntervalMs,
  logLevel: 'error',
  web: false,
})
const PageView = record('PageView', {
  user: string(),
  url: string(),
  ms: float64(),
  ts: timestamp(),
})
const views = app.topic(topic, { key: string(), value: PageView, keyedBy: 'url' })
const sums = { events: 0, characters: 0, ms: 0, ts: 0 }

if (workload === 'w0') {
  app.agent(views, async (stream) => {
    for await (const { url, ms, ts } of stream) {
      sums.events++
      sums.characters += url.length
      sums.ms += ms
      sums.ts += ts - EPOCH_MS
    }
  })
} else {
  const byUrl = app.stream(views).keyBy('url').time('ts')
  if (workload === 'w1')
    byUrl.window(tumbling('10s', { grace: '5s' })).aggregate('views', () => ({ views: count() }))
  else if (workload === 'w2')
    byUrl.window(hopping('60s', '10s', { grace: '5s' })).aggregate('views', (view) => ({
      views: count(),
      total: sum(view.ms),
      fastest: min(view.ms),
      slowest: max(view.ms),
    }))
  else byUrl.aggregate('views', () => ({ views: count() }))
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
app.sensors.add({
  onAssigned: () =>
    tell({ peer: 'ready', version: `Euphorion ${version}, Node ${process.versions.node}` }),
})
await app.start()
const deadline = clock.monotonic() + spec.seconds * 1000
const all = ends.reduce((total, end) => total + end, 0)
let told = 0
for (;;) {
  const consumed = app.statistics().map(({ nextOffset }) => nextOffset)
  if (clock.monotonic() - told > SAMPLE_MS) {
    told = clock.monotonic()
    tell({ peer: 'at', consumed: workload === 'w0' ? [sums.events] : consumed })
  }
  const stored = app.statistics().reduce((total, lane) => total + lane.storedOffset, 0)
  if ((workload === 'w0' ? sums.events : stored) === all) break
  if (clock.monotonic() > deadline) break
  await pause(clock, POLL_MS)
}
const isStored = workload !== 'w0' && clock.monotonic() <= deadline
if (isStored) tellDone(ends)
// with the last cut
await app.stop()
const committed = await committedOffsets()
if (!isStored) tellDone(committed)
writeAnswer(spec, committed, await rows())

async function committedOffsets(): Promise<number[]> {
  const kafka = new Kafka({ brokers: spec.brokers.split(','), logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const [{ partitions }] = await admin.fetchOffsets({ groupId: spec.id, topics: [topic] })
  await admin.disconnect()
  const offsets = new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  return ends.map((_, partition) => Math.max(0, offsets.get(partition) ?? 0))
}

async function rows(): Promise<AnswerRow[]> {
  if (workload === 'w0') return [['', 0, sums.events, sums.characters, sums.ms, sums.ts]]
  const table = await openStoredTable(dataDir, [spec.id], 'views')
  const found: AnswerRow[] = []
  for await (const row of table.reader.range({})) {
    const {
      key,
      start = 0,
      views,
      total,
      fastest,
      slowest,
    } = row as unknown as {
      key: string
      start?: number
      views: number
      total: number
      fastest: number
      slowest: number
    }
    found.push(
      workload === 'w2' ? [key, start, views, total, fastest, slowest] : [key, start, views],
    )
  }
  await table.close()
  return found
}
