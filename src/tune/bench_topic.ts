// Makes the page views of a bench in a topic, unless an earlier run left the same ones there.
import { EuphorionError } from '../errors.ts'
import type { Compression, Log } from '../log/log.ts'
import { prepareCompression } from '../wire/compression.ts'
import { PageViews } from './workload.ts'

export interface BenchTopic {
  readonly events: number
  readonly partitions: number
  readonly keys: number
  readonly compression: Compression
  /** Records in a batch. Default: that of PageViews. */
  readonly batchRecords?: number
  /** Of what is drawn by chance. Default 1. */
  readonly seed?: number
}

const UNLIMITED = -1
/** Batches on their way while the next one is made. */
const APPENDS_MAX = 16

/** How many records the topic has; undefined where there is none. */
async function recordsIn(log: Log, topic: string): Promise<number | undefined> {
  const known = (await log.topics()).some(({ name }) => name === topic)
  if (!known) return undefined
  const offsets = await log.offsets(topic)
  return offsets.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0)
}

/** The topic's name, which says what is in it. `progress` hears of events written so far. */
export async function prepareTopic(
  log: Log,
  wanted: BenchTopic,
  progress: (events: number) => void,
): Promise<string> {
  const { events, partitions, keys, compression, batchRecords, seed = 1 } = wanted
  const batches = batchRecords === undefined ? '' : `-${batchRecords}`
  const seeds = seed === 1 ? '' : `-seed${seed}`
  const name = `${events}-${partitions}-${keys}-${compression}${batches}${seeds}`
  const topic = `bench-pageviews-${name}`
  const found = await recordsIn(log, topic)
  if (found === events) return topic
  if (found !== undefined) await log.deleteTopic(topic)
  const config = { retentionMs: UNLIMITED, retentionBytes: UNLIMITED }
  await log.createTopic(topic, { partitions, config })
  await prepareCompression(compression)
  const views = new PageViews(wanted)
  await writeViews(log, topic, views, progress)
  return topic
}

/** Writes all of them, several batches at once; `progress` hears of events written so far. */
export async function writeViews(
  log: Log,
  topic: string,
  views: PageViews,
  progress: (events: number) => void,
): Promise<void> {
  const producer = await log.producer()
  const underWay = new Set<Promise<unknown>>()
  let written = 0
  for (let batch = views.nextBatch(); batch !== undefined; batch = views.nextBatch()) {
    // A copy: the next batch is written over this one while it is on its way.
    const stored = producer.appendBatch(topic, batch.partition, batch.bytes.slice())
    underWay.add(stored)
    stored.then(
      () => underWay.delete(stored),
      () => undefined,
    )
    if (underWay.size >= APPENDS_MAX) await Promise.race(underWay)
    written += batch.records
    progress(written)
  }
  await Promise.all(underWay)
  await producer.close()
}

/** Number of events in a topic that was there before. */
export async function eventsIn(log: Log, topic: string): Promise<number> {
  const records = await recordsIn(log, topic)
  if (records === 0)
    throw new EuphorionError('USAGE', `topic ${topic} is empty: there is nothing to measure`)
  if (records !== undefined) return records
  throw new EuphorionError('TOPIC_UNKNOWN', `There is no topic ${topic}`, { place: { topic } })
}
