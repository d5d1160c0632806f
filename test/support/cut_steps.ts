// An app on a simulated cluster whose n-th step of writing (an append, offsets, a commit, a write of
// a store) fails or is the last thing its process does. Used by tests of cuts.
import { App } from '../../src/app/app.ts'
import type { AppOptions } from '../../src/app/app_options.ts'
import { seededRandom } from '../../src/clock.ts'
import { EuphorionError } from '../../src/errors.ts'
import { count, int64, json, record, string } from '../../src/index.ts'
import type { Log, LogProducer } from '../../src/log/log.ts'
import { noPlants } from '../../src/plants.ts'
import type { Store } from '../../src/table/store.ts'
import { SimulatedCluster } from '../../src/testing/simulated_cluster.ts'
import { SimulatedDisk } from '../../src/testing/simulated_disk.ts'
import { SimulatedLog } from '../../src/testing/simulated_log.ts'
import { SimulatedProcess } from '../../src/testing/simulated_process.ts'
import { VirtualClock } from '../../src/testing/virtual_clock.ts'
import { decodeBatches, encodeBatch } from '../../src/wire/record_batch.ts'

/** 'fails': is not done, or is done, and is told to have failed; 'ends': the process ends there. */
export type StepFault = 'fails before' | 'fails after' | 'ends before' | 'ends after'

export interface StepRun {
  readonly guarantee: 'at_least_once' | 'exactly_once'
  readonly fault: StepFault
  /** From 1, counted from when half of the events were cut. */
  readonly step: number
  /** The disk is lost when the process ends. */
  readonly losesDisk: boolean
}

export interface StepOutcome {
  /** What the step was; undefined: there were not so many. */
  readonly at: string | undefined
  readonly hasSettled: boolean
  /** Committed values of the agent's output. */
  readonly echoed: readonly number[]
  /** The last change of each key. */
  readonly changes: Readonly<Record<string, number>>
  /** Of the aggregation, by key. */
  readonly counts: Readonly<Record<string, number>>
  /** What the agent added up in its own table. */
  readonly sum: number | undefined
  readonly trace: readonly string[]
}

/** Values 0 to 11, keyed a, b, c in turn. */
export const eventCount = 12
const HALF = eventCount / 2
const SETTLE_MS = 120_000
const WAIT_MS = 5000

const Event = record('Event', { key: string(), n: int64() })

class Steps {
  readonly #run: StepRun
  readonly #kill: () => void
  #isArmed = false
  #count = 0
  at: string | undefined

  constructor(run: StepRun, kill: () => void) {
    this.#run = run
    this.#kill = kill
  }

  arm(): void {
    this.#isArmed = true
  }

  async take<T>(name: string, act: () => Promise<T>, topic?: unknown): Promise<T> {
    const { fault, guarantee } = this.#run
    // what an agent cannot send stops it, as its handler would have
    const isAgents = topic === 'echo' && guarantee === 'at_least_once' && fault.startsWith('fails')
    if (!this.#isArmed || isAgents || ++this.#count !== this.#run.step) return act()
    this.at = name
    if (fault === 'fails after' || fault === 'ends after') await act()
    if (fault.startsWith('fails'))
      throw new EuphorionError('LOG_FAILED', `planted at ${name}`, { place: {} })
    this.#kill()
    return new Promise(() => undefined)
  }
}

/** The object with some of its methods as steps. */
function stepped<T extends object>(of: T, steps: Steps, names: readonly (keyof T & string)[]): T {
  return new Proxy(of, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const call = (...given: unknown[]): unknown => value.apply(target, given)
      if (!names.includes(name as keyof T & string)) return call
      return (...given: unknown[]) => steps.take(String(name), async () => call(...given), given[0])
    },
  })
}

function steppedLog(log: Log, steps: Steps): Log {
  const appends = ['append', 'appendBatch'] as const
  return new Proxy(log, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return async (...given: unknown[]) => {
        const made: unknown = await value.apply(target, given)
        if (name === 'producer') return stepped(made as LogProducer, steps, appends)
        if (name === 'transactionalProducer')
          return stepped(made as LogProducer & { commit: unknown; commitOffsets: unknown }, steps, [
            ...appends,
            'commitOffsets',
            'commit',
          ])
        return made
      }
    },
  })
}

function steppedStore(store: Store, steps: Steps): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name !== 'batch') return (...given: unknown[]) => value.apply(target, given)
      return () => {
        const batch = target.batch()
        const commit = batch.commit.bind(batch)
        // a store that says that it failed after it has written says so ever after
        batch.commit = (options) => steps.take('store', () => commit(options))
        return batch
      }
    },
  })
}

function declare(options: AppOptions) {
  const app = new App('steps', options)
  const events = app.topic('events', { key: string(), value: Event, keyedBy: 'key', partitions: 1 })
  const echo = app.topic('echo', { value: json<number>(), partitions: 1 })
  const changes = app.topic('changes', { partitions: 1 })
  const counts = app
    .stream(events)
    .keyBy('key')
    .aggregate('counts', () => ({ n: count() }))
  counts.changes().to(changes)
  const sums = app.table<string, number>('sums', {
    key: string(),
    value: json<number>(),
    default: () => 0,
  })
  app.agent(
    events,
    async function* (stream) {
      for await (const event of stream.events()) {
        const n = Number(event.value.n)
        await sums.update(event.value.key, (sum) => sum + n)
        yield n
      }
    },
    { name: 'echo', sink: echo },
  )
  return { app, counts, sums }
}

export async function runStep(run: StepRun): Promise<StepOutcome> {
  const clock = new VirtualClock()
  const random = seededRandom(run.step)
  const trace: string[] = []
  const cluster = new SimulatedCluster({ clock, random, trace: (line) => void trace.push(line) })
  let disk = new SimulatedDisk(clock, random)
  let life = 0
  let current: { process: SimulatedProcess; made: ReturnType<typeof declare> } | undefined
  const steps = new Steps(run, () => {
    trace.push(`killed at ${steps.at}`)
    current?.process.kill()
    current = undefined
    if (run.losesDisk) disk = new SimulatedDisk(clock, random)
  })
  const begin = () => {
    const process = new SimulatedProcess(`p${++life}`, clock)
    const made = declare({
      broker: 'embedded:./simulated',
      dataDir: '/simulated',
      backend: 'js',
      store: 'memory',
      web: false,
      memoryMib: 32,
      fetchesInFlight: 2,
      batchBytes: 64 * 1024,
      maxRecordBytes: 1024 * 1024,
      sessionTimeoutMs: 6000,
      commitIntervalMs: 100,
      guarantee: run.guarantee,
    })
    const said = (level: string) => (fields: object, message: string) =>
      void trace.push(`${process.name} ${level} ${message} ${JSON.stringify(fields, errorText)}`)
    const logger = { debug: () => {}, info: said('info'), warn: said('warn'), error: said('error') }
    made.app.runOn({
      clock: process.clock,
      logger,
      openStore: async (_kind, path) => steppedStore(disk.open(path, process), steps),
      plants: noPlants,
      runsTimers: () => true,
      openLog: () => steppedLog(new SimulatedLog({ cluster, process }), steps),
      random,
    })
    const failed = (error: unknown): void => {
      trace.push(`${process.name} failed ${String(error)}`)
      if (current?.process === process) current = undefined
      process.kill()
    }
    current = { process, made }
    made.app.start().then(() => made.app.ended.catch(failed), failed)
  }
  const feeder = new SimulatedLog({ cluster, process: new SimulatedProcess('feeder', clock) })
  const pass = async (isOver: () => boolean | Promise<boolean>): Promise<boolean> => {
    const endMs = clock.monotonic() + SETTLE_MS
    while (clock.monotonic() < endMs) {
      if (await isOver()) return true
      if (current === undefined) begin()
      let isTime = false
      clock.after(50, () => {
        isTime = true
      })
      await clock.run(() => isTime, endMs)
    }
    return false
  }
  /** Lets time pass meanwhile; rejects when it takes too much of it. */
  const awaited = async <T>(promise: Promise<T>): Promise<T> => {
    let isDone = false
    const mark = () => {
      isDone = true
    }
    promise.then(mark, mark)
    clock.after(WAIT_MS, mark)
    await clock.run(() => isDone)
    return Promise.race([promise, Promise.reject(new Error('no answer'))])
  }
  const place = { topic: 'events', partition: 0 }
  const feed = async (from: number, to: number) => {
    const producer = await feeder.producer()
    const records = Array.from({ length: to - from }, (_, i) => {
      const key = 'abc'[(from + i) % 3]
      const value = Buffer.from(JSON.stringify({ key, n: from + i }))
      return { key: Buffer.from(key), value, timestamp: clock.now() }
    })
    await producer.appendBatch('events', 0, encodeBatch(records))
  }
  const isCut = (offset: number) => cluster.offsets.furthest('steps', place) >= offset
  await awaited(feeder.createTopic('events', { partitions: 1 }))
  await awaited(feed(0, HALF))
  await pass(() => isCut(HALF))
  steps.arm()
  await awaited(feed(HALF, eventCount))
  const countsOf = async () => {
    const found: Record<string, number> = {}
    for await (const row of current!.made.counts.range()) found[row.key as string] = Number(row.n)
    return found
  }
  const total = async (): Promise<number> => {
    if (current === undefined) return -1
    try {
      return Object.values(await awaited(countsOf())).reduce((sum, n) => sum + n, 0)
    } catch {
      return -1
    }
  }
  const hasSettled = await pass(
    async () =>
      isCut(eventCount) &&
      cluster.transactions.undecided.length === 0 &&
      (await total()) >= eventCount,
  )
  // once more, so that what was done twice shows
  let isLater = false
  clock.after(1000, () => {
    isLater = true
  })
  await clock.run(() => isLater)
  const values = (topic: string) =>
    decodeBatches(cluster.partition({ topic, partition: 0 }).history()).map(({ value }) =>
      JSON.parse(Buffer.from(value!).toString()),
    )
  const changes: Record<string, number> = {}
  for (const { key, n } of values('changes')) changes[key] = Number(n)
  let sum: number | undefined
  let counts: Record<string, number> = {}
  try {
    counts = await awaited(countsOf())
    const sums = current!.made.sums
    const parts = await awaited(Promise.all(['a', 'b', 'c'].map((key) => sums.get(key))))
    sum = parts.reduce((all: number, each) => all + (each ?? 0), 0)
  } catch (error) {
    trace.push(`cannot be read: ${String(error)}`)
  }
  current?.process.kill()
  return { at: steps.at, hasSettled, echoed: values('echo'), changes, counts, sum, trace }
}

function errorText(_key: string, value: unknown): unknown {
  return value instanceof Error ? `${value.message} ${String(value.cause ?? '')}` : value
}
