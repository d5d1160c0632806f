// OffsetForLeaderEpoch: where the records of a leader's epoch end. Asked after a change of leader,
// to see whether what was read is still in the log (KIP-320).
import type { RequestType } from '../request.ts'

export interface OffsetForLeaderEpochBody {
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      /** As in the metadata; -1: not checked. */
      readonly currentLeaderEpoch: number
      /** Of the last record that was read. */
      readonly leaderEpoch: number
    }[]
  }[]
}

export interface OffsetForLeaderEpochAnswer {
  readonly throttleTimeMs: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly errorCode: number
      readonly partition: number
      /** The one asked for, or the last before it. -1: unknown. */
      readonly leaderEpoch: number
      /** First offset behind that epoch; a reader beyond it has read what is there no more. */
      readonly endOffset: number
    }[]
  }[]
}

export const offsetForLeaderEpochRequest: RequestType<
  OffsetForLeaderEpochBody,
  OffsetForLeaderEpochAnswer
> = {
  name: 'OffsetForLeaderEpoch',
  apiKey: 23,
  versions: [3, 4],
  flexibleFrom: 4,

  encode(to, body) {
    to.int32(-1)
    to.structures(body.topics, ({ topic, partitions }) => {
      to.string(topic)
      to.structures(partitions, (each) => {
        to.int32(each.partition)
        to.int32(each.currentLeaderEpoch)
        to.int32(each.leaderEpoch)
      })
    })
    to.end()
  },

  decode(from) {
    return from.structure(() => ({
      throttleTimeMs: from.int32(),
      topics: from.structures(() => ({
        topic: from.string(),
        partitions: from.structures(() => ({
          errorCode: from.int16(),
          partition: from.int32(),
          leaderEpoch: from.int32(),
          endOffset: from.int64(),
        })),
      })),
    }))
  },
}
