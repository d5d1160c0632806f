// OffsetFetch: how far a group had come. Asked of the group's coordinator by the consumer and the
// tools.
import { EuphorionError } from '../../errors.ts'
import type { Decoder } from '../decoder.ts'
import type { Encoder } from '../encoder.ts'
import type { RequestType } from '../request.ts'

export interface OffsetFetchBody {
  readonly groupId: string
  /** null: all that the group has committed. */
  readonly topics: readonly OffsetFetchTopic[] | null
  /** UNSTABLE_OFFSET_COMMIT where a transaction with offsets stands open (KIP-447). */
  readonly requireStable: boolean
}

export interface OffsetFetchTopic {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface OffsetFetchAnswer {
  readonly throttleTimeMs: number
  /** Of the whole group. */
  readonly errorCode: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      /** -1: none. */
      readonly committedOffset: number
      /** -1: unknown. */
      readonly committedLeaderEpoch: number
      readonly metadata: string | null
      readonly errorCode: number
    }[]
  }[]
}

/** Version 8 asks for several groups at once (KIP-709); here always for one. */
export const offsetFetchRequest: RequestType<OffsetFetchBody, OffsetFetchAnswer> = {
  name: 'OffsetFetch',
  apiKey: 9,
  versions: [7, 8],
  flexibleFrom: 6,

  encode(to, body, version) {
    if (version >= 8) to.structures([body], (group) => encodeGroup(to, group))
    else encodeGroup(to, body)
    to.boolean(body.requireStable)
    to.end()
  },

  decode(from, version) {
    const throttleTimeMs = from.int32()
    if (version < 8) {
      return from.structure(() => {
        const topics = decodeTopics(from)
        return { throttleTimeMs, errorCode: from.int16(), topics }
      })
    }
    const groups = from.structures(() => {
      from.string()
      const topics = decodeTopics(from)
      return { throttleTimeMs, errorCode: from.int16(), topics }
    })
    from.tags()
    if (groups.length === 1) return groups[0]
    throw new EuphorionError(
      'PROTOCOL_VIOLATED',
      `a broker was asked for the offsets of one group and answered for ${groups.length}`,
    )
  },
}

function encodeGroup(to: Encoder, body: OffsetFetchBody): void {
  to.string(body.groupId)
  to.structures(body.topics, ({ topic, partitions }) => {
    to.string(topic)
    to.array(partitions, (partition) => to.int32(partition))
  })
}

function decodeTopics(from: Decoder): OffsetFetchAnswer['topics'] {
  return from.structures(() => ({
    topic: from.string(),
    partitions: from.structures(() => ({
      partition: from.int32(),
      committedOffset: from.int64(),
      committedLeaderEpoch: from.int32(),
      metadata: from.nullableString(),
      errorCode: from.int16(),
    })),
  }))
}
