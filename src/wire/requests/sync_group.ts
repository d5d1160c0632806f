// SyncGroup: the leader of a group hands in the assignment, each member gets its part. Sent to the
// group's coordinator by the membership.
import type { RequestType } from '../request.ts'

export interface SyncGroupBody {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** As JoinGroup answered. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** Empty from everyone but the leader. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[]
}

export interface SyncGroupAnswer {
  readonly throttleTimeMs: number
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** A view of the answer; empty with an error. */
  readonly assignment: Buffer
}

export const syncGroupRequest: RequestType<SyncGroupBody, SyncGroupAnswer> = {
  name: 'SyncGroup',
  apiKey: 14,
  versions: [5, 5],
  flexibleFrom: 4,

  encode(to, body) {
    to.string(body.groupId)
    to.int32(body.generationId)
    to.string(body.memberId)
    to.nullableString(body.groupInstanceId)
    to.nullableString(body.protocolType)
    to.nullableString(body.protocolName)
    to.structures(body.assignments, ({ memberId, assignment }) => {
      to.string(memberId)
      to.bytes(assignment)
    })
    to.end()
  },

  decode(from) {
    return from.structure(() => ({
      throttleTimeMs: from.int32(),
      errorCode: from.int16(),
      protocolType: from.nullableString(),
      protocolName: from.nullableString(),
      assignment: from.bytesOrEmpty(),
    }))
  },
}
