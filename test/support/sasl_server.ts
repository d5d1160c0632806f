// The broker's half of SASL, as far as tests need it: one user, every mechanism, sessions that end.
// Used by tests of logins.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { Decoder } from '../../src/wire/decoder.ts'
import { Encoder } from '../../src/wire/encoder.ts'
import { answerTo, apiKeys, type FakeRequest } from './fake_broker.ts'

export interface SaslServerOptions {
  readonly user: string
  readonly password: string
  readonly token?: string
  readonly mechanisms?: readonly string[]
  readonly sessionLifetimeMs?: number
  /** Signs with another password than the user's. */
  readonly isImpostor?: boolean
}

const failed = 58
const unsupportedMechanism = 33

/** One connection's logins. */
export class SaslServer {
  readonly #options: SaslServerOptions
  #mechanism = ''
  #scram: { readonly nonce: string; readonly bare: string; readonly first: string } | undefined
  #isToFail = false
  logins = 0
  readonly messages: string[] = []

  constructor(options: SaslServerOptions) {
    this.#options = options
  }

  /** Undefined: it is no request of a login. */
  answer(request: FakeRequest): Buffer | undefined {
    if (request.apiKey === apiKeys.SaslHandshake) return this.#handshake(request)
    if (request.apiKey !== apiKeys.SaslAuthenticate) return undefined
    const from = new Decoder(request.body)
    from.flexible = request.version >= 2
    const message = from.bytesOrEmpty().toString()
    this.messages.push(message)
    const answer = this.#step(message)
    const to = new Encoder()
    to.flexible = request.version >= 2
    to.int16(answer === undefined ? failed : 0)
    to.nullableString(answer === undefined ? 'Authentication failed' : null)
    to.bytes(Buffer.from(answer ?? ''))
    to.int64(answer === undefined ? 0 : (this.#options.sessionLifetimeMs ?? 0))
    to.end()
    return answerTo(request, to.finish())
  }

  #handshake(request: FakeRequest): Buffer {
    const all = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']
    const offered = this.#options.mechanisms ?? all
    this.#mechanism = new Decoder(request.body).string()
    this.#scram = undefined
    const to = new Encoder()
    to.int16(offered.includes(this.#mechanism) ? 0 : unsupportedMechanism)
    to.array(offered, (name) => to.string(name))
    return answerTo(request, to.finish())
  }

  /** Undefined: refused. */
  #step(message: string): string | undefined {
    const { user, password, token } = this.#options
    if (this.#mechanism === 'PLAIN')
      return this.#done(message === `\0${user}\0${password}` ? '' : undefined)
    if (this.#mechanism === 'OAUTHBEARER') {
      if (this.#isToFail) return undefined
      if (message.startsWith(`n,,\x01auth=Bearer ${token}\x01`) && message.endsWith('\x01\x01'))
        return this.#done('')
      this.#isToFail = true
      return '{"status":"invalid_token"}'
    }
    return this.#scramStep(message)
  }

  #scramStep(message: string): string | undefined {
    const { user, password, isImpostor } = this.#options
    const salt = Buffer.from('a salt of tests')
    if (this.#scram === undefined) {
      const bare = message.slice(3)
      const [, name, theirs] = /^n=(.*),r=(.*)$/.exec(bare)!
      if (name.replaceAll('=2C', ',').replaceAll('=3D', '=') !== user) return undefined
      const nonce = theirs + randomBytes(8).toString('hex')
      const first = `r=${nonce},s=${salt.toString('base64')},i=4096`
      this.#scram = { nonce, bare, first }
      return first
    }
    const { nonce, bare, first } = this.#scram
    const hash = this.#mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512'
    const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest()
    const salted = pbkdf2Sync(password, salt, 4096, hash === 'sha256' ? 32 : 64, hash)
    const [, binding, theirs, proof] = /^c=(.*),r=(.*),p=(.*)$/.exec(message)!
    const text = `${bare},${first},c=${binding},r=${theirs}`
    const stored = createHash(hash).update(hmac(salted, 'Client Key')).digest()
    const signature = hmac(stored, text)
    const key = Buffer.from(Buffer.from(proof, 'base64').map((byte, at) => byte ^ signature[at]))
    const isRight = createHash(hash).update(key).digest().equals(stored) && theirs === nonce
    if (!isRight && isImpostor !== true) return undefined
    const server = hmac(hmac(salted, 'Server Key'), text)
    return this.#done(`v=${server.toString('base64')}`)
  }

  #done(answer: string | undefined): string | undefined {
    if (answer !== undefined) this.logins++
    return answer
  }
}
