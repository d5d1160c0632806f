// What happens outside of the app in a simulation: events that somebody appends to its topics, with
// times in disorder. Run by Simulation in a process that nothing happens to.
import type { Random } from '../clock.ts'
import type { LogProducer, LogRecord } from '../log/log.ts'
import { partitionOfKey } from '../log/partitioner.ts'
import type { SimulatedCluster } from './simulated_cluster.ts'
import { SimulatedLog } from './simulated_log.ts'
import type { SimulatedProcess } from './simulated_process.ts'

/** An event of the workload. */
export interface SimulatedEvent {
  readonly topic: string
  readonly key: Uint8Array | string | null
  readonly value: Uint8Array | string | null
  /** ms since the epoch. Default: now. */
  readonly timestamp?: number
}

/** What makes the events: the n-th, at a moment of virtual time (ms since the epoch). */
export type EventSource = (random: Random, number: number, nowMs: number) => SimulatedEvent

export interface WorkloadOptions {
  readonly cluster: SimulatedCluster
  readonly process: SimulatedProcess
  readonly random: Random
  readonly events: EventSource
  readonly eventsPerSecond: number
}

/** Events come in bursts of up to so many. */
const BURST_MAX = 12

export class Workload {
  readonly #options: WorkloadOptions
  readonly #log: SimulatedLog
  #producer: LogProducer | undefined
  readonly #pending = new Set<Promise<unknown>>()
  #isOver = false
  /** Events so far. */
  count = 0

  constructor(options: WorkloadOptions) {
    this.#options = options
    const { cluster, process } = options
    this.#log = new SimulatedLog({ cluster, process, deliveryTimeoutMs: 3_600_000 })
  }

  async start(): Promise<void> {
    this.#producer = await this.#log.producer()
    this.#burst()
  }

  #burst(): void {
    if (this.#isOver) return
    const { process, random, eventsPerSecond } = this.#options
    const size = 1 + Math.floor(random() * BURST_MAX)
    const byPartition = new Map<string, { topic: string; partition: number; of: LogRecord[] }>()
    for (let i = 0; i < size; i++) {
      const { topic, partition, record } = this.#event()
      const key = `${topic}/${partition}`
      const found = byPartition.get(key)
      if (found === undefined) byPartition.set(key, { topic, partition, of: [record] })
      else found.of.push(record)
    }
    for (const { topic, partition, of } of byPartition.values()) {
      const stored = this.#producer!.append(topic, partition, of)
      this.#pending.add(stored)
      const forget = () => this.#pending.delete(stored)
      stored.then(forget, forget)
    }
    process.clock.after((2 * random() * size * 1000) / eventsPerSecond, () => this.#burst())
  }

  #event(): { topic: string; partition: number; record: LogRecord } {
    const { cluster, process, random, events } = this.#options
    const nowMs = process.clock.now()
    const { topic, key, value, timestamp = nowMs } = events(random, this.count++, nowMs)
    const { partitions } = cluster.topic(topic).info
    const record = { key: bytesOf(key), value: bytesOf(value), timestamp }
    const partition =
      record.key === null
        ? Math.floor(random() * partitions)
        : partitionOfKey(record.key, partitions)
    return { topic, partition, record }
  }

  /** Resolves when all events are stored; no more come. */
  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#pending)
  }
}

function bytesOf(value: Uint8Array | string | null): Uint8Array | null {
  return typeof value === 'string' ? Buffer.from(value) : value
}
