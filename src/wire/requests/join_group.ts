// JoinGroup: a member enters a group, or enters it again for a new generation; the answer comes
// when all have. Sent to the group's coordinator by the membership.
import type { RequestType } from '../request.ts'

export interface JoinGroupBody {
  readonly groupId: string
  /** Without a heartbeat for this long the member is taken out, in milliseconds. */
  readonly sessionTimeoutMs: number
  /** How long the coordinator waits for the members to come again. */
  readonly rebalanceTimeoutMs: number
  /** Empty at first; MEMBER_ID_REQUIRED brings one (KIP-394). */
  readonly memberId: string
  /** Of a static member (KIP-345). */
  readonly groupInstanceId: string | null
  /** 'consumer'. */
  readonly protocolType: string
  /** Names of assignors with the subscription as each reads it. */
  readonly protocols: readonly { readonly name: string; readonly metadata: Uint8Array }[]
  /** Why, for the broker's log (version 8, KIP-800). */
  readonly reason: string | null
}

export interface JoinGroupAnswer {
  readonly throttleTimeMs: number
  readonly errorCode: number
  readonly generationId: number
  readonly protocolType: string | null
  /** Null with an error. */
  readonly protocolName: string | null
  /** Its member id. */
  readonly leader: string
  /** The leader came back and the assignment stands (version 9, KIP-814). */
  readonly skipAssignment: boolean
  readonly memberId: string
  /** Only the leader gets them. */
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    /** A view of the answer. */
    readonly metadata: Buffer
  }[]
}

export const joinGroupRequest: RequestType<JoinGroupBody, JoinGroupAnswer> = {
  name: 'JoinGroup',
  apiKey: 11,
  versions: [7, 9],
  flexibleFrom: 6,

  encode(to, body, version) {
    to.string(body.groupId)
    to.int32(body.sessionTimeoutMs)
    to.int32(body.rebalanceTimeoutMs)
    to.string(body.memberId)
    to.nullableString(body.groupInstanceId)
    to.string(body.protocolType)
    to.structures(body.protocols, ({ name, metadata }) => {
      to.string(name)
      to.bytes(metadata)
    })
    if (version >= 8) to.nullableString(body.reason)
    to.end()
  },

  decode(from, version) {
    return from.structure(() => ({
      throttleTimeMs: from.int32(),
      errorCode: from.int16(),
      generationId: from.int32(),
      protocolType: from.nullableString(),
      protocolName: from.nullableString(),
      leader: from.string(),
      skipAssignment: version >= 9 ? from.boolean() : false,
      memberId: from.string(),
      members: from.structures(() => ({
        memberId: from.string(),
        groupInstanceId: from.nullableString(),
        metadata: from.bytesOrEmpty(),
      })),
    }))
  },
}
