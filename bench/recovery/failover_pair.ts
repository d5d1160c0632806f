// Two workers on a Kafka, each with a directory of its own, and the views that keep coming. One
// leaves, the other takes over; then a new one comes, with an empty disk. Used by failover.ts.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { tablesPath } from '../../src/app/data_dir.ts'
import { openStoredTable } from '../../src/app/stored_table.ts'
import { pause, type Random, seededRandom, systemClock } from '../../src/clock.ts'
import type { Log, LogProducer } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { unique } from '../../test/support/log.ts'
import { type RecoveryJob, TABLE } from './job.ts'
import { Life } from './life.ts'
import { PARTITIONS, partitionNumbers, VIEWS_PER_MS, Views } from './views.ts'

export interface WorkerPairOptions {
  /** 'kafka://host:9092' */
  readonly broker: string
  /** Of the table, before anything happens. */
  readonly rows: number
  readonly seed: number
  readonly directory: string
  readonly standbyReplicas: number
  readonly sessionTimeoutMs: number
}

/** In ms since one worker was killed, or told to stop. */
export interface Handover {
  /** The group has shared its partitions anew. */
  readonly joinedMs: number
  /** The other's rows count what came since then, in all of them. */
  readonly resultsMs: number
}

/** Between turns of views. */
const TURN_MS = 20
/** Nothing has moved for so long. */
const QUIET_MS = 1000
/** So that not all leave at the same point of a commit interval. */
const SPREAD_MS = 500

export class WorkerPair {
  readonly #options: WorkerPairOptions
  readonly #log: Log
  readonly #producer: LogProducer
  readonly #topic = unique('views')
  readonly #appId = unique('failover')
  readonly #job: RecoveryJob
  readonly #views: Views
  readonly #random: Random
  #lives: readonly Life[] = []
  /** Processes so far. */
  #started = 0
  #isFilling = true
  #filling: Promise<void> = Promise.resolve()

  private constructor(options: WorkerPairOptions, log: Log, producer: LogProducer) {
    const { broker, seed, rows, standbyReplicas, sessionTimeoutMs } = options
    this.#options = options
    this.#log = log
    this.#producer = producer
    this.#views = new Views(rows, seed)
    this.#random = seededRandom(seed)
    const settings = { broker, standbyReplicas, sessionTimeoutMs }
    const { probes } = this.#views
    this.#job = { appId: this.#appId, topic: this.#topic, probes, settings }
  }

  /** The table is there, and views come, when it resolves. */
  static async open(options: WorkerPairOptions): Promise<WorkerPair> {
    const log = await openLog(options.broker)
    const pair = new WorkerPair(options, log, await log.producer())
    try {
      await pair.#begin()
      return pair
    } catch (error) {
      await pair.close()
      throw error
    }
  }

  async #begin(): Promise<void> {
    const config = { retentionMs: -1 }
    await this.#log.createTopic(this.#topic, { partitions: PARTITIONS, config })
    await this.#views.appendRows(this.#producer, this.#topic)
    this.#lives = [this.#start(), this.#start()]
    this.#filling = this.#fill()
    // it is waited for at the end
    this.#filling.catch(() => undefined)
  }

  async #fill(): Promise<void> {
    while (this.#isFilling) {
      const nextMs = systemClock.monotonic() + TURN_MS
      await this.#views.appendTurn(this.#producer, this.#topic, TURN_MS * VIEWS_PER_MS)
      await pause(systemClock, Math.max(0, nextMs - systemClock.monotonic()))
    }
  }

  #start(): Life {
    return new Life(this.#job, join(this.#options.directory, this.#appId, String(this.#started++)))
  }

  /** One leaves, they take turns; the next comes in its place. */
  async handOver(how: 'kill' | 'stop'): Promise<Handover> {
    await this.#settled()
    const [victim, heir] = this.#lives
    const lost = victim.state.held
    if (this.#options.standbyReplicas === 0) this.#wipe(heir, lost)
    await pause(systemClock, SPREAD_MS * this.#random())
    const firstId = this.#views.nextId
    const fromMs = systemClock.now()
    const gone = how === 'kill' ? victim.kill() : victim.stop()
    // it may fail while the other is waited for
    gone.catch(() => undefined)
    const readMs = (): number | undefined => heir.readMs(lost, firstId)
    await heir.until('it has new results', () => readMs() !== undefined)
    await gone
    this.#lives = [heir, this.#start()]
    rmSync(victim.dataDir, { recursive: true, force: true, maxRetries: 3 })
    const joinedMs = heir.saidMs('joined the group', fromMs) ?? fromMs
    return { joinedMs: joinedMs - fromMs, resultsMs: readMs()! - fromMs }
  }

  /** What it has had before of partitions that are the other's, and are nowhere open here. */
  #wipe({ dataDir }: Life, partitions: readonly number[]): void {
    for (const partition of partitions) {
      const path = join(tablesPath(dataDir, this.#appId), this.#topic, String(partition))
      rmSync(path, { recursive: true, force: true, maxRetries: 3 })
    }
  }

  /** Each has half of the partitions and, where that is wanted, copies of the other's. */
  async #settled(): Promise<void> {
    const half = PARTITIONS / 2
    const copies = this.#options.standbyReplicas === 0 ? 0 : half
    const isSettled = ({ state }: Life): boolean =>
      state.held.length === half &&
      state.recovering === 0 &&
      state.copies === copies &&
      systemClock.now() - state.atMs >= QUIET_MS
    const isQuiet = (): boolean => this.#lives.every(isSettled)
    await Promise.race(this.#lives.map((life) => life.until('the group is quiet', isQuiet)))
  }

  /** Nothing was lost, and nothing counts twice, in what the last worker has. */
  async check(): Promise<void> {
    await this.#settled()
    const [first, last] = this.#lives
    await first.stop()
    await this.#untilRead(last)
    this.#isFilling = false
    await this.#filling
    await this.#untilRead(last)
    await last.stop()
    const table = await openStoredTable(last.dataDir, [this.#appId], TABLE)
    try {
      await this.#views.check(table.reader)
    } finally {
      await table.close()
    }
  }

  /** What has been sent so far is in all rows of this worker. */
  async #untilRead(life: Life): Promise<void> {
    const newest = this.#views.nextId - this.#views.probes.length
    const isRead = (): boolean => life.readMs(partitionNumbers, newest) !== undefined
    await life.until('it has counted everything', isRead)
  }

  /** Whatever runs is killed; what it has made is gone. */
  async close(): Promise<void> {
    this.#isFilling = false
    await Promise.all(this.#lives.map((life) => (life.hasEnded ? undefined : life.kill())))
    await this.#filling.catch(() => undefined)
    await this.#producer.close()
    for (const { name } of await this.#log.topics())
      if (name === this.#topic || name.startsWith(this.#appId)) await this.#log.deleteTopic(name)
    await this.#log.close()
    const directory = join(this.#options.directory, this.#appId)
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}
