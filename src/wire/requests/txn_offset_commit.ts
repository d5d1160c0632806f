// TxnOffsetCommit: offsets of a group that count once the transaction is committed. Sent to the
// group's coordinator by the producer.
import type { RequestType } from '../request.ts'
import type { OffsetCommitTopic } from './offset_commit.ts'

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

export interface TxnOffsetCommitAnswer {
  readonly throttleTimeMs: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[]
  }[]
}

/** Version 5 adds the offsets to the transaction by itself (KIP-890). */
export const txnOffsetCommitRequest: RequestType<TxnOffsetCommitBody, TxnOffsetCommitAnswer> = {
  name: 'TxnOffsetCommit',
  apiKey: 28,
  versions: [3, 4],
  flexibleFrom: 3,

  encode(to, body) {
    to.string(body.transactionalId)
    to.string(body.groupId)
    to.int64(body.producerId)
    to.int16(body.producerEpoch)
    to.int32(body.generationId)
    to.string(body.memberId)
    to.nullableString(body.groupInstanceId)
    to.structures(body.topics, ({ topic, partitions }) => {
      to.string(topic)
      to.structures(partitions, (each) => {
        to.int32(each.partition)
        to.int64(each.committedOffset)
        to.int32(each.committedLeaderEpoch)
        to.nullableString(each.committedMetadata)
      })
    })
    to.end()
  },

  decode(from) {
    return from.structure(() => ({
      throttleTimeMs: from.int32(),
      topics: from.structures(() => ({
        topic: from.string(),
        partitions: from.structures(() => ({ partition: from.int32(), errorCode: from.int16() })),
      })),
    }))
  },
}
