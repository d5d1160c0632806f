// FindCoordinator: the broker that keeps a consumer group or a transaction. Asked by Cluster.
import { EuphorionError } from '../../errors.ts'
import type { Decoder } from '../decoder.ts'
import type { RequestType } from '../request.ts'

/** The kinds of keys. */
export const coordinatorKeyType = { group: 0, transaction: 1 } as const

export interface FindCoordinatorBody {
  /** The id of a group, or of transactions. */
  readonly key: string
  /** One of coordinatorKeyType. */
  readonly keyType: number
}

export interface FindCoordinatorAnswer {
  readonly throttleTimeMs: number
  readonly errorCode: number
  readonly errorMessage: string | null
  /** -1 with an error, like port. */
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** Version 4 asks for several keys at once (KIP-699); here always for one. */
export const findCoordinatorRequest: RequestType<FindCoordinatorBody, FindCoordinatorAnswer> = {
  name: 'FindCoordinator',
  apiKey: 10,
  versions: [3, 4],
  flexibleFrom: 3,

  encode(to, body, version) {
    if (version < 4) to.string(body.key)
    to.int8(body.keyType)
    if (version >= 4) to.array([body.key], (key) => to.string(key))
    to.end()
  },

  decode(from, version) {
    const throttleTimeMs = from.int32()
    if (version >= 4) return decodeBatched(from, throttleTimeMs)
    return from.structure(() => ({
      throttleTimeMs,
      errorCode: from.int16(),
      errorMessage: from.nullableString(),
      nodeId: from.int32(),
      host: from.string(),
      port: from.int32(),
    }))
  },
}

function decodeBatched(from: Decoder, throttleTimeMs: number): FindCoordinatorAnswer {
  const coordinators = from.structures(() => {
    from.string()
    const nodeId = from.int32()
    const host = from.string()
    const port = from.int32()
    const errorCode = from.int16()
    const errorMessage = from.nullableString()
    return { throttleTimeMs, errorCode, errorMessage, nodeId, host, port }
  })
  from.tags()
  if (coordinators.length === 1) return coordinators[0]
  throw new EuphorionError(
    'PROTOCOL_VIOLATED',
    `a broker was asked for one coordinator and named ${coordinators.length}`,
  )
}
