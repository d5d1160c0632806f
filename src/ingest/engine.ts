// The running side of an app on one log: fetches the partitions that the group gives to this member,
// hands their batches to the subscribers, and commits what they acknowledged. Called by app/worker.ts.
import type { Clock } from '../clock.ts'
import type { Log, LogConsumer, StartPosition, TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Settings } from '../settings.ts'
import type { AggregationDefinition, TableReader } from './aggregation.ts'
import type { DeadLetters } from './dead_letter.ts'
import type { EventSubscriber, PartitionSink } from './subscriber.ts'

export interface Engine {
  start(): Promise<void>
  /** Takes nothing more, finishes what is in flight, cuts, leaves the group. */
  stop(): Promise<void>
  /** Leaves everything as the last cut has it. */
  abort(): void
  /** Undefined for a name that is no aggregation's. */
  table(name: string): TableReader | undefined
}

export interface EngineOptions {
  readonly log: Log
  readonly appId: string
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly aggregations: readonly AggregationDefinition[]
  readonly deadLetters: DeadLetters
  readonly subscribers: readonly EventSubscriber[]
  /** Sees to it that everything sent so far is stored; when it rejects, nothing is committed. */
  readonly beforeCommit: () => Promise<void>
  /** The engine cannot go on. */
  readonly onError: (error: unknown) => void
}

interface Partition extends TopicPartition {
  readonly sinks: readonly PartitionSink[]
  busy: boolean
  committed: number
}

export function createEngine(options: EngineOptions): Engine {
  return new AgentEngine(options)
}

class AgentEngine implements Engine {
  readonly #options: EngineOptions
  readonly #partitions = new Map<string, Partition>()
  readonly #stopping = new AbortController()
  #consumer: LogConsumer | undefined
  #loop: Promise<void> | undefined
  #cancelCut: (() => void) | undefined
  #cutting: Promise<void> = Promise.resolve()

  constructor(options: EngineOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { log, appId, settings, subscribers } = this.#options
    const topics = [...new Set(subscribers.map((each) => each.topic))]
    if (topics.length === 0) return
    this.#consumer = await log.consumer({
      groupId: appId,
      topics,
      maxBytes: settings.batchBytes,
      onAssigned: async (partitions) => {
        for (const { topic, partition, committed } of partitions)
          this.#open(topic, partition, committed ?? 0)
        return []
      },
      onRevoked: (partitions) => this.#close(partitions),
    })
    this.#loop = this.#fetchAll(this.#consumer).catch(this.#options.onError)
    this.#scheduleCut()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#cancelCut?.()
    await this.#loop
    await this.#consumer?.close()
  }

  table(): undefined {
    return undefined
  }

  abort(): void {
    this.#stopping.abort()
    this.#cancelCut?.()
  }

  #open(topic: string, partition: number, offset: number): void {
    const sinks = this.#options.subscribers
      .filter((each) => each.topic === topic)
      .map((each) => each.open(partition, offset))
    const opened = { topic, partition, sinks, busy: false, committed: offset }
    this.#partitions.set(`${topic} ${partition}`, opened)
  }

  async #close(revoked: readonly TopicPartition[]): Promise<void> {
    const closing = revoked.flatMap(
      ({ topic, partition }) => this.#partitions.get(`${topic} ${partition}`) ?? [],
    )
    await Promise.all(closing.flatMap(({ sinks }) => sinks.map((sink) => sink.close())))
    await this.#cut(closing)
    for (const { topic, partition } of closing) this.#partitions.delete(`${topic} ${partition}`)
  }

  async #fetchAll(consumer: LogConsumer): Promise<void> {
    const wants = (topic: string, partition: number): boolean => {
      const found = this.#partitions.get(`${topic} ${partition}`)
      return found !== undefined && !found.busy && found.sinks.some((sink) => !sink.stopped)
    }
    const { batchBytes } = this.#options.settings
    let target = new Uint8Array(batchBytes)
    for (;;) {
      const fetched = await consumer.fetch(target, wants, this.#stopping.signal)
      if (fetched.kind === 'closed') return
      if (fetched.kind === 'too-small') {
        target = new Uint8Array(fetched.neededBytes)
        continue
      }
      const partition = this.#partitions.get(`${fetched.topic} ${fetched.partition}`)
      const payload = target.subarray(0, fetched.bytes)
      target = new Uint8Array(batchBytes)
      if (partition === undefined) continue
      partition.busy = true
      void Promise.all(partition.sinks.map((sink) => sink.push(payload))).then(() => {
        partition.busy = false
        consumer.wake()
      })
    }
  }

  #scheduleCut(): void {
    const { clock, settings } = this.#options
    this.#cancelCut = clock.after(settings.commitIntervalMs, () => {
      void this.#cut([...this.#partitions.values()]).then(() => {
        if (!this.#stopping.signal.aborted) this.#scheduleCut()
      }, this.#options.onError)
    })
  }

  #cut(partitions: readonly Partition[]): Promise<void> {
    this.#cutting = this.#cutting.then(async () => {
      const moved: StartPosition[] = []
      for (const each of partitions) {
        const offset = Math.min(...each.sinks.map((sink) => sink.acknowledged()))
        if (offset > each.committed) moved.push({ ...each, offset })
      }
      if (moved.length === 0) return
      await this.#options.beforeCommit()
      await this.#consumer?.commit(
        moved.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
      )
      for (const { topic, partition, offset } of moved) {
        const each = this.#partitions.get(`${topic} ${partition}`)
        if (each !== undefined) each.committed = offset
      }
    })
    return this.#cutting
  }
}
