// Heartbeat: a member of a group is alive; the answer says whether the group rebalances. Sent to
// the group's coordinator by the membership.
import type { RequestType } from '../request.ts'

export interface HeartbeatBody {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export interface HeartbeatAnswer {
  readonly throttleTimeMs: number
  readonly errorCode: number
}

export const heartbeatRequest: RequestType<HeartbeatBody, HeartbeatAnswer> = {
  name: 'Heartbeat',
  apiKey: 12,
  versions: [4, 4],
  flexibleFrom: 4,

  encode(to, body) {
    to.string(body.groupId)
    to.int32(body.generationId)
    to.string(body.memberId)
    to.nullableString(body.groupInstanceId)
    to.end()
  },

  decode(from) {
    return from.structure(() => ({ throttleTimeMs: from.int32(), errorCode: from.int16() }))
  },
}
