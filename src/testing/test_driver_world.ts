// What is around the app of a test driver: a log, a disk and a clock in memory, on which nothing
// takes time but what waits for it, and the one worker that runs on them. Owned by TestDriver.
import assert from 'node:assert'
import type { App } from '../app/app.ts'
import { Connection } from '../app/connection.ts'
import { type Random, seededRandom } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { noPlants } from '../plants.ts'
import type { Settings, SettingsSource } from '../settings.ts'
import { crc32c } from '../wire/crc32c.ts'
import { AgentTaps } from './agent_taps.ts'
import { logOfSettings } from './log_of_settings.ts'
import { RealWork } from './real_work.ts'
import { SimulatedCluster } from './simulated_cluster.ts'
import { SimulatedDisk } from './simulated_disk.ts'
import type { SimulatedLog } from './simulated_log.ts'
import { SimulatedProcess } from './simulated_process.ts'
import { VirtualClock } from './virtual_clock.ts'

export interface DriverWorldOptions {
  /** ms since the epoch. */
  readonly startMs: number
  readonly seed: number
  readonly settings: SettingsSource
  readonly logger: Logger | undefined
}

const HOUR_MS = 3_600_000

/** They beat those of the app; nobody else is there whom it could miss, or who could miss it. */
const worldSettings: SettingsSource = {
  broker: 'embedded:./test-driver',
  dataDir: '/test-driver',
  backend: 'js',
  store: 'memory',
  web: false,
  instanceId: 'test-driver',
  topicPartitions: 1,
  commitIntervalMs: 10_000,
  transactionTimeoutMs: HOUR_MS,
  memoryMib: 64,
  fetchesInFlight: 1,
  batchBytes: 1024 ** 2,
  maxRecordBytes: 4 * 1024 ** 2,
  checkCrcs: false,
  sessionTimeoutMs: HOUR_MS,
  heartbeatIntervalMs: HOUR_MS / 4,
  progressTimeoutMs: 24 * HOUR_MS,
  stallTimeoutMs: 24 * HOUR_MS,
  // tests send what their own clock says, which is years away from the start
  maxFutureMs: 87_600 * HOUR_MS,
}

/** Virtual time that starting and stopping may take, where the app waits in them. */
const PATIENCE_MS = HOUR_MS
/** Real time for which virtual time stands still, at most: for what is under way outside of it. */
const REAL_MS_MAX = 1000
const REAL_START_MS_MAX = 30_000
/** Cuts that follow upon what the one before has sent; more are a loop that never ends. */
const ROUNDS_MAX = 10_000
/** Cuts in a row that are given up: the worker begins each time anew from the last that counts. */
const GIVEN_UP_MAX = 10

export class DriverWorld {
  readonly clock: VirtualClock
  readonly cluster: SimulatedCluster
  readonly taps = new AgentTaps()
  readonly #options: DriverWorldOptions
  readonly #random: Random
  readonly #realWork: RealWork
  readonly #outside: SimulatedProcess
  readonly #disk: SimulatedDisk
  #process: SimulatedProcess | undefined
  #lives = 0
  /** A cut that waits for an agent. */
  #cutting: Promise<void> | undefined
  /** Cuts in a row. */
  #givenUp = 0
  /** That nobody has been told of. */
  #errors: unknown[] = []
  /** An error goes through several hands, which tell of it each. */
  readonly #known = new Set<unknown>()

  constructor(options: DriverWorldOptions) {
    const { startMs, seed } = options
    this.#options = options
    this.#random = seededRandom(seed)
    this.#realWork = new RealWork(REAL_MS_MAX)
    this.clock = new VirtualClock(startMs, { isLive: true, realWork: this.#realWork })
    const weather = { latencyMs: [0, 0], slowRate: 0 } as const
    this.cluster = new SimulatedCluster({ clock: this.clock, random: this.#random, weather })
    this.#disk = new SimulatedDisk(this.clock, this.#random)
    this.#disk.weather.commitMs = [0, 0]
    this.#outside = new SimulatedProcess('test', this.clock)
  }

  /** Begins a process that runs the app. */
  async start(app: App): Promise<void> {
    const process = new SimulatedProcess(`worker ${++this.#lives}`, this.clock)
    this.#process = process
    app.configure({ ...worldSettings, ...this.#options.settings })
    app.runOn({
      clock: process.clock,
      logger: this.#logger(process),
      openStore: async (_setting, path) => this.#disk.open(path, process),
      plants: noPlants,
      openLog: (settings) => this.#openLog(process, settings),
      random: this.#random,
      tap: this.taps.tap,
    })
    await this.#patiently(app.start(), 'the start of the app')
    app.ended.catch((error) => this.#failed(process, error))
  }

  /** What the test itself sends goes through it. */
  openOutside(settings: Settings): Promise<Connection> {
    const openLog = () => this.#openLog(this.#outside, settings)
    return Connection.open(settings, this.clock, { system: { openLog } })
  }

  ensureTopic(name: string, partitions: number): void {
    if (!this.cluster.topics().some((each) => each.name === name))
      this.cluster.createTopic(name, partitions)
  }

  /** Of all that was ever stored, in the order of the topics' names. */
  get fingerprint(): string {
    let checksum = 0
    for (const { name } of this.cluster.topics())
      for (const partition of this.cluster.topic(name).partitions) {
        const place = Buffer.from(`${checksum} ${name}/${partition.partition} `)
        checksum = crc32c(Buffer.concat([place, partition.history()]))
      }
    return checksum.toString(16).padStart(8, '0')
  }

  #openLog(process: SimulatedProcess, settings: Settings): SimulatedLog {
    return logOfSettings({ cluster: this.cluster, process }, settings)
  }

  /** As kill -9; what was written before is on the disk. */
  async crash(app: App, isWiped: boolean): Promise<void> {
    await this.quiet()
    this.#process?.kill()
    app.abandon()
    this.#cutting = undefined
    if (isWiped) this.#disk.wipe()
  }

  async stop(app: App): Promise<void> {
    try {
      await this.#patiently(app.stop(), 'the stop of the app')
    } finally {
      this.#process?.kill()
      this.#outside.kill()
      app.abandon()
      app.runOn(undefined)
      app.configure({})
    }
  }

  /** The app waits for services of its own, which are not of this world. */
  async #patiently(promise: Promise<void>, what: string): Promise<void> {
    this.#realWork.patienceMs = REAL_START_MS_MAX
    try {
      await this.until(promise, PATIENCE_MS, what)
    } finally {
      this.#realWork.patienceMs = REAL_MS_MAX
    }
  }

  /** All that goes on by itself has come to its end. */
  async quiet(): Promise<void> {
    await this.#watched(() => this.clock.drain())
  }

  /** As quiet(), with cuts until none brings anything. */
  async settle(app: App): Promise<void> {
    for (let round = 0; ; round++) {
      assert(round < ROUNDS_MAX, `${ROUNDS_MAX} cuts without a pause, and each brings something`)
      await this.quiet()
      if (this.#errors.length > 0 || this.#cutting !== undefined) return
      const { changes } = this.cluster
      this.#cut(app)
      await this.quiet()
      // where one waits for an agent it goes on when time does
      if (this.#cutting !== undefined) return
      if (changes === this.cluster.changes && this.#givenUp === 0) return
    }
  }

  #cut(app: App): void {
    const process = this.#process!
    const over = (givenUp: number): void => {
      if (this.#cutting !== cutting) return
      this.#cutting = undefined
      this.#givenUp = givenUp
    }
    const cutting: Promise<void> = app.cut().then(
      () => over(0),
      (error) => {
        over(this.#givenUp + 1)
        if (this.#givenUp > GIVEN_UP_MAX) this.#failed(process, error)
      },
    )
    this.#cutting = cutting
  }

  /** Lets time pass up to there, or up to an error. */
  async runTo(endMs: number): Promise<void> {
    await this.#watched(() => this.clock.run(() => this.#errors.length > 0, endMs))
  }

  /** Lets time pass while the promise needs some. */
  async until<T>(promise: Promise<T>, withinMs: number, what: string): Promise<T> {
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    promise.then(over, over)
    const endMs = this.clock.monotonic() + withinMs
    await this.#watched(() => this.clock.run(() => isOver, endMs))
    assert(isOver, `${what} has not come within ${withinMs} ms of virtual time`)
    return promise
  }

  /** Throws the first error that nobody has been told of. */
  check(): void {
    const errors = this.#errors
    this.#errors = []
    this.#known.clear()
    if (errors.length > 0) throw errors[0]
  }

  /** Rejections that nobody handles are errors of who runs. */
  async #watched(run: () => Promise<unknown>): Promise<void> {
    const stray = (error: unknown): void => this.#note(error)
    process.on('unhandledRejection', stray)
    try {
      await run()
    } finally {
      process.off('unhandledRejection', stray)
    }
  }

  #failed(process: SimulatedProcess, error: unknown): void {
    if (!process.isDead) this.#note(error)
  }

  #note(error: unknown): void {
    if (this.#known.has(error)) return
    for (let each = error; each instanceof Error; each = each.cause) this.#known.add(each)
    this.#errors.push(error)
  }

  /** What a worker logs as an error is one of the test. */
  #logger(process: SimulatedProcess): Logger {
    const { logger } = this.#options
    return {
      debug: (fields, message) => logger?.debug(fields, message),
      info: (fields, message) => logger?.info(fields, message),
      warn: (fields, message) => logger?.warn(fields, message),
      error: (fields, message) => {
        logger?.error(fields, message)
        const { err } = fields as { readonly err?: unknown }
        this.#failed(process, err ?? new EuphorionError('HANDLER_FAILED', message))
      },
    }
  }
}
