// One partition of an agent without a log: payloads go in by hand. Used by tests of agents.
import { systemClock } from '../../src/clock.ts'
import type { EuphorionError } from '../../src/errors.ts'
import { type BadRecord, DeadLetters } from '../../src/ingest/dead_letter.ts'
import { Sender } from '../../src/ingest/sender.ts'
import type { SinkBeginning } from '../../src/ingest/subscriber.ts'
import type { LogProducer, LogRecord, StoredBatch } from '../../src/log/log.ts'
import { type Codec, codecOf, json, text } from '../../src/record/codec.ts'
import type {
  AgentDefinition,
  AgentFunction,
  AgentServices,
} from '../../src/stream/agent_definition.ts'
import { type AgentMemory, AgentPartition } from '../../src/stream/agent_partition.ts'
import { decodeBatches, encodeBatch } from '../../src/wire/record_batch.ts'

/** Keeps what is appended; `gate`, while set, holds appends back. */
export class MemoryProducer implements LogProducer {
  readonly stored: (LogRecord & { topic: string; partition: number })[] = []
  readonly batches: number[] = []
  gate: Promise<void> | undefined

  async append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    await this.gate
    const offset = this.stored.filter((each) => each.topic === topic).length
    this.stored.push(...records.map((record) => ({ ...record, topic, partition })))
    this.batches.push(records.length)
    return offset
  }

  async appendBatch(topic: string, partition: number, batch: Uint8Array): Promise<StoredBatch> {
    const records = decodeBatches(batch.slice()).map(({ key, value, ...rest }) => ({
      ...rest,
      key: key && Buffer.from(key),
      value: value && Buffer.from(value),
    }))
    return { offset: await this.append(topic, partition, records) }
  }

  async close(): Promise<void> {}
}

export interface Fixture<V> {
  readonly partition: AgentPartition<string, V, unknown>
  readonly stopped: EuphorionError[]
  readonly bad: BadRecord[]
  readonly producer: MemoryProducer
}

/** A partition of topic 't' with text keys; values are JSON unless given. */
export function agentOf<V = unknown>(
  run: AgentFunction<string, V, unknown>,
  more: Partial<AgentDefinition<string, V, unknown>> & Partial<SinkBeginning> = {},
  services: Partial<AgentServices> = {},
  memory: AgentMemory = {},
): Fixture<V> {
  const stopped: EuphorionError[] = []
  const bad: BadRecord[] = []
  const producer = new MemoryProducer()
  const sender = new Sender(producer, { recordsMax: 1000 })
  const { startOffset = 0, until, ...definition } = more
  const partition = new AgentPartition<string, V, unknown>(
    {
      name: 'tested',
      topic: 't',
      key: codecOf(text()),
      value: json() as Codec<V>,
      onBadRecord: 'dead-letter',
      concurrency: 1,
      sinks: [],
      run,
      ...definition,
    },
    {
      clock: systemClock,
      reading: { decompressedBytesMax: 1 << 20, checkCrcs: true },
      deadLetters: new DeadLetters({ topic: 'dead', partitions: 4, sender }),
      onStopped: (error) => stopped.push(error),
      onBadRecord: (record) => bad.push(record),
      ...services,
    },
    2,
    { startOffset, until },
    memory,
  )
  return { partition, stopped, bad, producer }
}

/** A batch of these values (a string as it is, others as JSON) from `baseOffset` on. */
export function batchOf(values: readonly unknown[], baseOffset = 0): Uint8Array {
  const records = values.map((value, index) => ({
    key: Buffer.from(`k${baseOffset + index}`),
    value:
      value === null
        ? null
        : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    timestamp: 1000 + index,
    headers: [{ key: 'h', value: Buffer.from('x') }],
  }))
  return encodeBatch(records, { baseOffset })
}
