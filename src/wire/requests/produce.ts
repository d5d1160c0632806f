// Produce: appends finished batches to partitions. Sent to leaders by the producer.
import type { Decoder } from '../decoder.ts'
import type { RequestType } from '../request.ts'

export interface ProduceBody {
  /** null: not in a transaction. */
  readonly transactionalId: string | null
  /** -1: all in-sync replicas. 0 is not spoken here: it has no answer. */
  readonly acks: number
  /** How long the broker waits for its followers, in milliseconds. */
  readonly timeoutMs: number
  readonly topics: readonly ProduceTopic[]
}

export interface ProduceTopic {
  readonly topic: string
  readonly partitions: readonly {
    readonly partition: number
    /**
     * One RecordBatch in one piece or several. Long pieces are not copied (see Encoder.raw): they
     * stay as they are until the answer is there.
     */
    readonly records: Uint8Array | readonly Uint8Array[]
  }[]
}

export interface ProduceAnswer {
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly ProducedPartition[]
  }[]
  readonly throttleTimeMs: number
  /** Addresses of the leaders that partitions name (version 10, KIP-951). */
  readonly nodeEndpoints: readonly NodeEndpoint[]
}

export interface ProducedPartition {
  readonly partition: number
  readonly errorCode: number
  /** -1 with an error. */
  readonly baseOffset: number
  /** -1: the topic keeps the times of the records. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** The records for whose sake the batch was refused (KIP-467). */
  readonly recordErrors: readonly {
    readonly batchIndex: number
    readonly message: string | null
  }[]
  readonly errorMessage: string | null
  /** Set with NOT_LEADER_OR_FOLLOWER, from version 10. */
  readonly currentLeader: { readonly leaderId: number; readonly leaderEpoch: number } | undefined
}

export interface NodeEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

const common = {
  name: 'Produce',
  apiKey: 0,
  flexibleFrom: 9,

  encode(to, body) {
    to.nullableString(body.transactionalId)
    to.int16(body.acks)
    to.int32(body.timeoutMs)
    to.structures(body.topics, ({ topic, partitions }) => {
      to.string(topic)
      to.structures(partitions, ({ partition, records }) => {
        to.int32(partition)
        if (records instanceof Uint8Array) to.bytes(records)
        else {
          to.bytesLength(sizeOf(records))
          for (const piece of records) to.raw(piece)
        }
      })
    })
    to.end()
  },

  decode(from) {
    const topics = from.structures(() => ({
      topic: from.string(),
      partitions: from.array(() => decodePartition(from)),
    }))
    const throttleTimeMs = from.int32()
    let nodeEndpoints: readonly NodeEndpoint[] = []
    from.tags((tag, value) => {
      if (tag !== 0) return
      nodeEndpoints = value.structures(() => ({
        nodeId: value.int32(),
        host: value.string(),
        port: value.int32(),
        rack: value.nullableString(),
      }))
    })
    return { topics, throttleTimeMs, nodeEndpoints }
  },
} satisfies Partial<RequestType<ProduceBody, ProduceAnswer>>

/** Partitions of a transaction must have been added to it before. */
export const produceRequest: RequestType<ProduceBody, ProduceAnswer> = {
  ...common,
  versions: [8, 11],
}

/**
 * Adds partitions to the transaction by itself (KIP-890). Only for a cluster whose feature
 * `transaction.version` is finalized at 2. Version 13 names topics by their ids.
 */
export const produceAddingRequest: RequestType<ProduceBody, ProduceAnswer> = {
  ...common,
  versions: [12, 12],
}

function decodePartition(from: Decoder): ProducedPartition {
  const result = {
    partition: from.int32(),
    errorCode: from.int16(),
    baseOffset: from.int64(),
    logAppendTimeMs: from.int64(),
    logStartOffset: from.int64(),
    recordErrors: from.structures(() => ({
      batchIndex: from.int32(),
      message: from.nullableString(),
    })),
    errorMessage: from.nullableString(),
  }
  let currentLeader: ProducedPartition['currentLeader']
  from.tags((tag, value) => {
    if (tag !== 0) return
    currentLeader = value.structure(() => ({
      leaderId: value.int32(),
      leaderEpoch: value.int32(),
    }))
  })
  return { ...result, currentLeader }
}

function sizeOf(pieces: readonly Uint8Array[]): number {
  let size = 0
  for (const piece of pieces) size += piece.length
  return size
}
