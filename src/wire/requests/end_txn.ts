// EndTxn: commits or aborts a transaction. Sent to the transaction's coordinator by the producer.
import type { RequestType } from '../request.ts'

export interface EndTxnBody {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  /** false: abort. */
  readonly committed: boolean
}

export interface EndTxnAnswer {
  readonly throttleTimeMs: number
  readonly errorCode: number
  /** For the next transaction; -1: as before. */
  readonly producerId: number
  readonly producerEpoch: number
}

const common = {
  name: 'EndTxn',
  apiKey: 26,
  flexibleFrom: 3,

  encode(to, body) {
    to.string(body.transactionalId)
    to.int64(body.producerId)
    to.int16(body.producerEpoch)
    to.boolean(body.committed)
    to.end()
  },

  decode(from, version) {
    return from.structure(() => ({
      throttleTimeMs: from.int32(),
      errorCode: from.int16(),
      producerId: version >= 5 ? from.int64() : -1,
      producerEpoch: version >= 5 ? from.int16() : -1,
    }))
  },
} satisfies Partial<RequestType<EndTxnBody, EndTxnAnswer>>

/** Leaves id and epoch of the producer as they are. */
export const endTxnRequest: RequestType<EndTxnBody, EndTxnAnswer> = { ...common, versions: [1, 4] }

/**
 * Raises the producer's epoch with each transaction (KIP-890). Only for a cluster whose feature
 * `transaction.version` is finalized at 2: a broker takes this version for that promise.
 */
export const endTxnRaisingRequest: RequestType<EndTxnBody, EndTxnAnswer> = {
  ...common,
  versions: [5, 5],
}
