// Regions: the places in shared memory that fetches write into. Each begins with room for the
// FlatBuffer of its Batch, so that the payload is where the log's bytes already are:
//
//   base                          base + HEADER_BYTES
//   │ …free… │ FlatBuffer header … payload length │ payload: RecordBatch v2 bytes …     │
//            └ address of the Batch
import { Builder, ByteBuffer } from 'flatbuffers'
import { Batch } from './batch_generated.ts'
import type { SharedMemory } from './memory.ts'

/** Room for the FlatBuffer in front of the payload; a topic's name has at most 249 bytes. */
const HEADER_BYTES = 512

/** What one fetch brought, in place. */
export interface SharedBatch {
  readonly topic: string
  readonly partition: number
  /** The FlatBuffer in shared memory. */
  readonly address: number
  readonly payload: Buffer
  /** Offset behind the last record. */
  readonly nextOffset: number
  readonly recordCount: number
}

export interface BatchFacts {
  readonly topic: string
  readonly partition: number
  readonly firstOffset: number
  readonly nextOffset: number
  readonly recordCount: number
  readonly fetchedAtMs: number
}

/**
 * The finished FlatBuffer up to and with the payload's length; the payload follows its last byte.
 */
function template(topic: string): Uint8Array {
  const builder = new Builder(HEADER_BYTES)
  // a builder writes backwards: the empty payload first, so that it is the last thing in the buffer
  const payload = Batch.createPayloadVector(builder, [])
  const name = builder.createString(topic)
  builder.forceDefaults(true)
  Batch.startBatch(builder)
  Batch.addTopic(builder, name)
  Batch.addPartition(builder, 0)
  Batch.addFirstOffset(builder, 0n)
  Batch.addNextOffset(builder, 0n)
  Batch.addRecordCount(builder, 0)
  Batch.addFetchedAtMs(builder, 0n)
  Batch.addPayload(builder, payload)
  Batch.finishBatchBuffer(builder, Batch.endBatch(builder))
  return builder.asUint8Array().slice()
}

/** What a region for so large a payload takes. */
export function regionBytes(payloadBytes: number): number {
  return HEADER_BYTES + payloadBytes + 16
}

/** A span of shared memory for one fetch at a time. */
export class Region {
  readonly base: number
  readonly payloadBytes: number
  readonly #memory: SharedMemory
  /** Who still reads the batch; the region is free at 0. */
  holders = 0

  constructor(
    memory: SharedMemory,
    payloadBytes: number,
    base = memory.allocate(regionBytes(payloadBytes), 'a fetch region'),
  ) {
    this.#memory = memory
    this.payloadBytes = payloadBytes
    this.base = base
  }

  /** Undefined where there is no room for it. */
  static tryMake(memory: SharedMemory, payloadBytes: number): Region | undefined {
    const base = memory.tryAllocate(regionBytes(payloadBytes))
    return base === undefined ? undefined : new Region(memory, payloadBytes, base)
  }

  /** Where the log writes. */
  target(): Buffer {
    return this.#memory.span(this.base + HEADER_BYTES, this.payloadBytes)
  }

  /** Makes the Batch around the first `bytes` of the target. */
  finish(templates: BatchTemplates, facts: BatchFacts, bytes: number): SharedBatch {
    const header = templates.of(facts.topic)
    const address = this.base + HEADER_BYTES - header.length
    const span = this.#memory.span(address, header.length)
    span.set(header)
    const batch = Batch.getRootAsBatch(new ByteBuffer(span))
    batch.mutate_partition(facts.partition)
    batch.mutate_first_offset(BigInt(facts.firstOffset))
    batch.mutate_next_offset(BigInt(facts.nextOffset))
    batch.mutate_record_count(facts.recordCount)
    batch.mutate_fetched_at_ms(BigInt(facts.fetchedAtMs))
    this.#memory.view.setUint32(this.base + HEADER_BYTES - 4, bytes, true)
    return {
      topic: facts.topic,
      partition: facts.partition,
      address,
      payload: this.target().subarray(0, bytes),
      nextOffset: facts.nextOffset,
      recordCount: facts.recordCount,
    }
  }

  /** The whole FlatBuffer of a batch, as flatc reads it. */
  static flatBuffer(memory: SharedMemory, batch: SharedBatch): Buffer {
    const end = batch.payload.byteOffset + batch.payload.length
    return memory.span(batch.address, end - batch.address)
  }

  free(): void {
    this.#memory.free(this.base)
  }
}

/** The header of each topic, made once. */
export class BatchTemplates {
  readonly #headers = new Map<string, Uint8Array>()

  of(topic: string): Uint8Array {
    let header = this.#headers.get(topic)
    if (header === undefined) {
      header = template(topic)
      this.#headers.set(topic, header)
    }
    return header
  }
}
