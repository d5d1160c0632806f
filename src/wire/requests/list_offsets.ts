// ListOffsets: the offset that belongs to a time, or the first or the last of a partition. Asked of
// the leader.
import type { RequestType } from '../request.ts'

/** Times with a meaning of their own. */
export const offsetAt = { latest: -1, earliest: -2 } as const

export interface ListOffsetsBody {
  /** 0: read_uncommitted, 1: read_committed; bounds what `latest` means. */
  readonly isolationLevel: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      /** As in the metadata; -1: not checked. */
      readonly currentLeaderEpoch: number
      /** Milliseconds since 1970, or one of offsetAt. */
      readonly timestamp: number
    }[]
  }[]
}

export interface ListOffsetsAnswer {
  readonly throttleTimeMs: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      readonly errorCode: number
      /** Of the record found; -1: none, or first or last was asked for. */
      readonly timestamp: number
      /** -1: no record is as new. */
      readonly offset: number
      readonly leaderEpoch: number
    }[]
  }[]
}

export const listOffsetsRequest: RequestType<ListOffsetsBody, ListOffsetsAnswer> = {
  name: 'ListOffsets',
  apiKey: 2,
  versions: [5, 7],
  flexibleFrom: 6,

  encode(to, body) {
    to.int32(-1)
    to.int8(body.isolationLevel)
    to.structures(body.topics, ({ topic, partitions }) => {
      to.string(topic)
      to.structures(partitions, (each) => {
        to.int32(each.partition)
        to.int32(each.currentLeaderEpoch)
        to.int64(each.timestamp)
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
          partition: from.int32(),
          errorCode: from.int16(),
          timestamp: from.int64(),
          offset: from.int64(),
          leaderEpoch: from.int32(),
        })),
      })),
    }))
  },
}
