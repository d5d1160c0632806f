// The ingest loop: takes a free region, has the log write a partition's batches into it, wraps them
// as a Batch and offers it to the partition's lanes and sinks. One fetch at a time, or one for each
// region where the log lets fetches overlap; the next one is sent before the last one has been
// worked on. Without a free region or a wanting partition it waits. How large regions are and how
// many there may be is FetchSizes' to say, which is told of every batch.
import { setMaxListeners } from 'node:events'
import type { SharedMemory } from '../batch/memory.ts'
import { BatchTemplates, type Region, type SharedBatch } from '../batch/region.ts'
import { type Clock, pause } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { FetchResult, LogConsumer } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import { BatchCursor } from '../wire/batch_header.ts'
import type { FetchSizes } from './fetch_sizes.ts'
import { fetchedAt, type Intake } from './intake.ts'
import { Regions } from './regions.ts'

export interface FetchLoopOptions {
  readonly memory: SharedMemory
  readonly clock: Clock
  readonly logger?: Logger
  readonly sizes: FetchSizes
  /** Largest batch for which a region of its own is made. */
  readonly largestBatchBytes: number
  readonly intakeOf: (topic: string, partition: number) => Intake | undefined
  /** All of them. */
  readonly intakes: () => Iterable<Intake>
  /** The partition's batches cannot be read any more. */
  readonly lost: (topic: string, partition: number | undefined, error: unknown) => void
  /** Called with each batch before it is offered. */
  readonly seen: ((batch: SharedBatch) => void) | undefined
}

/** Consecutive failures of fetch, with a growing pause between, before the loop gives up. */
const FAILURES_MAX = 10
const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 5000

/**
 * A partition whose next batch needs a larger region. A single fetch is for it alone as soon as
 * there is one; of overlapping ones one is, and the others go on with the other partitions.
 */
interface Large {
  readonly intake: Intake
  bytes: number
  state: 'wanted' | 'making' | 'made'
}

export class FetchLoop {
  readonly #options: FetchLoopOptions
  readonly #regions: Regions
  readonly #templates = new BatchTemplates()
  readonly #cursor = new BatchCursor(new Uint8Array(0))
  readonly #stopping = new AbortController()
  /** Ends the fetch under way, so that partitions can be sought; stopping ends it too. */
  #interrupt = new AbortController()
  readonly #rewound = new Set<Intake>()
  #consumer: LogConsumer | undefined
  #running: Promise<void> | undefined
  #overlapping = false
  #failures = 0
  #waiting = 0
  #lookedMs = 0
  #large: Large | undefined
  /** Found too large meanwhile; not asked for again before it is their turn. */
  readonly #largeLater = new Set<Intake>()
  readonly #wants = (topic: string, partition: number): boolean => this.#isWanted(topic, partition)
  /** Batches and bytes fetched so far. */
  readonly fetched = { batches: 0, bytes: 0, records: 0 }

  constructor(options: FetchLoopOptions) {
    this.#options = options
    const { fetches, bytes, limits } = options.sizes
    const sizes = { count: fetches, payloadBytes: bytes }
    const most = { count: limits.fetchesMax, totalBytes: limits.totalBytes }
    this.#regions = new Regions(options.memory, sizes, most)
  }

  /**
   * `failed` is called when the loop ends by itself. With `overlapping` as many fetches wait as
   * there are regions; who has none waits for one.
   */
  start(consumer: LogConsumer, overlapping: boolean, failed: (error: unknown) => void): void {
    this.#consumer = consumer
    this.#overlapping = overlapping
    // each fetch that waits listens, and node warns of more than ten
    setMaxListeners(0, this.#interrupt.signal)
    const { clock, sizes } = this.#options
    this.#lookedMs = clock.monotonic()
    const loops = overlapping ? sizes.limits.fetchesMax : 1
    const runs = Array.from({ length: loops }, () => this.#run(consumer))
    // the first that fails ends the others
    const ended = Promise.all(runs).catch((error: unknown) => {
      this.#abort()
      failed(error)
      return Promise.allSettled(runs)
    })
    this.#running = ended.then(() => undefined)
  }

  /** Undefined before start(). */
  get consumer(): LogConsumer | undefined {
    return this.#consumer
  }

  /** Fetches that wait for the log; regions that are free, and that are not. */
  get queue(): { readonly fetches: number; readonly free: number; readonly used: number } {
    return { fetches: this.#waiting, ...this.#regions.size }
  }

  /** Of the next fetches. */
  get sizes(): Pick<FetchSizes, 'bytes' | 'fetches' | 'limits' | 'counts'> {
    return this.#options.sizes
  }

  /** A feed has room again. */
  wake(): void {
    this.#consumer?.wake()
  }

  /**
   * The intake has been rewound. A fetch that waits would not ask about a partition that has
   * nothing new: it is ended, and the position moved before the next one. Where fetches overlap the
   * position is moved under them.
   */
  rewound(intake: Intake): void {
    this.#rewound.add(intake)
    const consumer = this.#consumer
    if (!this.#overlapping) this.#interrupt.abort()
    else if (consumer !== undefined) {
      // what was fetched already is offered first, and thrown away: see #offer
      setImmediate(() => {
        if (!this.#stopping.signal.aborted) this.#seek(consumer)
      })
    }
  }

  /** Resolves when no fetch is on its way any more. */
  async stop(): Promise<void> {
    this.#abort()
    await this.#running
  }

  #abort(): void {
    this.#stopping.abort()
    this.#interrupt.abort()
    this.#regions.abandon()
  }

  /** Gives the regions' memory back; every batch has been released. */
  close(): void {
    this.#regions.close()
  }

  async #run(consumer: LogConsumer): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const large = this.#large?.state === 'wanted' ? this.#large : undefined
      const region = large ? await this.#largeRegion(large) : await this.#regions.take()
      if (region === undefined) continue
      let result: FetchResult
      if (!this.#overlapping) this.#seek(consumer)
      const interrupt = this.#interrupt.signal
      try {
        this.#waiting++
        result = await consumer.fetch(region.target(), this.#wantsWith(large), interrupt)
        this.#waiting--
        this.#failures = 0
      } catch (error) {
        this.#waiting--
        this.#regions.giveBack(region)
        if (large !== undefined) large.state = 'wanted'
        await this.#failed(error)
        continue
      }
      if (result.kind === 'batches') this.#offer(region, result)
      else {
        this.#regions.giveBack(region)
        if (result.kind === 'too-small') this.#tooSmall(result)
        else if (!interrupt.aborted) return
      }
    }
  }

  /** Seeks where a lane has rewound. */
  #seek(consumer: LogConsumer): void {
    if (this.#interrupt.signal.aborted && !this.#stopping.signal.aborted)
      this.#interrupt = new AbortController()
    for (const intake of this.#rewound) {
      const { topic, partition, rewoundTo, closing } = intake
      intake.rewoundTo = undefined
      if (rewoundTo === undefined || closing) continue
      try {
        consumer.seek(topic, partition, rewoundTo)
      } catch (error) {
        // deleted meanwhile: fetch says so, and the other topics go on
        if (!(error instanceof EuphorionError) || error.code !== 'TOPIC_UNKNOWN') throw error
      }
    }
    this.#rewound.clear()
  }

  /** What the fetch into a larger region asks for, or into one of the usual ones. */
  #wantsWith(large: Large | undefined): (topic: string, partition: number) => boolean {
    if (large === undefined || !this.#overlapping) return this.#wants
    return (topic, partition) =>
      this.#largeNow() === large
        ? this.#options.intakeOf(topic, partition) === large.intake && large.intake.wants()
        : this.#isWanted(topic, partition)
  }

  #isWanted(topic: string, partition: number): boolean {
    const intake = this.#options.intakeOf(topic, partition)
    if (intake === undefined) return false
    const large = this.#largeNow()
    if (large === undefined) return intake.wants()
    if (this.#overlapping)
      return large.intake !== intake && !this.#largeLater.has(intake) && intake.wants()
    return large.intake === intake && large.state === 'made' && intake.wants()
  }

  /** Not where nobody is left who takes it. */
  #largeNow(): Large | undefined {
    const intake = this.#large?.intake
    if (intake?.closing || intake?.runs() === false) this.#forgetLarge()
    return this.#large
  }

  #offer(region: Region, fetched: FetchResult & { kind: 'batches' }): void {
    const { topic, partition, bytes } = fetched
    const intake = this.#options.intakeOf(topic, partition)
    if (this.#large?.intake === intake) this.#endLarge()
    // rewound while the fetch was under way: these records would leave a gap
    if (intake === undefined || intake.closing || intake.rewoundTo !== undefined || bytes === 0) {
      this.#regions.giveBack(region)
      return
    }
    intake.end = fetched.highWatermark
    const cursor = this.#cursor
    cursor.reset(region.target(), 0, bytes)
    let recordCount = 0
    let batchCount = 0
    let firstOffset = -1
    let nextOffset = 0
    while (cursor.next()) {
      batchCount++
      if (firstOffset < 0) firstOffset = cursor.baseOffset
      nextOffset = cursor.lastOffset + 1
      recordCount += cursor.recordCount
    }
    if (intake.readers() === 0) {
      // who reads it next has it rewound
      intake.position = nextOffset
      this.#regions.giveBack(region)
      return
    }
    const fetchedAtMs = this.#options.clock.now()
    const facts = { topic, partition, firstOffset, nextOffset, recordCount, fetchedAtMs }
    const batch = region.finish(this.#templates, facts, bytes)
    this.fetched.batches++
    this.fetched.bytes += bytes
    this.fetched.records += recordCount
    intake.fetched[fetchedAt.batches]++
    intake.fetched[fetchedAt.records] += recordCount
    intake.fetched[fetchedAt.bytes] += bytes
    this.#options.seen?.(batch)
    if (!this.#options.sizes.isFixed) this.#observe(region, intake, batchCount, bytes)
    region.holders = intake.readers()
    intake.offer(batch, () => this.#regions.release(region))
  }

  /** Before the batch is offered. */
  #observe(region: Region, intake: Intake, batchCount: number, bytes: number): void {
    const { sizes, clock, logger } = this.#options
    const isAlone = this.#waiting === 0 && this.#regions.size.free === 0
    sizes.arrived(bytes, batchCount, region.payloadBytes, intake.isIdle(), isAlone)
    const nowMs = clock.monotonic()
    if (!sizes.isDue(nowMs - this.#lookedMs)) return
    let waitingBytes = 0
    for (const each of this.#options.intakes()) waitingBytes += each.waitingBytes()
    const changes = sizes.look(nowMs - this.#lookedMs, waitingBytes)
    this.#lookedMs = nowMs
    if (changes.length === 0) return
    const { bytes: batchBytes, fetches } = sizes
    this.#regions.resize({ count: fetches, payloadBytes: batchBytes })
    for (const change of changes)
      logger?.debug({ ...change, batchBytes, fetches, waitingBytes }, 'fetches are adapted')
  }

  #tooSmall(result: FetchResult & { kind: 'too-small' }): void {
    const { topic, partition, neededBytes } = result
    const intake = this.#options.intakeOf(topic, partition)
    if (intake === undefined) return
    this.#options.sizes.tooSmall()
    if (neededBytes <= this.#options.largestBatchBytes) {
      if (this.#large === undefined || this.#large.intake === intake)
        this.#large = { intake, bytes: neededBytes, state: 'wanted' }
      else this.#largeLater.add(intake)
      return
    }
    intake.failed = true
    const message = `A batch of ${neededBytes} bytes is larger than maxRecordBytes allows`
    this.#options.lost(
      topic,
      partition,
      new EuphorionError('RECORD_TOO_LARGE', message, { place: { topic, partition } }),
    )
  }

  #endLarge(): void {
    this.#forgetLarge()
    this.wake()
  }

  /** Others that wait are fetched, and found too large, again: the first of them is the next. */
  #forgetLarge(): void {
    this.#large = undefined
    this.#largeLater.clear()
  }

  async #largeRegion(large: Large): Promise<Region | undefined> {
    const { intake, bytes } = large
    large.state = 'making'
    try {
      const region = await this.#regions.takeLarger(bytes)
      large.state = 'made'
      return region
    } catch (error) {
      if (this.#large === large) this.#endLarge()
      intake.failed = true
      this.#options.lost(intake.topic, intake.partition, error)
      return undefined
    }
  }

  async #failed(error: unknown): Promise<void> {
    if (
      error instanceof EuphorionError &&
      error.code === 'TOPIC_DELETED' &&
      error.place.topic !== undefined
    ) {
      this.#options.lost(error.place.topic, undefined, error)
      return
    }
    const retriable = !(error instanceof EuphorionError) || error.retriable
    if (!retriable || ++this.#failures > FAILURES_MAX) throw error
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** this.#failures)
    const { signal } = this.#stopping
    if (signal.aborted) return
    await pause(this.#options.clock, pauseMs, signal)
  }
}
