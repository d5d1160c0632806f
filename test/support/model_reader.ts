// A reader of brokers in memory that always waits for more, and checks what it is given: each
// partition's batches once, in order, without a gap, and nothing where it has taken a target back.
// Used by tests of the Kafka driver's fetcher.
import { Fetcher } from '../../src/log/kafka/fetcher.ts'
import type { FetchResult } from '../../src/log/log.ts'
import { BatchCursor } from '../../src/wire/batch_header.ts'
import { ManualClock, settle } from './manual_clock.ts'
import { ModelBrokers } from './model_brokers.ts'

const limits = { maxWaitMs: 10, partitionMaxBytes: 4096, isolationLevel: 0, rackId: '' }

/** What a target is filled with when its call is over. */
const mark = 0xaa

/** A fetcher with a number of calls that always wait, and what they were given. */
export class ModelReader {
  readonly brokers = new ModelBrokers()
  readonly clock = new ManualClock()
  readonly fetcher: Fetcher
  readonly lostTopics: string[] = []
  /** What a person would read. */
  readonly lines: string[] = []
  readonly errors: unknown[] = []
  /** Next offset of each partition, and whether a batch went past it. */
  readonly positions = new Map<string, number>()
  readonly faults: string[] = []
  readonly unwanted = new Set<number>()
  /** Of the calls that wait. */
  readonly aborts = new Set<AbortController>()
  readonly #takenBack: Uint8Array[] = []
  readonly #cursor = new BatchCursor(new Uint8Array(0))

  constructor(
    offsetOutOfRange: 'earliest' | 'latest' | 'error' = 'earliest',
    more: Partial<typeof limits> = {},
  ) {
    const keep = (_fields: object, message: string): void => void this.lines.push(message)
    this.fetcher = new Fetcher({
      cluster: this.brokers.cluster(),
      clock: this.clock,
      limits: { ...limits, ...more },
      offsetOutOfRange,
      offsets: async (topic) => {
        this.brokers.look([topic])
        return [...this.brokers.partitions].map(([, found], partition) => {
          const latest = found.batches.at(-1)?.next ?? 0
          return { partition, earliest: found.start, latest }
        })
      },
      logger: { debug: keep, info: keep, warn: keep, error: keep },
      topicLost: (topic) => this.lostTopics.push(topic),
    })
  }

  read(partition: number, position = 0): void {
    this.positions.set(`t ${partition}`, position)
    this.fetcher.add({ topic: 't', partition }, position)
  }

  /** Until the fetcher is closed. */
  async take(targetBytes: number): Promise<void> {
    let bytes = targetBytes
    const wants = (_: string, partition: number) => !this.unwanted.has(partition)
    for (;;) {
      const target = new Uint8Array(bytes)
      const abort = new AbortController()
      this.aborts.add(abort)
      let result: FetchResult | undefined
      try {
        result = await this.fetcher.fetch(target, wants, abort.signal)
      } catch (error) {
        this.errors.push(error)
      }
      this.aborts.delete(abort)
      if (result?.kind === 'batches') this.#check(target, result)
      this.#takenBack.push(target.fill(mark))
      if (result?.kind === 'too-small') bytes = result.neededBytes
      else if (result?.kind === 'closed' && !abort.signal.aborted) return
    }
  }

  /** Whether somebody has written to a target behind the end of its call. */
  isTouched(): boolean {
    return this.#takenBack.some((target) => target.some((byte) => byte !== mark))
  }

  #check(target: Uint8Array, { topic, partition, bytes }: FetchResult & { kind: 'batches' }): void {
    const cursor = this.#cursor
    cursor.reset(target, 0, bytes)
    const key = `${topic} ${partition}`
    let position = this.positions.get(key)!
    let isFirst = true
    while (cursor.next()) {
      const fits = isFirst
        ? cursor.baseOffset <= position && cursor.lastOffset >= position
        : cursor.baseOffset === position
      if (!fits)
        this.faults.push(`${key}: ${cursor.baseOffset} to ${cursor.lastOffset} at ${position}`)
      position = cursor.lastOffset + 1
      isFirst = false
    }
    this.positions.set(key, position)
  }

  /** Lets everything that can happen do so, in pieces of the answers of this size. */
  async run(pieceBytes = 1000, rounds = 60): Promise<void> {
    for (let i = 0; i < rounds; i++) {
      await settle()
      for (const connection of this.brokers.connections)
        if (!connection.closed) connection.step(pieceBytes)
      await this.clock.advance(20)
    }
  }
}
