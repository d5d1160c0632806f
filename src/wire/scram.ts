// The client's half of SCRAM (RFC 5802, RFC 7677), with the extensions of nobody. Used by the login
// of a connection.
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { EuphorionError } from '../errors.ts'

export type ScramHash = 'sha256' | 'sha512'

const hashBytes: Readonly<Record<ScramHash, number>> = { sha256: 32, sha512: 64 }
/** Fewer are no protection (Kafka's own bound), more are an attack on our processor. */
const iterationsMin = 4096
const iterationsMax = 1_000_000
/** 'n,,' in base64: no channel binding. */
const channelBinding = 'biws'

const derive = promisify(pbkdf2)

/**
 * One login. `nonce` is printable, without commas, and new each time. Like Kafka, names and
 * passwords are taken as their UTF-8 is, without SASLprep.
 */
export class ScramClient {
  readonly #hash: ScramHash
  readonly #password: string
  readonly #nonce: string
  readonly #firstBare: string
  #serverSignature: Buffer | undefined

  constructor(hash: ScramHash, username: string, password: string, nonce: string) {
    this.#hash = hash
    this.#password = password
    this.#nonce = nonce
    const name = username.replaceAll('=', '=3D').replaceAll(',', '=2C')
    this.#firstBare = `n=${name},r=${nonce}`
  }

  first(): string {
    return `n,,${this.#firstBare}`
  }

  /** The proof that we know the password. AUTHENTICATION_FAILED, PROTOCOL_VIOLATED. */
  async final(serverFirst: string): Promise<string> {
    const { r: nonce = '', s: salt = '', i: iterations = '', m, e } = attributes(serverFirst)
    if (e !== undefined) throw refused(e)
    if (m !== undefined) throw violated('it wants an extension')
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length)
      throw violated('its nonce does not continue ours')
    const count = /^\d{1,7}$/.test(iterations) ? Number(iterations) : 0
    if (count < iterationsMin || count > iterationsMax)
      throw violated(`it wants ${iterations} iterations`)
    const saltBytes = Buffer.from(salt, 'base64')
    if (saltBytes.length === 0) throw violated('it has no salt')
    const withoutProof = `c=${channelBinding},r=${nonce}`
    const message = `${this.#firstBare},${serverFirst},${withoutProof}`
    const length = hashBytes[this.#hash]
    const salted = await derive(this.#password, saltBytes, count, length, this.#hash)
    const clientKey = this.#hmac(salted, 'Client Key')
    const storedKey = createHash(this.#hash).update(clientKey).digest()
    const signature = this.#hmac(storedKey, message)
    this.#serverSignature = this.#hmac(this.#hmac(salted, 'Server Key'), message)
    const proof = clientKey.map((byte, index) => byte ^ signature[index])
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`
  }

  /** AUTHENTICATION_FAILED unless the server knows the password, too. */
  verify(serverFinal: string): void {
    const { v = '', e } = attributes(serverFinal)
    if (e !== undefined) throw refused(e)
    const signature = Buffer.from(v, 'base64')
    const expected = this.#serverSignature
    if (expected?.length !== signature.length || !timingSafeEqual(expected, signature))
      throw new EuphorionError(
        'AUTHENTICATION_FAILED',
        'the broker does not prove that it knows the password',
      )
  }

  #hmac(key: Uint8Array, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest()
  }
}

/** 'r=abc,s=def' by its letters. */
function attributes(message: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    message
      .split(',')
      .map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  )
}

function refused(reason: string): EuphorionError {
  return new EuphorionError('AUTHENTICATION_FAILED', `the broker refuses the login: ${reason}`)
}

function violated(what: string): EuphorionError {
  return new EuphorionError('PROTOCOL_VIOLATED', `the broker breaks the rules of SCRAM: ${what}`)
}
