// SaslHandshake: names the mechanism that SaslAuthenticate will speak. Sent by Connection.
import type { RequestType } from '../request.ts'

export interface SaslHandshakeBody {
  /** 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'. */
  readonly mechanism: string
}

export interface SaslHandshakeAnswer {
  readonly errorCode: number
  /** Those that the broker allows. */
  readonly mechanisms: readonly string[]
}

export const saslHandshakeRequest: RequestType<SaslHandshakeBody, SaslHandshakeAnswer> = {
  name: 'SaslHandshake',
  apiKey: 17,
  versions: [1, 1],
  flexibleFrom: Number.POSITIVE_INFINITY,

  encode(to, body) {
    to.string(body.mechanism)
  },

  decode(from) {
    return { errorCode: from.int16(), mechanisms: from.array(() => from.string()) }
  },
}
