// One run of a page-view bench: the engine that workers use, on a fresh store, from the first fetch
// to the cut that holds everything; then the answer is checked against the number of events.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Connection } from '../app/connection.ts'
import { Engine } from '../app/engine.ts'
import type { LaneStatistics } from '../app/lane_statistics.ts'
import type { SharedMemory } from '../batch/memory.ts'
import { Region, type SharedBatch } from '../batch/region.ts'
import { eachRow } from '../batch/rows.ts'
import { type Clock, systemClock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import { DeadLetters } from '../ingest/dead_letter.ts'
import type { Log, PartitionOffsets } from '../log/log.ts'
import { createLogger } from '../logger.ts'
import { codecOf } from '../record/codec.ts'
import { string } from '../record/fields.ts'
import type { Settings } from '../settings.ts'
import { count, max, min, sum } from '../stream/aggregates.ts'
import { type DeclaredAggregation, declareStream, type HandleOf } from '../stream/aggregation.ts'
import { changelogTopic } from '../table/changelog_topics.ts'
import { hopping, tumbling } from '../window/windows.ts'
import { benchAgentOf } from './bench_agents.ts'
import { type BenchRun, type BenchSpec, benchTable } from './bench_spec.ts'
import { LoopMeter } from './loop_meter.ts'
import { PageView, type PageViewFields } from './page_view.ts'

const MIB = 1 << 20
const LOOK_MS = 10

/** The declared aggregation of w1, w2 and w3. */
export function aggregationOf(spec: BenchSpec): AggregationDefinition {
  let declared: DeclaredAggregation | undefined
  const source = {
    name: spec.topic,
    key: codecOf(string()),
    value: PageView.schema,
    keyedBy: ['url'],
    maxFutureMs: spec.settings.maxFutureMs,
  }
  const stream = declareStream<PageViewFields, string, HandleOf>(source, (made) => {
    declared = made
  })
    .keyBy('url')
    .time('ts')
  if (spec.workload === 'w1') {
    stream
      .window(tumbling('10s', { grace: '5s' }))
      .aggregate(benchTable, () => ({ views: count() }))
  } else if (spec.workload === 'w2') {
    stream.window(hopping('60s', '10s', { grace: '5s' })).aggregate(benchTable, (v) => ({
      views: count(),
      total: sum(v.ms),
      fastest: min(v.ms),
      slowest: max(v.ms),
    }))
  } else stream.aggregate(benchTable, () => ({ views: count() }))
  return { ...declared!, onBadRecord: 'skip', outputs: [], late: [] }
}

/** Writes the first batch that it is shown. */
function firstBatchTo(file: string): (batch: SharedBatch, memory: SharedMemory) => void {
  let isWritten = false
  return (batch, memory) => {
    if (isWritten) return
    isWritten = true
    try {
      writeFileSync(file, Region.flatBuffer(memory, batch))
    } catch (cause) {
      throw new EuphorionError('USAGE', `--dump-batch cannot write ${file}`, { cause })
    }
  }
}

/** Adds up the counts of all cells in the stores. */
export async function countCells(
  engine: Engine,
  topic: string,
): Promise<{ cells: number; events: bigint }> {
  let cells = 0
  let events = 0n
  for (const store of engine.stores(topic).values()) {
    for await (const rows of store.scanRows({
      gte: Buffer.from([0, 1]),
      lt: Buffer.from([255, 255]),
    })) {
      const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
      eachRow(rows, (_op, _keyStart, keyEnd) => {
        cells++
        events += view.getBigUint64(keyEnd, true)
      })
    }
  }
  return { cells, events }
}

/** Every record before the ends was counted. */
function areThrough(lanes: readonly LaneStatistics[], ends: readonly PartitionOffsets[]): boolean {
  const isThrough = ({ partition, nextOffset }: LaneStatistics): boolean => {
    const { earliest, latest } = ends[partition]
    return nextOffset >= latest || earliest === latest
  }
  return lanes.length === ends.length && lanes.every(isThrough)
}

/** Resolves when every partition has been consumed up to the end that it had at the start. */
function whenConsumed(
  isDone: () => boolean,
  clock: Clock,
): { promise: Promise<void>; look: () => void; end: () => void } {
  let look = (): void => undefined
  let end = (): void => undefined
  const promise = new Promise<void>((resolve) => {
    look = () => {
      if (isDone()) resolve()
    }
    // an agent may come to the end when nothing is fetched any more
    const watch = (): void => {
      look()
      end = clock.after(LOOK_MS, watch)
    }
    end = clock.after(LOOK_MS, watch)
  })
  return { promise, look: () => look(), end: () => end() }
}

/** Nobody reads it again. */
async function deleteChangelog(log: Log, appId: string): Promise<void> {
  const changelog = changelogTopic(appId, benchTable)
  const isThere = (await log.topics()).some(({ name }) => name === changelog)
  if (isThere) await log.deleteTopic(changelog)
}

export async function runBench(spec: BenchSpec, clock: Clock = systemClock): Promise<BenchRun> {
  const dataDir = mkdtempSync(join(tmpdir(), 'euphorion-bench-'))
  const remove = (): void => rmSync(dataDir, { recursive: true, force: true })
  process.once('exit', remove)
  const settings: Settings = { ...spec.settings, dataDir }
  const connection = await Connection.open(settings, clock)
  try {
    return await measure(spec, settings, connection, clock)
  } finally {
    await connection.close()
    remove()
    process.off('exit', remove)
  }
}

/** Runs the engine until all is consumed; resolves with where time and CPU began to count. */
async function runThrough(
  engine: Engine,
  {
    consumed,
    failed,
    clock,
  }: {
    readonly consumed: { readonly promise: Promise<void>; readonly end: () => void }
    readonly failed: Promise<never>
    readonly clock: Clock
  },
) {
  const started = { at: 0, cpu: process.cpuUsage(), meter: new LoopMeter() }
  const begin = (): void => {
    started.at = clock.monotonic()
    started.cpu = process.cpuUsage()
    started.meter.begin()
  }
  try {
    await Promise.race([engine.start(begin).then(() => consumed.promise), failed])
    return started
  } catch (error) {
    // the log is closed next: nothing may be at work on it
    await engine.abort().catch(() => undefined)
    throw error
  } finally {
    consumed.end()
  }
}

async function measure(
  spec: BenchSpec,
  settings: Settings,
  connection: Connection,
  clock: Clock,
): Promise<BenchRun> {
  const { log, sender } = connection
  const { topic, events, dumpBatch } = spec
  const agent = benchAgentOf(spec)
  const appId = `bench-${process.pid}-${clock.now()}`
  const deadLetters = new DeadLetters({ topic: `${topic}-dead-letter`, partitions: 1, sender })
  const ends = await log.offsets(topic)
  let fail = (_: unknown): void => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  const isConsumed = () =>
    agent === undefined ? areThrough(engine.statistics(), ends) : agent.isThrough(ends)
  const consumed = whenConsumed(isConsumed, clock)
  const { maxDecompressedMib, checkCrcs } = settings
  const reading = { decompressedBytesMax: maxDecompressedMib * MIB, checkCrcs }
  const extraction = () => engine.extraction()
  const services = { clock, deadLetters, reading, extraction, onStopped: fail }
  const engine: Engine = new Engine({
    log,
    appId,
    settings,
    clock,
    logger: createLogger('bench', 'error'),
    aggregations: agent === undefined ? [aggregationOf(spec)] : [],
    subscribers: agent === undefined ? [] : [agent.subscriber(services)],
    agentTables: agent?.tables ?? [],
    deadLetters,
    sends: connection,
    beforeCommit: async () => {
      await sender.flush()
      await deadLetters.flush()
    },
    onError: fail,
    onProgress: () => consumed.look(),
    onBatch: dumpBatch === undefined ? undefined : firstBatchTo(dumpBatch),
  })
  const started = await runThrough(engine, { consumed, failed, clock })
  await engine.cut()
  const seconds = (clock.monotonic() - started.at) / 1000
  const cpu = process.cpuUsage(started.cpu)
  const main = started.meter.end()
  const lanes = engine.statistics()
  const total = (field: 'counted' | 'late' | 'bad' | 'filtered'): number =>
    lanes.reduce((sum, lane) => sum + lane[field], 0)
  const inAgent = await agent?.result()
  const { cells, events: found } = inAgent ?? (await countCells(engine, topic))
  const { fetched, cuts } = engine
  await engine.stop().then(() => deleteChangelog(log, appId))
  const leftOut = total('late') + total('bad') + total('filtered')
  return {
    events,
    seconds,
    eventsPerSecond: events / seconds,
    cpuSecondsPerMillion: (cpu.user + cpu.system) / events,
    mainCpuSecondsPerMillion: main.cpuSeconds && (main.cpuSeconds * 1e6) / events,
    loopDelayMs: main.loopDelayMs,
    maxResidentMiB: process.resourceUsage().maxRSS / 1024,
    cells,
    verified: Number(found) + leftOut === events,
    late: total('late'),
    bad: total('bad') + (inAgent?.bad ?? 0),
    batches: fetched.batches,
    cuts: cuts.count,
    cutMs: cuts.lastMs,
    transactionMs: cuts.transactionMs,
  }
}
