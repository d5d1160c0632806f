// A machine of the simulation: a disk, and one process after the other that runs the app on it. Its
// worker is the shipped one; only clock, log, stores and ids are simulated. Owned by Simulation.
import type { App } from '../app/app.ts'
import type { Random } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Plant } from '../plants.ts'
import type { SettingsSource } from '../settings.ts'
import { logOfSettings } from './log_of_settings.ts'
import type { SimulatedCluster } from './simulated_cluster.ts'
import { SimulatedDisk } from './simulated_disk.ts'
import { SimulatedProcess } from './simulated_process.ts'
import type { VirtualClock } from './virtual_clock.ts'

export interface MachineOptions {
  readonly name: string
  readonly clock: VirtualClock
  readonly random: Random
  readonly cluster: SimulatedCluster
  readonly settings: SettingsSource
  readonly plants: ReadonlySet<Plant>
  readonly makeApp: () => App | Promise<App>
  readonly trace: (text: string) => void
  /** Timers of the app are called. */
  readonly runsTimers: () => boolean
  /** The worker has failed, and its process ended. */
  readonly failed: (machine: SimulatedMachine, error: unknown) => void
}

export class SimulatedMachine {
  readonly name: string
  readonly disk: SimulatedDisk
  readonly #options: MachineOptions
  #process: SimulatedProcess | undefined
  #app: App | undefined
  #lives = 0

  constructor(options: MachineOptions) {
    this.name = options.name
    this.#options = options
    this.disk = new SimulatedDisk(options.clock, options.random)
  }

  get process(): SimulatedProcess | undefined {
    return this.#process?.isDead === false ? this.#process : undefined
  }

  /** That runs, or starts. */
  get app(): App | undefined {
    return this.process && this.#app
  }

  /** Begins a process; its worker starts behind it. */
  async start(): Promise<void> {
    const { clock, trace, makeApp, settings, failed } = this.#options
    if (this.process !== undefined) return
    const process = new SimulatedProcess(`${this.name}.${++this.#lives}`, clock)
    trace(`${process.name} starts`)
    const app = await makeApp()
    this.#process = process
    this.#app = app
    // static members, where the settings name one, are static by machine
    const { instanceId } = settings
    const own = instanceId === undefined ? {} : { instanceId: `${instanceId}-${this.name}` }
    app.configure({ ...settings, ...own })
    app.runOn({
      clock: process.clock,
      logger: this.#logger(process),
      openStore: async (_setting, path) => this.disk.open(path, process),
      plants: this.#options.plants,
      openLog: (resolved) => logOfSettings({ ...this.#options, process }, resolved),
      random: this.#options.random,
      runsTimers: this.#options.runsTimers,
    })
    const fail = (error: unknown): void => {
      if (process.isDead) return
      trace(`${process.name} fails: ${wordsOf(error)}`)
      process.kill()
      failed(this, error)
    }
    app.start().then(() => app.ended.catch(fail), fail)
  }

  #logger(process: SimulatedProcess): Logger {
    const { trace } = this.#options
    const log =
      (level: string) =>
      (fields: object, message: string): void => {
        const shown = JSON.stringify(fields, (_, value) =>
          value instanceof Error ? wordsOf(value) : value,
        )
        trace(`${process.name} ${level}: ${message} ${shown}`)
      }
    return { debug: () => {}, info: log('info'), warn: log('warn'), error: log('error') }
  }

  kill(): void {
    if (this.process !== undefined) this.#options.trace(`${this.#process!.name} is killed`)
    this.#process?.kill()
  }

  /** As SIGTERM; resolves when the worker has stopped. */
  async stop(): Promise<void> {
    const { process, app } = this
    if (process === undefined || app === undefined) return
    this.#options.trace(`${process.name} is asked to stop`)
    try {
      await app.stop()
    } catch (error) {
      this.#options.trace(`${process.name} stops badly: ${wordsOf(error)}`)
    }
    process.kill()
  }
}

export function wordsOf(error: unknown): string {
  if (error instanceof EuphorionError) return `${error.code} ${error.message}`
  return error instanceof Error ? `${error.name} ${error.message}` : String(error)
}
