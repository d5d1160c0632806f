// SaslAuthenticate: one step of the mechanism that SaslHandshake named. Sent by Connection.
import type { RequestType } from '../request.ts'

export interface SaslAuthenticateBody {
  readonly authBytes: Uint8Array
}

export interface SaslAuthenticateAnswer {
  readonly errorCode: number
  /** The broker's own words. */
  readonly errorMessage: string | null
  /** A view of the answer. */
  readonly authBytes: Buffer
  /** The broker closes the connection unless it is authenticated anew within this time; 0: never
   * (KIP-368). */
  readonly sessionLifetimeMs: number
}

export const saslAuthenticateRequest: RequestType<SaslAuthenticateBody, SaslAuthenticateAnswer> = {
  name: 'SaslAuthenticate',
  apiKey: 36,
  versions: [1, 2],
  flexibleFrom: 2,

  encode(to, body) {
    to.bytes(body.authBytes)
    to.end()
  },

  decode(from) {
    return from.structure(() => ({
      errorCode: from.int16(),
      errorMessage: from.nullableString(),
      authBytes: from.bytesOrEmpty(),
      sessionLifetimeMs: from.int64(),
    }))
  },
}
