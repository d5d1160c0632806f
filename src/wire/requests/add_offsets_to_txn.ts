// AddOffsetsToTxn: a transaction will commit offsets of this group. Sent to the transaction's
// coordinator by the producer before TxnOffsetCommit.
import type { RequestType } from '../request.ts'

export interface AddOffsetsToTxnBody {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly groupId: string
}

export interface AddOffsetsToTxnAnswer {
  readonly throttleTimeMs: number
  readonly errorCode: number
}

export const addOffsetsToTxnRequest: RequestType<AddOffsetsToTxnBody, AddOffsetsToTxnAnswer> = {
  name: 'AddOffsetsToTxn',
  apiKey: 25,
  versions: [1, 4],
  flexibleFrom: 3,

  encode(to, body) {
    to.string(body.transactionalId)
    to.int64(body.producerId)
    to.int16(body.producerEpoch)
    to.string(body.groupId)
    to.end()
  },

  decode(from) {
    return from.structure(() => ({ throttleTimeMs: from.int32(), errorCode: from.int16() }))
  },
}
