// InitProducerId: the id and epoch of an idempotent producer; for a transactional one it also
// fences those before it. Asked of any broker, with a transactional id of its coordinator.
import type { RequestType } from '../request.ts'

export interface InitProducerIdBody {
  /** null: idempotent only. */
  readonly transactionalId: string | null
  /** After which the coordinator aborts a transaction that stands open, in milliseconds. */
  readonly transactionTimeoutMs: number
  /** To raise the epoch of an id that the producer has (KIP-360); -1: a new id. */
  readonly producerId: number
  readonly producerEpoch: number
}

export interface InitProducerIdAnswer {
  readonly throttleTimeMs: number
  readonly errorCode: number
  readonly producerId: number
  readonly producerEpoch: number
}

export const initProducerIdRequest: RequestType<InitProducerIdBody, InitProducerIdAnswer> = {
  name: 'InitProducerId',
  apiKey: 22,
  versions: [3, 5],
  flexibleFrom: 2,

  encode(to, body) {
    to.nullableString(body.transactionalId)
    to.int32(body.transactionTimeoutMs)
    to.int64(body.producerId)
    to.int16(body.producerEpoch)
    to.end()
  },

  decode(from) {
    return from.structure(() => ({
      throttleTimeMs: from.int32(),
      errorCode: from.int16(),
      producerId: from.int64(),
      producerEpoch: from.int16(),
    }))
  },
}
