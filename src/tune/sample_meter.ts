// Measures an engine at work on a sample: when it is through or its time is over, how much of it
// counts, what that cost, and how late results were. Used by sample_run.ts.
import type { Engine } from '../app/engine.ts'
import type { Clock } from '../clock.ts'
import { deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { EventSubscriber, PartitionSink } from '../ingest/subscriber.ts'
import { partitionKey } from '../log/partition_key.ts'
import { countCells } from './bench_run.ts'
import { isAgent } from './bench_spec.ts'
import { DelayMeter } from './delay_meter.ts'
import type { Pace } from './pace.ts'
import type { SampleRun, SampleSpec } from './sample_spec.ts'

const LOOK_MS = 5
/** Code is compiled and caches fill: delays of this part of a run at a rate do not count. */
const WARM_UP = 0.3
/** For the start, and for the last cut. */
const GRACE_MS = 30_000

interface Options {
  readonly spec: SampleSpec
  readonly clock: Clock
  readonly pace: Pace | undefined
}

export class SampleMeter {
  readonly #options: Options
  readonly #failed = deferred<never>()
  readonly #sinks = new Map<string, PartitionSink[]>()
  readonly #delays = new DelayMeter()
  #beganMs = Infinity
  #cpu = process.cpuUsage()

  constructor(options: Options) {
    this.#options = options
    this.#failed.promise.catch(() => undefined)
  }

  fail(error: unknown): void {
    this.#failed.reject(error)
  }

  /** The same subscriber, whose sinks tell how far they are. */
  watching(subscriber: EventSubscriber): EventSubscriber {
    const { topic } = subscriber
    return {
      ...subscriber,
      open: (partition, beginning) => {
        const sink = subscriber.open(partition, beginning)
        const key = partitionKey({ topic, partition })
        this.#sinks.set(key, [...(this.#sinks.get(key) ?? []), sink])
        return sink
      },
    }
  }

  async measure(engine: Engine): Promise<Omit<SampleRun, 'dropped'>> {
    const { clock, spec } = this.#options
    const end = deferred()
    let cancel = (): void => undefined
    const look = (): void => {
      if (this.#isOver(engine)) end.resolve()
      else cancel = clock.after(LOOK_MS, look)
    }
    const giveUp = clock.after(spec.secondsMax * 1000 + GRACE_MS, () => {
      this.fail(new EuphorionError('LOG_FAILED', 'the run did not end in its time'))
    })
    try {
      const started = engine.start(() => this.#begin()).then(look)
      await Promise.race([started.then(() => end.promise), this.#failed.promise])
      await Promise.race([engine.cut(), this.#failed.promise])
    } finally {
      cancel()
      giveUp()
    }
    return this.#read(engine)
  }

  #begin(): void {
    const { clock, pace } = this.#options
    this.#beganMs = clock.monotonic()
    this.#cpu = process.cpuUsage()
    pace?.begin()
  }

  async #read(engine: Engine): Promise<Omit<SampleRun, 'dropped'>> {
    const { clock, spec, pace } = this.#options
    const seconds = (clock.monotonic() - this.#beganMs) / 1000
    const cpu = process.cpuUsage(this.#cpu)
    const places = this.#places(engine, 'stored')
    const events = places.reduce((sum, { earliest, at }) => sum + at - earliest, 0)
    const behind = places
      .filter(({ at, latest }) => at < latest)
      .map(({ topic, partition, at }) => pace?.ageMs(topic, partition, at) ?? 0)
    const lanes = engine.statistics()
    return {
      events,
      seconds,
      eventsPerSecond: events / seconds,
      cpuSecondsPerMillion: (cpu.user + cpu.system) / Math.max(1, events),
      maxResidentMiB: process.resourceUsage().maxRSS / 1024,
      cuts: engine.cuts.count,
      late: lanes.reduce((sum, { late }) => sum + late, 0),
      bad: lanes.reduce((sum, { bad }) => sum + bad, 0),
      delaysMs: pace === undefined ? undefined : this.#delays.read(),
      behindMs: pace === undefined ? undefined : Math.max(0, ...behind),
      verified: spec.rate === undefined ? await this.#verify(engine, events) : undefined,
    }
  }

  /** A cut was made: its results count. */
  cutMade(engine: Engine): void {
    const { pace, clock, spec } = this.#options
    if (pace === undefined) return
    const isWarm = clock.monotonic() - this.#beganMs >= WARM_UP * spec.secondsMax * 1000
    for (const { topic, partition, at } of this.#places(engine, 'stored')) {
      const batches = pace.counted(topic, partition, at)
      if (isWarm) this.#delays.add(batches)
    }
  }

  /** Through, or its time is over; something is counted also where that takes longer. */
  #isOver(engine: Engine): boolean {
    const { clock, spec } = this.#options
    const places = this.#places(engine, 'read')
    if (places.every(({ at, latest }) => at >= latest)) return true
    const hasTime = clock.monotonic() - this.#beganMs < spec.secondsMax * 1000
    return !hasTime && places.some(({ at, earliest }) => at > earliest)
  }

  /** Up to where everybody who reads a partition of the sample has it. */
  #places(engine: Engine, what: 'stored' | 'read') {
    const lanes = new Map<string, number>()
    for (const lane of engine.statistics()) {
      const key = partitionKey(lane)
      const at = what === 'stored' ? lane.storedOffset : lane.nextOffset
      lanes.set(key, Math.min(lanes.get(key) ?? Infinity, at))
    }
    return this.#options.spec.sample.flatMap(({ topic, partitions }) =>
      partitions.map((each) => {
        const key = partitionKey({ topic, partition: each.partition })
        const sinks = (this.#sinks.get(key) ?? []).map((sink) => sink.acknowledged())
        const at = Math.min(lanes.get(key) ?? Infinity, ...sinks)
        return {
          topic,
          ...each,
          at: Number.isFinite(at) ? Math.max(at, each.earliest) : each.earliest,
        }
      }),
    )
  }

  /** Of workloads that were run to their end. */
  async #verify(engine: Engine, events: number): Promise<boolean | undefined> {
    const { job, sample } = this.#options.spec
    const total = sample
      .flatMap(({ partitions }) => partitions)
      .reduce((sum, { earliest, latest }) => sum + latest - earliest, 0)
    if (job.kind === 'app' || isAgent(job.workload) || events < total) return undefined
    const cells = await countCells(engine, job.topic)
    const leftOut = engine
      .statistics()
      .reduce((sum, { late, bad, filtered }) => sum + late + bad + filtered, 0)
    return Number(cells.events) + leftOut === events
  }
}
