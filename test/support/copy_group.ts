// Several processes that copy one topic to another as one app, and what became of it: that nothing
// is lost, and how long partitions stood still. Used by tests of rebalances.
import { setTimeout } from 'node:timers/promises'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import type { SettingsInput } from '../../src/settings.ts'
import { CopyLife } from './copy_life.ts'
import { type CopyCheck, type CopySource, checkCopies, fillSource } from './copy_topics.ts'
import { unique } from './log.ts'

export interface CopyGroupOptions {
  readonly broker: string
  readonly records: number
  readonly partitions: number
  readonly settings: SettingsInput
  /** Records a second that are copied of each partition, about. */
  readonly rate: number
}

const LOOK_MS = 100

export class CopyGroup {
  readonly appId = unique('copy')
  readonly log: Log
  readonly source: CopySource
  readonly sink: string
  readonly lives: CopyLife[] = []
  readonly #options: CopyGroupOptions

  private constructor(options: CopyGroupOptions, log: Log) {
    const { records, partitions } = options
    this.#options = options
    this.log = log
    this.source = { topic: unique('numbers'), records, partitions }
    this.sink = unique('copies')
  }

  /** The source is full then. */
  static async open(options: CopyGroupOptions): Promise<CopyGroup> {
    const group = new CopyGroup(options, await openLog(options.broker))
    await fillSource(group.log, group.source)
    await group.log.createTopic(group.sink, { partitions: options.partitions })
    return group
  }

  /** Another process of the app. */
  start(settings: SettingsInput = {}): CopyLife {
    const { broker, rate, settings: common } = this.#options
    const { appId, source, sink } = this
    const job = { appId, source: source.topic, sink, rate, life: this.lives.length }
    const life = new CopyLife({ ...job, settings: { ...common, broker, ...settings } })
    this.lives.push(life)
    return life
  }

  /** Several more, and waits until each has copied something. */
  async startWorking(...each: readonly SettingsInput[]): Promise<CopyLife[]> {
    const lives = each.map((settings) => this.start(settings))
    await Promise.all(lives.map((life) => life.untilWorking()))
    return lives
  }

  /** Records of the source that the group has done with. */
  async committed(): Promise<number> {
    const offsets = await this.log.committed(this.appId, this.source.topic)
    return [...offsets.values()].reduce((sum, offset) => sum + offset, 0)
  }

  async untilCommitted(records: number): Promise<void> {
    while ((await this.committed()) < records) await setTimeout(LOOK_MS)
  }

  /** Reads all copies; throws where one is missing or out of order. */
  check(): Promise<CopyCheck> {
    return checkCopies(this.log, this.source, this.sink, (life, partition) =>
      this.lives[life].assigned(partition),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.lives.map((life) => life.kill()))
    await this.log.close()
  }
}
