// Runs an app on a simulated cluster and simulated machines, with faults, and says whether all was
// exact in the end: the same seed gives the same run. Called by `euphorion simulate` and by tests.
import type { App } from '../app/app.ts'
import { ensureTopics, wantedTopic } from '../app/topics.ts'
import { type Random, seededRandom } from '../clock.ts'
import { noPlants, type Plant } from '../plants.ts'
import type { Settings, SettingsSource } from '../settings.ts'
import type { StoredRecord } from '../wire/record.ts'
import { decodeBatches } from '../wire/record_batch.ts'
import { type Fault, type FaultKind, faultKinds } from './fault_kinds.ts'
import { Faults } from './faults.ts'
import { breaches } from './invariants.ts'
import { type MachineTable, machineTable } from './machine_tables.ts'
import { SimulatedCluster } from './simulated_cluster.ts'
import { SimulatedLog } from './simulated_log.ts'
import { SimulatedMachine, wordsOf } from './simulated_machine.ts'
import { SimulatedProcess } from './simulated_process.ts'
import { Trace } from './trace.ts'
import { VirtualClock } from './virtual_clock.ts'
import { type EventSource, Workload } from './workload.ts'

export interface SimulateOptions {
  /** Of everything that is random. Default 1. */
  readonly seed?: number
  /** Of virtual time, with faults; then the simulation waits until all has settled. Default 30. */
  readonly seconds?: number
  /** Machines that run the app; one more may join. Default 3. */
  readonly workers?: number
  /** Default: all. */
  readonly faults?: readonly FaultKind[]
  /** Seconds between two faults, on average. Default 3. */
  readonly faultEverySeconds?: number
  readonly events: EventSource
  /** Default 40. */
  readonly eventsPerSecond?: number
  /** Settings of the app; they beat its own. */
  readonly settings?: SettingsSource
  /** What else must hold in the end: throws, or returns what does not. */
  readonly check?: (outcome: SimulationOutcome) => unknown
  /** @internal */
  readonly plants?: ReadonlySet<Plant>
}

/** What a check is given. */
export interface SimulationOutcome {
  /** Committed records of a topic, partition by partition, whatever was compacted since. */
  records(topic: string): (StoredRecord & { readonly partition: number })[]
  /** A table over all machines, of agents or of an aggregation. Reads reject with TABLE_UNKNOWN. */
  table(name: string): MachineTable
  /** The apps that run, one a machine. */
  readonly apps: readonly App[]
  readonly settings: Settings
}

export interface SimulationReport {
  readonly seed: number
  readonly verdict: 'passed' | 'failed'
  /** What does not hold; empty where it passed. */
  readonly failures: readonly string[]
  readonly faults: readonly Fault[]
  readonly events: number
  /** Timers that fired. */
  readonly steps: number
  /** ms of virtual time. */
  readonly elapsedMs: number
  /** A checksum of all that happened: equal for equal runs. */
  readonly fingerprint: string
  /** The last lines of what happened. */
  readonly trace: readonly string[]
}

/** How long a simulation may take to settle once nothing goes wrong any more. */
const SETTLE_MS = 180_000
/** Nothing happens for so long in one that has settled: who is gone was missed by then. */
const QUIET_MS = 7500
const START_MS = 60_000
const EXITS_MAX = 30

export async function simulate(
  makeApp: () => App | Promise<App>,
  options: SimulateOptions,
): Promise<SimulationReport> {
  const simulation = new Simulation(makeApp, options)
  const stray = (error: unknown): void => simulation.fail(`unhandled: ${wordsOf(error)}`)
  process.on('unhandledRejection', stray)
  try {
    return await simulation.run()
  } finally {
    process.off('unhandledRejection', stray)
  }
}

const defaults: SettingsSource = {
  broker: 'embedded:./simulated',
  dataDir: '/simulated',
  backend: 'js',
  store: 'memory',
  web: false,
  memoryMib: 32,
  fetchesInFlight: 3,
  batchBytes: 64 * 1024,
  maxRecordBytes: 1024 * 1024,
  sessionTimeoutMs: 6000,
  heartbeatIntervalMs: 500,
  rebalanceTimeoutMs: 20_000,
  commitIntervalMs: 200,
  logLevel: 'info',
}

class Simulation {
  readonly #options: SimulateOptions
  readonly #makeApp: () => App | Promise<App>
  readonly #clock = new VirtualClock()
  readonly #random: Random
  readonly #trace: Trace
  readonly #cluster: SimulatedCluster
  readonly #machines: SimulatedMachine[]
  readonly #settings: SettingsSource
  readonly #failures: string[] = []
  #actions: (() => Promise<void>)[] = []
  #exits = 0
  #isSettling = false
  #changedMs = 0

  constructor(makeApp: () => App | Promise<App>, options: SimulateOptions) {
    const { seed = 1, workers = 3, plants = noPlants, settings = {} } = options
    this.#options = options
    this.#makeApp = makeApp
    this.#random = seededRandom(seed)
    this.#settings = { ...defaults, ...settings }
    this.#trace = new Trace(this.#clock)
    const trace = (text: string): void => {
      this.#changedMs = this.#clock.monotonic()
      this.#trace.add(text)
    }
    const [clock, random] = [this.#clock, this.#random]
    this.#cluster = new SimulatedCluster({ clock, random, trace })
    this.#machines = Array.from(
      { length: workers + 1 },
      (_, index) =>
        new SimulatedMachine({
          name: `m${index + 1}`,
          clock,
          random,
          cluster: this.#cluster,
          settings: this.#settings,
          plants,
          makeApp,
          trace,
          runsTimers: () => !this.#isSettling,
          failed: (machine, error) => this.#exited(machine, error),
        }),
    )
  }

  fail(text: string): void {
    this.#trace.add(`breach: ${text}`)
    if (!this.#failures.includes(text)) this.#failures.push(text)
  }

  /** As a supervisor: a worker that has ended is started again. */
  #exited(machine: SimulatedMachine, error: unknown): void {
    if (++this.#exits > EXITS_MAX) {
      this.fail(`workers end again and again: ${wordsOf(error)}`)
      return
    }
    this.#clock.after(500 + this.#random() * 1000, () => this.#act(() => machine.start()))
  }

  #act(action: () => Promise<void>): void {
    this.#actions.push(action)
  }

  /** Lets time pass until `isOver`, at most so long; false where it was not over by then. */
  async #pass(isOver: () => boolean, ms: number): Promise<boolean> {
    const endMs = this.#clock.monotonic() + ms
    while (!isOver() && this.#clock.monotonic() < endMs) {
      await this.#clock.run(() => this.#actions.length > 0 || isOver(), endMs)
      const actions = this.#actions
      this.#actions = []
      for (const action of actions) await action()
    }
    return isOver()
  }

  async #await<T>(promise: Promise<T>, what: string): Promise<T> {
    let result: { readonly value: T } | undefined
    promise.then(
      (value) => {
        result = { value }
      },
      (error) => this.fail(`${what}: ${wordsOf(error)}`),
    )
    const isOver = () => result !== undefined || this.#failures.length > 0
    await this.#pass(isOver, START_MS)
    if (result === undefined) throw new Error(`${what} does not end: ${this.#failures.join('; ')}`)
    return result.value
  }

  async run(): Promise<SimulationReport> {
    const { seconds = 30, workers = 3, eventsPerSecond = 40, events } = this.#options
    const [cluster, random, clock] = [this.#cluster, this.#random, this.#clock]
    const app = await this.#makeApp()
    app.configure(this.#settings)
    const feeder = new SimulatedProcess('feeder', clock)
    const workload = new Workload({ cluster, process: feeder, random, events, eventsPerSecond })
    await this.#await(this.#makeTopics(app, feeder), 'making topics')
    await this.#await(workload.start(), 'starting the workload')
    for (const machine of this.#machines.slice(0, workers)) await machine.start()
    const faults = this.#faults(workers)
    faults.start()
    await this.#pass(() => false, seconds * 1000)
    faults.stop()
    this.#isSettling = true
    await this.#await(workload.stop(), 'storing the events')
    for (const machine of this.#machines.slice(0, workers)) await machine.start()
    const hasSettled = await this.#settle(app)
    if (hasSettled) await this.#check(app)
    for (const machine of this.#machines) machine.kill()
    return {
      seed: this.#options.seed ?? 1,
      verdict: this.#failures.length === 0 ? 'passed' : 'failed',
      failures: this.#failures,
      faults: faults.made,
      events: workload.count,
      steps: clock.steps,
      elapsedMs: Math.round(clock.monotonic()),
      fingerprint: this.#trace.fingerprint,
      trace: this.#trace.lines,
    }
  }

  async #makeTopics(app: App, feeder: SimulatedProcess): Promise<void> {
    const log = new SimulatedLog({ cluster: this.#cluster, process: feeder })
    const wanted = [...app.topology.topics.values()].map(wantedTopic)
    await ensureTopics(log, wanted, { create: true, partitions: app.settings.topicPartitions })
  }

  #faults(workers: number): Faults {
    const { faults: kinds = faultKinds, faultEverySeconds = 3 } = this.#options
    return new Faults({
      clock: this.#clock,
      random: this.#random,
      cluster: this.#cluster,
      kinds,
      everyMs: faultEverySeconds * 1000,
      machines: this.#machines,
      machinesMin: Math.max(1, workers - 1),
      trace: (text) => this.#trace.add(text),
      act: (action) => this.#act(action),
    })
  }

  /** Until all is read and committed, and nothing has happened for a while. */
  async #settle(app: App): Promise<boolean> {
    const isQuiet = () => this.#clock.monotonic() - this.#changedMs >= QUIET_MS
    const isDone = () => isQuiet() && this.#behind(app).length === 0
    const tick = (): void => {
      this.#clock.after(100, tick)
    }
    tick()
    const hasSettled = await this.#pass(() => isDone() || this.#failures.length > 0, SETTLE_MS)
    if (!hasSettled) {
      const left = this.#behind(app).join(', ') || 'something goes on and on'
      this.fail(`not settled after ${SETTLE_MS / 1000} s: ${left}`)
    }
    return hasSettled && this.#failures.length === 0
  }

  /** Partitions of sources that the group has not committed to their ends, and transactions. */
  #behind(app: App): string[] {
    const { aggregations, agents } = app.topology
    const topics = new Set([
      ...aggregations.map(({ topic }) => topic),
      ...agents.map(({ definition }) => definition.topic),
    ])
    const behind = this.#cluster.transactions.undecided.map((id) => `${id} is open`)
    for (const topic of topics)
      for (const { partition, nextOffset } of this.#cluster.topic(topic).partitions) {
        const offset = this.#cluster.offsets.furthest(app.id, { topic, partition })
        if (offset < nextOffset) behind.push(`${topic}/${partition} at ${offset} of ${nextOffset}`)
      }
    return behind
  }

  async #check(app: App): Promise<void> {
    const { settings } = app
    const found = await breaches({
      appId: app.id,
      dataDir: settings.dataDir,
      aggregations: app.topology.aggregations.map((each) => ({
        ...each,
        plan: { ...each.plan, maxFutureMs: settings.maxFutureMs },
      })),
      cluster: this.#cluster,
      machines: this.#machines,
    })
    for (const each of found) this.fail(each)
    try {
      const said = await this.#options.check?.(this.#outcome(settings))
      for (const each of said === undefined ? [] : [said].flat()) this.fail(String(each))
    } catch (error) {
      this.fail(`the check of the app: ${wordsOf(error)}`)
    }
  }

  #outcome(settings: Settings): SimulationOutcome {
    const apps = this.#machines.flatMap(({ app }) => app ?? [])
    return {
      records: (topic) =>
        this.#cluster.topic(topic).partitions.flatMap((each) =>
          decodeBatches(each.history()).map((record) => ({
            ...record,
            partition: each.partition,
          })),
        ),
      table: (name) => machineTable(apps, name),
      apps,
      settings,
    }
  }
}
