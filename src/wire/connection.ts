// One connection to a broker: requests are written at once, and their answers come in the same
// order. Opened by the Kafka driver's cluster, and by the thread of a group's membership.
//
//   request() ─ encode ─▶ socket      socket ─▶ AnswerReader ─▶ oldest request ─ decode ─▶ promise
//                         (held while it logs in again)                 └── or its AnswerSink
import type { Socket } from 'node:net'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { AnswerReader, violated } from './answer_reader.ts'
import { brokerCode } from './broker_code.ts'
import { openSocket, shownAddress } from './broker_socket.ts'
import { Decoder } from './decoder.ts'
import { Encoder } from './encoder.ts'
import type { SaslOptions } from './login.ts'
import type { AnswerSink, RequestType } from './request.ts'
import { type PendingRequest, RequestQueue } from './request_queue.ts'
import {
  type ApiVersionsAnswer,
  type ApiVersionsBody,
  apiVersionsRequest,
} from './requests/api_versions.ts'
import { saslAuthenticateRequest } from './requests/sasl_authenticate.ts'
import { saslHandshakeRequest } from './requests/sasl_handshake.ts'
import { prepareLogin } from './sasl.ts'
import { type Feature, VersionTable } from './version_table.ts'

export interface ConnectionOptions {
  readonly host: string
  readonly port: number
  /** Tells the broker who asks. */
  readonly clientId: string
  /** False: plain text. */
  readonly tls: false | TlsOptions
  /** ms for TCP and TLS together, and for each answer until the login is done. */
  readonly connectTimeoutMs: number
  /** ms for an answer, unless the request says otherwise. */
  readonly requestTimeoutMs: number
  /** Largest answer that is gathered; those that a sink takes may be larger. */
  readonly answerBytesMax: number
  readonly clock: Clock
  /** Default: no login. */
  readonly sasl?: SaslOptions
  /** Highest version to speak, by the request's name; otherwise all that both sides know. */
  readonly versionsMax?: Readonly<Record<string, number>>
}

export interface RequestOptions {
  /** ms for the whole answer. Default: requestTimeoutMs of the connection. */
  readonly timeoutMs?: number
  /** ms beside these that the broker was asked to wait. */
  readonly waitMs?: number
}

interface AskOptions extends RequestOptions {
  readonly sink?: AnswerSink
  /** Sent also while others are held. */
  readonly isLogin?: boolean
}

/** What brokers count their clients by (KIP-511). */
const software: ApiVersionsBody = {
  clientSoftwareName: 'euphorion',
  clientSoftwareVersion: '1',
}
/** Of its session's life; the rest is for the login, and for clocks that differ. */
const loginAgainAt = 0.85
const timerMsMax = 2 ** 31 - 1
/** More requests of one connection under way are a mistake of ours, or a broker that stands. */
const inFlightMax = 1000

export class Connection {
  readonly #options: ConnectionOptions
  readonly #reader: AnswerReader
  readonly #inFlight: RequestQueue
  /** Requests that wait until a login is done: a broker takes no others meanwhile. */
  #held: PendingRequest[] | undefined
  readonly #closeListeners = new Set<(error: EuphorionError) => void>()
  #socket: Socket | undefined
  #versions: VersionTable
  #lastId = 0
  #closedBy: EuphorionError | undefined
  /** An answer did not come in time. */
  #isLate = false
  #cancelLogin: (() => void) | undefined

  /**
   * Connects, asks for the broker's versions, and logs in. Rejects with BROKER_UNREACHABLE,
   * PROTOCOL_VIOLATED, AUTHENTICATION_FAILED, and with LOG_FAILED where no token can be had.
   */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options)
    try {
      await connection.#connect()
      await connection.#negotiate()
      await connection.#login()
    } catch (error) {
      connection.close()
      throw connection.#openFailure(error)
    }
    return connection
  }

  private constructor(options: ConnectionOptions) {
    this.#options = options
    const nothing = { apiKeys: [], finalizedFeatures: [] }
    this.#versions = new VersionTable(nothing, options.versionsMax ?? {}, this.address)
    this.#inFlight = new RequestQueue(options.clock, (request) => this.#late(request))
    this.#reader = new AnswerReader(
      {
        awaited: () => this.#inFlight.oldest,
        complete: (body) => this.#complete(body),
      },
      options.answerBytesMax,
    )
  }

  /** host:port, for messages. */
  get address(): string {
    return shownAddress(this.#options.host, this.#options.port)
  }

  get closed(): boolean {
    return this.#closedBy !== undefined
  }

  /** Called once when it ends, whoever ended it; at once where it has. */
  onClose(listener: (error: EuphorionError) => void): void {
    if (this.#closedBy !== undefined) listener(this.#closedBy)
    else this.#closeListeners.add(listener)
  }

  /** The version in which requests of this type are written; CAPABILITY_MISSING without one. */
  version(type: RequestType<never, unknown>): number {
    return this.#versions.of(type)
  }

  /** Whether the cluster does that, and is asked for it. */
  does(feature: Feature): boolean {
    return this.#versions.does(feature)
  }

  /**
   * The answer. Rejects with LOG_FAILED when the connection ends before it came, or when it does
   * not come in time, which ends the connection; with PROTOCOL_VIOLATED when it cannot be read;
   * with CAPABILITY_MISSING.
   */
  request<Q, A>(type: RequestType<Q, A>, body: Q, options: RequestOptions = {}): Promise<A> {
    return new Promise((resolve, reject) => {
      this.#ask(type, this.version(type), body, options, resolve, reject)
    })
  }

  /**
   * As request(), with an answer whose body, behind the response header, goes to `sink` as it
   * arrives. Resolves when it is complete. What the sink throws ends the connection.
   */
  requestInto<Q>(
    type: RequestType<Q, unknown>,
    body: Q,
    sink: AnswerSink,
    options: RequestOptions = {},
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ask(type, this.version(type), body, { ...options, sink }, () => resolve(), reject)
    })
  }

  /** Reads on, after a sink's take() has answered false. */
  resume(): void {
    if (!this.#reader.paused) return
    this.#inFlight.resume()
    this.#reader.resume()
    this.#socket?.resume()
  }

  /** Ends it; requests under way are rejected with LOG_FAILED. */
  close(): void {
    this.#end(new EuphorionError('LOG_FAILED', `the connection to ${this.address} was closed`))
  }

  async #connect(): Promise<void> {
    const socket = await openSocket(this.#options, {
      buffer: () => this.#buffer(),
      arrived: (count, buffer) => this.#arrived(count, buffer),
    })
    this.#socket = socket
    socket.on('error', (cause) => this.#endedByPeer(cause))
    socket.on('close', () => this.#endedByPeer())
  }

  #endedByPeer(cause?: Error): void {
    const why = cause === undefined ? '' : `: ${cause.message}`
    const message = `the connection to ${this.address} ended${why}`
    this.#end(new EuphorionError('LOG_FAILED', message, { cause }))
  }

  /** Nobody has used the connection: that it ended says something of what answers there. */
  #openFailure(error: unknown): unknown {
    if (error !== this.#closedBy || this.#closedBy?.code !== 'LOG_FAILED') return error
    const { message } = this.#closedBy
    return this.#isLate
      ? new EuphorionError('BROKER_UNREACHABLE', message)
      : new EuphorionError('PROTOCOL_VIOLATED', `${message}, before it was used`)
  }

  async #negotiate(): Promise<void> {
    const most = this.#options.versionsMax?.[apiVersionsRequest.name] ?? Number.POSITIVE_INFINITY
    const answer =
      (await this.#apiVersions(Math.min(apiVersionsRequest.versions[1], most))) ??
      (await this.#apiVersions(0))
    if (answer === undefined || answer.errorCode !== 0) {
      const error = answer?.errorCode ?? brokerCode.UNSUPPORTED_VERSION
      throw this.#asError(violated(`it answers the first request with error ${error}`))
    }
    this.#versions = new VersionTable(answer, this.#options.versionsMax ?? {}, this.address)
  }

  /** Undefined: the broker does not know the version. It says so in version 0 (KIP-511). */
  #apiVersions(version: number): Promise<ApiVersionsAnswer | undefined> {
    const type: RequestType<ApiVersionsBody, ApiVersionsAnswer | undefined> = {
      ...apiVersionsRequest,
      decode: (from, version) =>
        from.left >= 2 && from.bytes.readInt16BE(from.at) === brokerCode.UNSUPPORTED_VERSION
          ? undefined
          : apiVersionsRequest.decode(from, version),
    }
    return new Promise((resolve, reject) => {
      this.#ask(type, version, software, this.#loginOptions, resolve, reject)
    })
  }

  get #loginOptions(): AskOptions {
    return { timeoutMs: this.#options.connectTimeoutMs, isLogin: true }
  }

  /** The first login, and each further one before the session ends. */
  async #login(): Promise<void> {
    if (this.#options.sasl === undefined) return
    const login = await prepareLogin(this.#options.sasl)
    if (this.#closedBy !== undefined) throw this.#closedBy
    this.#held = []
    const lifetimeMs = await login
      .run({
        handshake: (mechanism) => this.#askForLogin(saslHandshakeRequest, { mechanism }),
        authenticate: (authBytes) => this.#askForLogin(saslAuthenticateRequest, { authBytes }),
      })
      .catch((error) => {
        throw error === this.#closedBy ? error : this.#asError(error)
      })
    const held = this.#held
    this.#held = undefined
    for (const pending of held) this.#send(pending)
    if (lifetimeMs > 0 && !this.closed) {
      const waitMs = Math.min(Math.floor(lifetimeMs * loginAgainAt), timerMsMax)
      this.#cancelLogin = this.#options.clock.after(waitMs, () => {
        this.#login().catch((error) => this.#end(error))
      })
    }
  }

  #askForLogin<Q, A>(type: RequestType<Q, A>, body: Q): Promise<A> {
    return new Promise((resolve, reject) => {
      this.#ask(type, this.version(type), body, this.#loginOptions, resolve, reject)
    })
  }

  #ask<Q, A>(
    type: RequestType<Q, A>,
    version: number,
    body: Q,
    { sink, isLogin = false, ...times }: AskOptions,
    resolve: (answer: A) => void,
    reject: (error: unknown) => void,
  ): void {
    const refused = this.#closedBy ?? this.#overloaded()
    if (refused !== undefined) {
      reject(refused)
      return
    }
    const timeoutMs = (times.timeoutMs ?? this.#options.requestTimeoutMs) + (times.waitMs ?? 0)
    this.#lastId = (this.#lastId + 1) & 0x7fffffff
    const flexible = version >= type.flexibleFrom
    const pending: PendingRequest = {
      name: type.name,
      correlationId: this.#lastId,
      // The answer to ApiVersions must be readable whatever the versions are (KIP-511).
      flexibleHeader: flexible && type.apiKey !== apiVersionsRequest.apiKey,
      sink,
      timeoutMs,
      pieces: this.#encode(type, version, flexible, body),
      complete: (bytes) => {
        const decoder = new Decoder(bytes)
        decoder.flexible = flexible
        resolve(sink === undefined ? type.decode(decoder, version) : (undefined as A))
      },
      reject,
    }
    if (this.#held === undefined || isLogin) this.#send(pending)
    else this.#held.push(pending)
  }

  #overloaded(): EuphorionError | undefined {
    if (this.#inFlight.length + (this.#held?.length ?? 0) < inFlightMax) return undefined
    return new EuphorionError('LOG_FAILED', `${this.address} owes ${inFlightMax} answers already`)
  }

  #encode<Q>(
    type: RequestType<Q, unknown>,
    version: number,
    flexible: boolean,
    body: Q,
  ): readonly Uint8Array[] {
    const to = new Encoder()
    to.int32(0)
    to.int16(type.apiKey)
    to.int16(version)
    to.int32(this.#lastId)
    to.string(this.#options.clientId)
    to.flexible = flexible
    to.end()
    type.encode(to, body, version)
    to.int32At(0, to.size - 4)
    return to.pieces()
  }

  #send(pending: PendingRequest): void {
    const socket = this.#socket!
    this.#inFlight.push(pending)
    const { pieces } = pending
    if (pieces.length > 1) socket.cork()
    for (const piece of pieces) socket.write(piece)
    if (pieces.length > 1) socket.uncork()
  }

  #late({ name, timeoutMs }: PendingRequest): void {
    this.#isLate = true
    const message = `${this.address} did not answer ${name} in ${timeoutMs} ms`
    this.#end(new EuphorionError('LOG_FAILED', message))
  }

  #buffer(): Uint8Array {
    // a TLS socket that was closed a moment ago may still write what it has deciphered
    if (this.closed) return new Uint8Array(1)
    try {
      return this.#reader.buffer()
    } catch (error) {
      this.#end(this.#asError(error))
      return new Uint8Array(1)
    }
  }

  #arrived(count: number, buffer: Uint8Array): boolean {
    if (this.closed) return false
    try {
      this.#reader.arrived(count, buffer)
    } catch (error) {
      this.#end(this.#asError(error))
      return false
    }
    if (!this.#reader.paused) return true
    this.#inFlight.pause()
    return false
  }

  #asError(error: unknown): EuphorionError {
    if (error instanceof EuphorionError)
      return new EuphorionError(error.code, `${this.address}: ${error.message}`, {
        cause: error.cause,
      })
    return new EuphorionError('LOG_FAILED', `an answer of ${this.address} could not be taken`, {
      cause: error,
    })
  }

  #complete(body: Buffer): void {
    const pending = this.#inFlight.shift()!
    try {
      pending.complete(body)
    } catch (error) {
      pending.reject(this.#asError(error))
      throw error
    }
  }

  #end(error: EuphorionError): void {
    if (this.#closedBy !== undefined) return
    this.#closedBy = error
    this.#cancelLogin?.()
    this.#socket?.destroy()
    const pendings = [...this.#inFlight.clear(), ...(this.#held?.splice(0) ?? [])]
    for (const pending of pendings) pending.reject(error)
    for (const listener of this.#closeListeners) listener(error)
    this.#closeListeners.clear()
  }
}
