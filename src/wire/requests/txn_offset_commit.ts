// TxnOffsetCommit: offsets of a group that count once the transaction is committed. Sent to the
// group's coordinator by the producer.
import type { RequestType } from '../request.ts'
import {
  decodeCommitted,
  encodeOffsets,
  type OffsetCommitAnswer,
  type OffsetCommitTopic,
} from './offset_commit.ts'

export interface TxnOffsetCommitBody {
  readonly transactionalId: string
  readonly groupId: string
  readonly producerId: number
  readonly producerEpoch: number
  /** The member's place in its group fences members of the past (KIP-447); -1 without one. */
  readonly generationId: number
  /** Empty without membership. */
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly OffsetCommitTopic[]
}

const common = {
  name: 'TxnOffsetCommit',
  apiKey: 28,
  flexibleFrom: 3,

  encode(to, body) {
    to.string(body.transactionalId)
    to.string(body.groupId)
    to.int64(body.producerId)
    to.int16(body.producerEpoch)
    to.int32(body.generationId)
    to.string(body.memberId)
    to.nullableString(body.groupInstanceId)
    encodeOffsets(to, body.topics)
    to.end()
  },

  decode: decodeCommitted,
} satisfies Partial<RequestType<TxnOffsetCommitBody, OffsetCommitAnswer>>

/** The group must have been added to the transaction before. */
export const txnOffsetCommitRequest: RequestType<TxnOffsetCommitBody, OffsetCommitAnswer> = {
  ...common,
  versions: [3, 4],
}

/**
 * Adds the offsets to the transaction by itself (KIP-890). Only for a cluster whose feature
 * `transaction.version` is finalized at 2.
 */
export const txnOffsetCommitAddingRequest: RequestType<TxnOffsetCommitBody, OffsetCommitAnswer> = {
  ...common,
  versions: [5, 5],
}
