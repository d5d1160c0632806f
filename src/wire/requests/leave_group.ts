// LeaveGroup: members leave a group, or are taken out of it by someone else. Sent to the group's
// coordinator by the membership.
import type { RequestType } from '../request.ts'

export interface LeaveGroupBody {
  readonly groupId: string
  readonly members: readonly {
    /** Empty: whoever has the group instance id. */
    readonly memberId: string
    readonly groupInstanceId: string | null
    /** Why, for the broker's log (version 5, KIP-800). */
    readonly reason: string | null
  }[]
}

export interface LeaveGroupAnswer {
  readonly throttleTimeMs: number
  readonly errorCode: number
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly errorCode: number
  }[]
}

export const leaveGroupRequest: RequestType<LeaveGroupBody, LeaveGroupAnswer> = {
  name: 'LeaveGroup',
  apiKey: 13,
  versions: [4, 5],
  flexibleFrom: 4,

  encode(to, body, version) {
    to.string(body.groupId)
    to.structures(body.members, (member) => {
      to.string(member.memberId)
      to.nullableString(member.groupInstanceId)
      if (version >= 5) to.nullableString(member.reason)
    })
    to.end()
  },

  decode(from) {
    return from.structure(() => ({
      throttleTimeMs: from.int32(),
      errorCode: from.int16(),
      members: from.structures(() => ({
        memberId: from.string(),
        groupInstanceId: from.nullableString(),
        errorCode: from.int16(),
      })),
    }))
  },
}
