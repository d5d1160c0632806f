// Logs a connection in by SASL: which mechanism says what, step by step. Used by Connection, at its
// beginning and again before the session ends (KIP-368).
import { randomBytes } from 'node:crypto'
import { EuphorionError } from '../errors.ts'
import { brokerCode } from './broker_code.ts'
import { brokerFailure } from './broker_error.ts'
import type { OAuthToken, SaslOptions } from './login.ts'
import type { SaslAuthenticateAnswer } from './requests/sasl_authenticate.ts'
import type { SaslHandshakeAnswer } from './requests/sasl_handshake.ts'
import { ScramClient } from './scram.ts'

/** The requests of a login. */
export interface SaslPort {
  handshake(mechanism: string): Promise<SaslHandshakeAnswer>
  authenticate(authBytes: Uint8Array): Promise<SaslAuthenticateAnswer>
}

/** One login that has been prepared. */
export interface SaslLogin {
  /**
   * Resolves with the ms that the session lasts, 0 without an end. Rejects with
   * AUTHENTICATION_FAILED, PROTOCOL_VIOLATED. Neither has the password or the token in it.
   */
  run(port: SaslPort): Promise<number>
}

/** Asks for the token, where there is one to be had: LOG_FAILED where it is not. */
export async function prepareLogin(sasl: SaslOptions): Promise<SaslLogin> {
  const name = sasl.mechanism.toUpperCase()
  switch (sasl.mechanism) {
    case 'plain': {
      const message = plainMessage(sasl.username, sasl.password)
      return login(name, async (say) => (await say(message)).sessionLifetimeMs)
    }
    case 'oauthbearer': {
      const message = bearerMessage(await askForToken(sasl.token))
      return login(name, (say) => bearer(say, message))
    }
    default: {
      const { mechanism, username, password } = sasl
      const hash = mechanism === 'scram-sha-256' ? 'sha256' : 'sha512'
      const nonce = randomBytes(24).toString('base64')
      return login(name, (say) => scram(say, new ScramClient(hash, username, password, nonce)))
    }
  }
}

/** Sends one message; rejects where the broker answers with an error. */
type Say = (message: string) => Promise<SaslAuthenticateAnswer>

function login(mechanism: string, talk: (say: Say) => Promise<number>): SaslLogin {
  return {
    async run(port) {
      const { errorCode, mechanisms } = await port.handshake(mechanism)
      if (errorCode === brokerCode.UNSUPPORTED_SASL_MECHANISM)
        throw notOffered(mechanism, mechanisms)
      check(errorCode, null)
      return talk(async (message) => {
        const answer = await port.authenticate(Buffer.from(message))
        check(answer.errorCode, answer.errorMessage)
        return answer
      })
    },
  }
}

function check(errorCode: number, said: string | null): void {
  const failure = brokerFailure(errorCode, 'logging in', {}, said)
  if (failure !== undefined) throw failure
}

function notOffered(mechanism: string, offered: readonly string[]): EuphorionError {
  return new EuphorionError(
    'AUTHENTICATION_FAILED',
    `the broker offers ${offered.join(', ') || 'no mechanism'}, and not ${mechanism}`,
  )
}

function plainMessage(username: string, password: string): string {
  if (username.includes('\0') || password.includes('\0'))
    throw new EuphorionError('SETTING_INVALID', 'user and password must not hold a zero byte')
  return `\0${username}\0${password}`
}

async function scram(say: Say, client: ScramClient): Promise<number> {
  const first = await say(client.first())
  const final = await say(await client.final(first.authBytes.toString()))
  client.verify(final.authBytes.toString())
  return final.sessionLifetimeMs
}

async function askForToken(token: () => Promise<OAuthToken>): Promise<OAuthToken> {
  try {
    return await token()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new EuphorionError('LOG_FAILED', `no token was given for the login: ${why}`, { cause })
  }
}

/** RFC 7628, section 3.1. */
function bearerMessage({ value, extensions = {} }: OAuthToken): string {
  if (!/^[\x21-\x7e]+$/.test(value))
    throw new EuphorionError('SETTING_INVALID', 'a token is text of printable ASCII characters')
  const pairs = Object.entries(extensions).map(([key, text]) => {
    if (!/^[A-Za-z]+$/.test(key) || key === 'auth' || !/^[\x20-\x7e\t\r\n]*$/.test(text))
      throw new EuphorionError('SETTING_INVALID', `a token cannot have the extension '${key}'`)
    return `${key}=${text}\x01`
  })
  return `n,,\x01auth=Bearer ${value}\x01${pairs.join('')}\x01`
}

/** A broker says what is wrong with a token in an answer without an error, and wants another. */
async function bearer(say: Say, message: string): Promise<number> {
  const { authBytes, sessionLifetimeMs } = await say(message)
  if (authBytes.length === 0) return sessionLifetimeMs
  const said = authBytes.toString()
  let cause: unknown
  try {
    await say('\x01')
  } catch (error) {
    cause = error
  }
  throw new EuphorionError('AUTHENTICATION_FAILED', `the broker refuses the token: ${said}`, {
    cause,
  })
}
