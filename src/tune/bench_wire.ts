// One run of `euphorion bench wire`: how fast records come from a log, and how fast they get into
// it, with nothing else done to them.
import { Connection } from '../app/connection.ts'
import { type Clock, systemClock } from '../clock.ts'
import type { LogConsumer, PartitionOffsets } from '../log/log.ts'
import { Topic, type TopicPort } from '../stream/topic.ts'
import { BatchCursor } from '../wire/batch_header.ts'
import type { WireBenchRun, WireBenchSpec } from './bench_wire_spec.ts'
import { PageView } from './page_view.ts'
import { PageViews } from './workload.ts'

type View = { user: string; url: string; ms: number; ts: number }
type ViewTopic = Topic<Uint8Array | null, View>

const IN_FLIGHT = 1000
/** Different events; they are sent again and again. */
const ROWS = 100_000

export async function runWireBench(
  spec: WireBenchSpec,
  clock: Clock = systemClock,
): Promise<WireBenchRun> {
  const connection = await Connection.open(spec.settings, clock)
  try {
    const measured = await parts[spec.part](spec, connection, clock)
    return { ...measured, maxResidentMiB: process.resourceUsage().maxRSS / 1024 }
  } finally {
    await connection.close()
  }
}

type Measured = Omit<WireBenchRun, 'maxResidentMiB'>
type Part = (spec: WireBenchSpec, connection: Connection, clock: Clock) => Promise<Measured>

const parts: Readonly<Record<WireBenchSpec['part'], Part>> = {
  fetch: measureFetch,
  async sendMany(spec, connection, clock) {
    const columns = viewColumns(Math.min(ROWS, spec.events))
    return measureSends(spec, connection, clock, (topic) =>
      sendColumns(topic, columns, spec.events),
    )
  },
  async send(spec, connection, clock) {
    const views = someViews(Math.min(ROWS, spec.events))
    return measureSends(spec, connection, clock, (topic) => sendOneByOne(topic, views, spec.events))
  },
}

function someViews(count: number): View[] {
  const made = new PageViews({ events: count })
  const views: View[] = []
  for (let view = made.nextEvent(); view !== undefined; view = made.nextEvent()) views.push(view)
  return views
}

/** What a program that has its data in columns would pass. */
function viewColumns(count: number) {
  const views = someViews(count)
  return {
    user: views.map(({ user }) => user),
    url: views.map(({ url }) => url),
    ms: Float64Array.from(views, ({ ms }) => ms),
    ts: Float64Array.from(views, ({ ts }) => ts),
  }
}

async function sendColumns(
  topic: ViewTopic,
  { user, url, ms, ts }: ReturnType<typeof viewColumns>,
  events: number,
): Promise<number> {
  let stored = 0
  while (stored < events) {
    const count = Math.min(user.length, events - stored)
    const timestamp = ts.subarray(0, count)
    const value =
      count === user.length
        ? { user, url, ms, ts }
        : {
            user: user.slice(0, count),
            url: url.slice(0, count),
            ms: ms.subarray(0, count),
            ts: timestamp,
          }
    stored += (await topic.sendMany({ value, timestamp })).records
  }
  return stored
}

async function sendOneByOne(
  topic: ViewTopic,
  views: readonly View[],
  events: number,
): Promise<number> {
  let sent = 0
  let stored = 0
  const sender = async (): Promise<void> => {
    while (sent < events) {
      const value = views[sent++ % views.length]
      const { offset } = await topic.send({ value, timestamp: value.ts })
      if (offset >= 0) stored++
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender))
  return stored
}

async function measureSends(
  { topic, events }: WireBenchSpec,
  connection: Connection,
  clock: Clock,
  sendAll: (topic: ViewTopic) => Promise<number>,
): Promise<Measured> {
  const port: TopicPort = {
    now: () => clock.now(),
    storeRow: (name, row) => connection.storeRow(name, row),
    storeMany: (name, rows) => connection.storeMany(name, rows),
  }
  await connection.partitions(topic)
  const views = new Topic<Uint8Array | null, View>(topic, { value: PageView, keyedBy: 'url' }, port)
  const measured = await timed(events, clock, () => sendAll(views))
  const offsets = await connection.log.offsets(topic)
  return { ...measured, verified: measured.verified && recordsOf(offsets) === events }
}

const recordsOf = (offsets: readonly PartitionOffsets[]): number =>
  offsets.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0)

/** From `begin`, or from the start where that is not called. */
async function timed(
  events: number,
  clock: Clock,
  run: (begin: () => void) => Promise<number>,
): Promise<Measured> {
  let startMs = clock.monotonic()
  let started = process.cpuUsage()
  const counted = await run(() => {
    startMs = clock.monotonic()
    started = process.cpuUsage()
  })
  const seconds = (clock.monotonic() - startMs) / 1000
  const cpu = process.cpuUsage(started)
  return {
    events,
    seconds,
    recordsPerSecond: events / seconds,
    cpuSecondsPerMillion: (cpu.user + cpu.system) / events,
    verified: counted === events,
  }
}

async function measureFetch(
  { topic, events, settings }: WireBenchSpec,
  { log }: Connection,
  clock: Clock,
): Promise<Measured> {
  const ends = await log.offsets(topic)
  let begin = (): void => undefined
  const held = new Set<number>()
  const consumer = await log.consumer({
    groupId: `${topic}-${process.pid}-${clock.now()}`,
    topics: [topic],
    startFrom: 'earliest',
    maxBytes: settings.batchBytes,
    onAssigned: async (partitions) => {
      for (const { partition } of partitions) held.add(partition)
      if (held.size === ends.length) begin()
      return []
    },
    onRevoked: async () => undefined,
  })
  const counter = new RecordCounter(consumer, ends, settings.batchBytes)
  try {
    const fetches = log.capabilities.overlappingFetches ? settings.fetchesInFlight : 1
    return await timed(events, clock, async (assigned) => {
      begin = assigned
      await counter.count(fetches)
      return counter.isContiguous ? counter.records : -1
    })
  } finally {
    await consumer.close()
  }
}

/** Counts what a consumer fetches by the headers of the batches, up to the given ends. */
class RecordCounter {
  records = 0
  /** Each partition came from its beginning to its end, each offset once. */
  isContiguous = true
  readonly #consumer: LogConsumer
  readonly #batchBytes: number
  /** Next offset of each partition, and where it ends. */
  readonly #positions: number[]
  readonly #ends: readonly number[]
  readonly #stop = new AbortController()
  #left: number

  constructor(consumer: LogConsumer, ends: readonly PartitionOffsets[], batchBytes: number) {
    this.#consumer = consumer
    this.#batchBytes = batchBytes
    this.#positions = ends.map(({ earliest }) => earliest)
    this.#ends = ends.map(({ latest }) => latest)
    this.#left = ends.filter(({ earliest, latest }) => earliest < latest).length
  }

  async count(fetches: number): Promise<void> {
    if (this.#left > 0) await Promise.all(Array.from({ length: fetches }, () => this.#read()))
  }

  async #read(): Promise<void> {
    let target = new Uint8Array(new SharedArrayBuffer(this.#batchBytes))
    const { signal } = this.#stop
    while (!signal.aborted) {
      const result = await this.#consumer.fetch(target, () => true, signal)
      if (result.kind === 'too-small')
        target = new Uint8Array(new SharedArrayBuffer(result.neededBytes))
      else if (result.kind === 'batches') this.#add(result.partition, target, result.bytes)
    }
  }

  #add(partition: number, bytes: Uint8Array, size: number): void {
    const batch = new BatchCursor(bytes, 0, size)
    while (batch.next()) {
      if (batch.baseOffset !== this.#positions[partition]) this.isContiguous = false
      this.#positions[partition] = batch.lastOffset + 1
      this.records += batch.recordCount
    }
    if (this.#positions[partition] < this.#ends[partition]) return
    this.#left--
    if (this.#left === 0) this.#stop.abort()
  }
}
