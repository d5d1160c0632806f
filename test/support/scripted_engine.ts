// An engine on a log and a clock that the test moves by hand: partitions come and go, batches are
// given one by one, commits fail. For tests of the engine.
import { Engine } from '../../src/app/engine.ts'
import type { AggregationDefinition } from '../../src/ingest/aggregation.ts'
import { DeadLetters } from '../../src/ingest/dead_letter.ts'
import { Sender } from '../../src/ingest/sender.ts'
import type { EventSubscriber } from '../../src/ingest/subscriber.ts'
import { embeddedCapabilities } from '../../src/log/embedded/shared.ts'
import type {
  ConsumerOptions,
  FetchResult,
  Log,
  LogConsumer,
  StartPosition,
} from '../../src/log/log.ts'
import { resolveSettings, type SettingsSource } from '../../src/settings.ts'
import { openStore, type StoreOpener } from '../../src/table/open.ts'
import { MemoryProducer } from './agents.ts'
import { batchOf } from './batches.ts'
import { ManualClock, settle } from './manual_clock.ts'
import { byKey, keyed } from './plans.ts'

export const counting: AggregationDefinition = {
  topic: 't',
  plan: byKey({ name: 'counts' }),
  keys: { encode: (key) => Buffer.from(String(key)), decode: (bytes) => String(bytes) },
  onBadRecord: 'skip',
  outputs: [],
  late: [],
}

/** A group of one member that is given and taken partitions of 't' by the test. */
export class ScriptedConsumer implements LogConsumer {
  readonly options: ConsumerOptions
  readonly committed: (readonly StartPosition[])[] = []
  readonly sought: StartPosition[] = []
  readonly reconnected: number[] = []
  /** Where the partitions end, as far as there is more to read than was given. */
  readonly ends = new Map<number, number>()
  commitFails: Error | undefined
  readonly #batches: { partition: number; bytes: Uint8Array }[] = []
  #wake = (): void => undefined
  #held: number[] = []
  #closed = false

  constructor(options: ConsumerOptions) {
    this.options = options
  }

  assign(...partitions: number[]): Promise<void> {
    return this.assignAt(undefined, ...partitions)
  }

  async assignAt(committed: number | undefined, ...partitions: number[]): Promise<void> {
    this.#held.push(...partitions)
    await this.options.onAssigned(
      partitions.map((partition) => ({ topic: 't', partition, committed })),
    )
  }

  async revoke(...partitions: number[]): Promise<void> {
    this.#held = this.#held.filter((each) => !partitions.includes(each))
    await this.options.onRevoked(partitions.map((partition) => ({ topic: 't', partition })))
  }

  async lose(...partitions: number[]): Promise<void> {
    this.#held = this.#held.filter((each) => !partitions.includes(each))
    const lost = partitions.map((partition) => ({ topic: 't', partition }))
    await this.options.onRevoked(lost, true)
  }

  async subscribe(): Promise<void> {}

  give(partition: number, bytes: Uint8Array): void {
    this.#batches.push({ partition, bytes })
    this.#wake()
  }

  async fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult> {
    for (;;) {
      if (this.#closed || signal?.aborted) return { kind: 'closed' }
      const next = this.#batches[0]
      if (next !== undefined && wants('t', next.partition)) {
        this.#batches.shift()
        target.set(next.bytes)
        const { partition, bytes } = next
        return { kind: 'batches', topic: 't', partition, bytes: bytes.length, highWatermark: 0 }
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        signal?.addEventListener('abort', () => resolve())
      })
    }
  }

  wake(): void {
    this.#wake()
  }

  seek(topic: string, partition: number, offset: number): void {
    this.sought.push({ topic, partition, offset })
  }

  async unread(): Promise<ReadonlyMap<number, number>> {
    return this.ends
  }

  reconnect(_topic: string, partition: number): void {
    this.reconnected.push(partition)
  }

  async commit(offsets: readonly StartPosition[]): Promise<void> {
    if (this.commitFails !== undefined) throw this.commitFails
    this.committed.push(offsets)
  }

  async close(): Promise<void> {
    await this.revoke(...this.#held)
    this.#closed = true
    this.#wake()
  }
}

export async function startEngine(
  partitions: readonly number[],
  code: SettingsSource = {},
  aggregations = [counting],
  subscribers: readonly EventSubscriber[] = [],
  earliest = 0,
  open: StoreOpener = openStore,
) {
  let consumer: ScriptedConsumer | undefined
  const lines: string[] = []
  const keep = (fields: object, message: string): void => {
    lines.push(`${message}: ${JSON.stringify({ ...fields, ms: undefined })}`)
  }
  const log: Partial<Log> = {
    capabilities: { ...embeddedCapabilities, transactions: false },
    topic: async (name) => ({ name, partitions: 2 }),
    offsets: async () => [0, 1].map((partition) => ({ partition, earliest, latest: 1000 })),
    committed: async () => new Map(),
    consumer: async (options) => (consumer = new ScriptedConsumer(options)),
  }
  const clock = new ManualClock(1000)
  const errors: unknown[] = []
  const sender = new Sender(new MemoryProducer(), { recordsMax: 100 })
  const engine = new Engine({
    log: log as Log,
    appId: 'app',
    settings: resolveSettings({
      code: { backend: 'js', store: 'memory', memoryMib: 32, changelog: false, ...code },
    }),
    clock,
    logger: { debug: keep, info: keep, warn: keep, error: keep },
    aggregations,
    subscribers,
    deadLetters: new DeadLetters({ topic: 'dead', partitions: 1, sender }),
    openStore: open,
    beforeCommit: async () => undefined,
    onError: (error) => errors.push(error),
  })
  const started = engine.start()
  await until(() => consumer !== undefined)
  await consumer!.assign(...partitions)
  await started
  return { engine, consumer: consumer!, clock, errors, lines, log }
}

export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await settle()
}

export const records = (offset: number, keys: string): Uint8Array =>
  batchOf([...keys].map((key, i) => keyed(offset + i, 1, key)))
