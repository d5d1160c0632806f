// Several processes that count one topic as one app, each with a data directory of its own, and the
// topic that is filled while they work. Used by tests of state under faults.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../src/clock.ts'
import type { Log, LogProducer } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import type { SettingsInput } from '../../src/settings.ts'
import { CopyLife } from './copy_life.ts'
import { freePorts } from './free_ports.ts'
import { unique } from './log.ts'
import type { StateJob } from './state_worker.ts'

const program = fileURLToPath(new URL('./state_worker.js', import.meta.url))
const LOOK_MS = 100
const START_MS = 1_700_000_000_000
const WINDOW_MS = 10_000
const URLS = 300
/** Views of one turn of the filling. */
const TURN_MS = 50

export interface StateGroupOptions {
  readonly broker: string
  readonly partitions: number
  readonly seed: number
  /** Views a second. */
  readonly rate: number
  /** Processes are static members, by their names. */
  readonly isStatic?: boolean
  readonly settings: SettingsInput
}

/** A process, where it keeps its state, and where it answers. */
export interface StateLife {
  readonly life: CopyLife
  readonly name: string
  readonly dataDir: string
  readonly port: number
}

export class StateGroup {
  readonly appId = unique('state')
  readonly log: Log
  readonly topics: StateJob['topics']
  readonly partitions: number
  /** All that ever ran. */
  readonly lives: StateLife[] = []
  /** By url, and by url and start of the window. */
  readonly perUrl = new Map<string, number>()
  readonly perPage = new Map<string, number>()
  views = 0
  readonly #options: StateGroupOptions
  readonly #root = mkdtempSync(join(tmpdir(), 'euphorion-state-'))
  /** By name: who comes back is found where it was. */
  readonly #ports = new Map<string, number>()
  #isFilling = true
  #filling: Promise<void> = Promise.resolve()

  private constructor(options: StateGroupOptions, log: Log) {
    this.#options = options
    this.log = log
    this.partitions = options.partitions
    this.topics = { views: unique('views'), copies: unique('copies'), changes: unique('changes') }
  }

  static async open(options: StateGroupOptions): Promise<StateGroup> {
    const group = new StateGroup(options, await openLog(options.broker))
    for (const topic of Object.values(group.topics))
      await group.log.createTopic(topic, {
        partitions: options.partitions,
        config: { retentionMs: -1 },
      })
    return group
  }

  /** Fills the topic at its rate until stopFilling(). */
  async startFilling(): Promise<void> {
    const producer = await this.log.producer()
    this.#filling = this.#fill(producer).finally(() => producer.close())
  }

  async stopFilling(): Promise<void> {
    this.#isFilling = false
    await this.#filling
  }

  async #fill(producer: LogProducer): Promise<void> {
    const random = seededRandom(this.#options.seed)
    const { topics, partitions } = this
    while (this.#isFilling) {
      const batches = Array.from({ length: partitions }, () => [] as object[])
      for (let n = 0; n < (this.#options.rate * TURN_MS) / 1000; n++) {
        const url = `/page/${Math.floor(URLS * random() ** 2)}`
        const ts = START_MS + this.views * 5
        const value = Buffer.from(JSON.stringify({ id: this.views, url, ts }))
        const key = Buffer.from(url)
        batches[partitionOfKey(key, partitions)].push({ key, value, timestamp: ts })
        this.views++
      }
      const appended = batches.map(async (records, partition) => {
        if (records.length > 0) await producer.append(topics.views, partition, records as never)
      })
      await Promise.all([...appended, setTimeout(TURN_MS)])
    }
  }

  /** A view is in the topic. */
  count(url: string, ts: number): void {
    add(this.perUrl, url)
    add(this.perPage, `${url} ${Math.floor(ts / WINDOW_MS) * WINDOW_MS}`)
  }

  /** Another process; of the same `name` where it comes back to its data and its instance id. */
  async start(name: string, settings: SettingsInput = {}): Promise<StateLife> {
    const { broker, settings: common, isStatic } = this.#options
    const webPort = this.#ports.get(name) ?? (await freePorts(1))[0]
    this.#ports.set(name, webPort)
    const dataDir = this.dataDir(name)
    const instance = isStatic ? { instanceId: name } : {}
    const own = { broker, dataDir, webPort, ...instance, ...settings }
    const job: StateJob = {
      appId: this.appId,
      topics: this.topics,
      life: this.lives.length,
      settings: { ...common, ...own } as SettingsInput,
    }
    const started = { life: new CopyLife(job, program), name, dataDir, port: webPort }
    this.lives.push(started)
    return started
  }

  dataDir(name: string): string {
    return join(this.#root, name)
  }

  wipe(name: string): void {
    rmSync(this.dataDir(name), { recursive: true, force: true })
  }

  /** Views that the group has done with. */
  async committed(): Promise<number> {
    const offsets = await this.log.committed(this.appId, this.topics.views)
    return [...offsets.values()].reduce((sum, offset) => sum + offset, 0)
  }

  async untilCommitted(views: number): Promise<void> {
    for (;;) {
      const running = this.lives.filter(({ life }) => !life.hasEnded)
      if (running.length === 0) throw new Error(`nobody is left: ${this.lives.at(-1)?.life.errors}`)
      if ((await this.committed()) >= views) return
      await setTimeout(LOOK_MS)
    }
  }

  async close(): Promise<void> {
    await this.stopFilling().catch(() => undefined)
    await Promise.all(this.lives.map(({ life }) => (life.hasEnded ? undefined : life.kill())))
    await this.log.close()
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 3 })
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
