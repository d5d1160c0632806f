// AddPartitionsToTxn: a transaction will write to these partitions. Sent to the transaction's
// coordinator by the producer before the first batch of each.
import type { RequestType } from '../request.ts'

export interface AddPartitionsToTxnBody {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
}

export interface AddPartitionsToTxnAnswer {
  readonly throttleTimeMs: number
  /** With an error in one, the others are OPERATION_NOT_ATTEMPTED. */
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[]
  }[]
}

/** From version 4 on it is a request between brokers (KIP-890). */
export const addPartitionsToTxnRequest: RequestType<
  AddPartitionsToTxnBody,
  AddPartitionsToTxnAnswer
> = {
  name: 'AddPartitionsToTxn',
  apiKey: 24,
  versions: [1, 3],
  flexibleFrom: 3,

  encode(to, body) {
    to.string(body.transactionalId)
    to.int64(body.producerId)
    to.int16(body.producerEpoch)
    to.structures(body.topics, ({ topic, partitions }) => {
      to.string(topic)
      to.array(partitions, (partition) => to.int32(partition))
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
