// OffsetCommit: how far a group has come. Sent to the group's coordinator by the consumer.

import type { Decoder } from '../decoder.ts'
import type { Encoder } from '../encoder.ts'
import type { RequestType } from '../request.ts'

export interface OffsetCommitBody {
  readonly groupId: string
  /** -1 without membership. */
  readonly generationId: number
  /** Empty without membership. */
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly OffsetCommitTopic[]
}

export interface OffsetCommitTopic {
  readonly topic: string
  readonly partitions: readonly {
    readonly partition: number
    /** Of the record that comes next. */
    readonly committedOffset: number
    /** Of the last record read; -1: unknown. */
    readonly committedLeaderEpoch: number
    readonly committedMetadata: string | null
  }[]
}

export interface OffsetCommitAnswer {
  readonly throttleTimeMs: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[]
  }[]
}

export const offsetCommitRequest: RequestType<OffsetCommitBody, OffsetCommitAnswer> = {
  name: 'OffsetCommit',
  apiKey: 8,
  versions: [8, 8],
  flexibleFrom: 8,

  encode(to, body) {
    to.string(body.groupId)
    to.int32(body.generationId)
    to.string(body.memberId)
    to.nullableString(body.groupInstanceId)
    encodeOffsets(to, body.topics)
    to.end()
  },

  decode: decodeCommitted,
}

/** Shared with TxnOffsetCommit, as its answer is. */
export function encodeOffsets(to: Encoder, topics: readonly OffsetCommitTopic[]): void {
  to.structures(topics, ({ topic, partitions }) => {
    to.string(topic)
    to.structures(partitions, (each) => {
      to.int32(each.partition)
      to.int64(each.committedOffset)
      to.int32(each.committedLeaderEpoch)
      to.nullableString(each.committedMetadata)
    })
  })
}

export function decodeCommitted(from: Decoder): OffsetCommitAnswer {
  return from.structure(() => ({
    throttleTimeMs: from.int32(),
    topics: from.structures(() => ({
      topic: from.string(),
      partitions: from.structures(() => ({ partition: from.int32(), errorCode: from.int16() })),
    })),
  }))
}
