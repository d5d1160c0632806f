// Fetch: batches of partitions from where a reader stands. Sent to leaders, or to the followers
// that they name (KIP-392). The object decoder here is for tools and tests; the reader of the log
// takes answers apart as they arrive.
import type { Decoder } from '../decoder.ts'
import type { Encoder } from '../encoder.ts'
import type { RequestType } from '../request.ts'

export interface FetchBody {
  /** How long the broker waits for minBytes, in milliseconds. */
  readonly maxWaitMs: number
  readonly minBytes: number
  /** Of the whole answer; the first batch comes even when it is larger (KIP-74). */
  readonly maxBytes: number
  /** 0: read_uncommitted, 1: read_committed. */
  readonly isolationLevel: number
  /** 0: no session, or a new one (KIP-227). */
  readonly sessionId: number
  /** 0: a new session; -1: none; else the last one and 1. */
  readonly sessionEpoch: number
  /** In a session: those that are new or changed. */
  readonly topics: readonly FetchTopic[]
  /** In a session: those that are read no more. */
  readonly forgottenTopics: readonly {
    readonly topic: string
    readonly partitions: readonly number[]
  }[]
  /** Where the reader is, for the choice of a follower; empty: anywhere. */
  readonly rackId: string
}

export interface FetchTopic {
  readonly topic: string
  readonly partitions: readonly FetchPartition[]
}

export interface FetchPartition {
  readonly partition: number
  /** As in the metadata; -1: not checked. */
  readonly currentLeaderEpoch: number
  readonly fetchOffset: number
  /** Of the last record read: the broker says where its log diverges (KIP-595). -1: not checked. */
  readonly lastFetchedEpoch: number
  readonly partitionMaxBytes: number
}

export interface FetchAnswer {
  readonly throttleTimeMs: number
  readonly errorCode: number
  /** 0: the broker keeps no session. */
  readonly sessionId: number
  /** In a session: those with news. */
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly FetchedPartition[]
  }[]
}

export interface FetchedPartition {
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Null with read_uncommitted. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  /** The follower to ask from now on; -1: the leader. */
  readonly preferredReadReplica: number
  /** A view: whole batches, the last of which may be cut off. */
  readonly records: Buffer
  /** Set when the log does not have what was read: read again from there. */
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | undefined
  /** Set with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH. */
  readonly currentLeader: { readonly leaderId: number; readonly leaderEpoch: number } | undefined
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** Version 13 names topics by their ids, which brings a reader of few topics nothing. */
export const fetchRequest: RequestType<FetchBody, FetchAnswer> = {
  name: 'Fetch',
  apiKey: 1,
  versions: [11, 12],
  flexibleFrom: 12,

  encode(to, body, version) {
    to.int32(-1)
    to.int32(body.maxWaitMs)
    to.int32(body.minBytes)
    to.int32(body.maxBytes)
    to.int8(body.isolationLevel)
    to.int32(body.sessionId)
    to.int32(body.sessionEpoch)
    to.structures(body.topics, ({ topic, partitions }) => {
      to.string(topic)
      to.structures(partitions, (each) => encodePartition(to, each, version))
    })
    to.structures(body.forgottenTopics, ({ topic, partitions }) => {
      to.string(topic)
      to.array(partitions, (partition) => to.int32(partition))
    })
    to.string(body.rackId)
    to.end()
  },

  decode(from) {
    return from.structure(() => ({
      throttleTimeMs: from.int32(),
      errorCode: from.int16(),
      sessionId: from.int32(),
      topics: from.structures(() => ({
        topic: from.string(),
        partitions: from.array(() => decodePartition(from)),
      })),
    }))
  },
}

function encodePartition(to: Encoder, each: FetchPartition, version: number): void {
  to.int32(each.partition)
  to.int32(each.currentLeaderEpoch)
  to.int64(each.fetchOffset)
  if (version >= 12) to.int32(each.lastFetchedEpoch)
  // Followers alone say where their log begins.
  to.int64(-1)
  to.int32(each.partitionMaxBytes)
}

function decodePartition(from: Decoder): FetchedPartition {
  const fields = {
    partition: from.int32(),
    errorCode: from.int16(),
    highWatermark: from.int64(),
    lastStableOffset: from.int64(),
    logStartOffset: from.int64(),
    abortedTransactions: from.nullableArray(() =>
      from.structure(() => ({ producerId: from.int64(), firstOffset: from.int64() })),
    ),
    preferredReadReplica: from.int32(),
    records: from.bytesOrEmpty(),
  }
  let divergingEpoch: FetchedPartition['divergingEpoch']
  let currentLeader: FetchedPartition['currentLeader']
  from.tags((tag, value) => {
    if (tag === 0) {
      divergingEpoch = value.structure(() => ({ epoch: value.int32(), endOffset: value.int64() }))
    } else if (tag === 1) {
      currentLeader = value.structure(() => ({
        leaderId: value.int32(),
        leaderEpoch: value.int32(),
      }))
    }
  })
  return { ...fields, divergingEpoch, currentLeader }
}
