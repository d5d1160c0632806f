// One connection to a broker: requests are written at once, and their answers come in the same
// order. Opened by the Kafka driver's cluster, and by the thread of a group's membership.
//
//   request() ─ encode ─▶ socket        socket ─▶ AnswerReader ─▶ oldest request ─ decode ─▶ promise
//                         (held while it logs in again)                   └── or its AnswerSink
import type { Socket } from 'node:net'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { AnswerReader, type AwaitedAnswer, violated } from './answer_reader.ts'
import { openSocket } from './broker_socket.ts'
import { Decoder } from './decoder.ts'
import { Encoder } from './encoder.ts'
import type { AnswerSink, RequestType } from './request.ts'
import {
  type ApiVersionsAnswer,
  type ApiVersionsBody,
  apiVersionsRequest,
} from './requests/api_versions.ts'
import { VersionTable } from './version_table.ts'

export interface ConnectionOptions {
  readonly host: string
  readonly port: number
  /** Tells the broker who asks. */
  readonly clientId: string
  /** False: plain text. */
  readonly tls: false | TlsOptions
  /** ms for TCP and TLS together. */
  readonly connectTimeoutMs: number
  /** ms for an answer, unless the request says otherwise. */
  readonly requestTimeoutMs: number
  /** Largest answer that is gathered; those that a sink takes may be larger. */
  readonly answerBytesMax: number
  readonly clock: Clock
  /** Highest version to speak, by the request's name; otherwise all that both sides know. */
  readonly versionsMax?: Readonly<Record<string, number>>
}

export interface RequestOptions {
  /** ms for the whole answer. Default: requestTimeoutMs of the connection. */
  readonly timeoutMs?: number
}

/** A request on its way. */
interface Pending extends AwaitedAnswer {
  readonly name: string
  readonly timeoutMs: number
  /** On the monotonic clock; moved on while a sink has the connection paused. */
  deadlineMs: number
  readonly pieces: readonly Uint8Array[]
  readonly complete: (body: Buffer) => void
  readonly reject: (error: unknown) => void
}

/** What brokers count their clients by (KIP-511). */
const software: ApiVersionsBody = {
  clientSoftwareName: 'euphorion',
  clientSoftwareVersion: '1',
}
const unsupportedVersion = 35
/** More requests of one connection under way are a mistake of ours, or a broker that stands. */
const inFlightMax = 1000

export class Connection {
  readonly host: string
  readonly port: number
  readonly #options: ConnectionOptions
  readonly #reader: AnswerReader
  readonly #inFlight: Pending[] = []
  readonly #closeListeners = new Set<(error: EuphorionError) => void>()
  #socket: Socket | undefined
  #versions: VersionTable
  #lastId = 0
  #closedBy: EuphorionError | undefined
  #pausedSinceMs = 0
  #cancelWatch: (() => void) | undefined
  #watchedMs = Number.POSITIVE_INFINITY

  /**
   * Connects and asks for the broker's versions. Rejects with BROKER_UNREACHABLE,
   * PROTOCOL_VIOLATED or LOG_FAILED.
   */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options)
    try {
      await connection.#connect()
      await connection.#negotiate()
    } catch (error) {
      connection.close()
      throw error
    }
    return connection
  }

  private constructor(options: ConnectionOptions) {
    this.#options = options
    this.host = options.host
    this.port = options.port
    this.#versions = new VersionTable([], options.versionsMax ?? {}, this.#peer)
    this.#reader = new AnswerReader(
      {
        awaited: () => this.#inFlight[0],
        complete: (body) => this.#complete(body),
      },
      options.answerBytesMax,
    )
  }

  get #peer(): string {
    return `${this.host}:${this.port}`
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

  /**
   * The answer. Rejects with LOG_FAILED when the connection ends before it came, or when it does
   * not come in time, which ends the connection; with PROTOCOL_VIOLATED when it cannot be read; with
   * CAPABILITY_MISSING.
   */
  request<Q, A>(type: RequestType<Q, A>, body: Q, options: RequestOptions = {}): Promise<A> {
    return new Promise((resolve, reject) => {
      this.#ask(type, this.version(type), body, undefined, options, resolve, reject)
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
      this.#ask(type, this.version(type), body, sink, options, () => resolve(), reject)
    })
  }

  /** Reads on, after a sink's take() has answered false. */
  resume(): void {
    if (!this.#reader.paused) return
    const pausedMs = this.#options.clock.monotonic() - this.#pausedSinceMs
    for (const pending of this.#inFlight) pending.deadlineMs += pausedMs
    this.#reader.resume()
    this.#socket?.resume()
  }

  /** Ends it; requests under way are rejected with LOG_FAILED. */
  close(): void {
    this.#end(new EuphorionError('LOG_FAILED', `the connection to ${this.#peer} was closed`))
  }

  async #connect(): Promise<void> {
    const socket = await openSocket(this.#options, {
      buffer: () => this.#buffer(),
      arrived: (count, buffer) => this.#arrived(count, buffer),
    })
    this.#socket = socket
    socket.on('error', (cause) => this.#end(this.#ended(cause)))
    socket.on('close', () => this.#end(this.#ended()))
  }

  #ended(cause?: Error): EuphorionError {
    const why = cause === undefined ? '' : `: ${cause.message}`
    return new EuphorionError('LOG_FAILED', `the connection to ${this.#peer} ended${why}`, {
      cause,
    })
  }

  async #negotiate(): Promise<void> {
    const most = this.#options.versionsMax?.[apiVersionsRequest.name] ?? Number.POSITIVE_INFINITY
    const answer =
      (await this.#apiVersions(Math.min(apiVersionsRequest.versions[1], most))) ??
      (await this.#apiVersions(0))
    if (answer === undefined || answer.errorCode !== 0) {
      const error = answer?.errorCode ?? unsupportedVersion
      throw this.#asError(violated(`it answers the first request with error ${error}`))
    }
    this.#versions = new VersionTable(answer.apiKeys, this.#options.versionsMax ?? {}, this.#peer)
  }

  /** Undefined: the broker does not know the version. It says so in version 0 (KIP-511). */
  #apiVersions(version: number): Promise<ApiVersionsAnswer | undefined> {
    const type: RequestType<ApiVersionsBody, ApiVersionsAnswer | undefined> = {
      ...apiVersionsRequest,
      decode: (from, version) =>
        from.left >= 2 && from.bytes.readInt16BE(from.at) === unsupportedVersion
          ? undefined
          : apiVersionsRequest.decode(from, version),
    }
    return new Promise((resolve, reject) => {
      this.#ask(type, version, software, undefined, {}, resolve, reject)
    })
  }

  #ask<Q, A>(
    type: RequestType<Q, A>,
    version: number,
    body: Q,
    sink: AnswerSink | undefined,
    { timeoutMs = this.#options.requestTimeoutMs }: RequestOptions,
    resolve: (answer: A) => void,
    reject: (error: unknown) => void,
  ): void {
    const refused = this.#closedBy ?? this.#overloaded()
    if (refused !== undefined) {
      reject(refused)
      return
    }
    this.#lastId = (this.#lastId + 1) & 0x7fffffff
    const flexible = version >= type.flexibleFrom
    this.#send({
      name: type.name,
      correlationId: this.#lastId,
      // The answer to ApiVersions must be readable whatever the versions are (KIP-511).
      flexibleHeader: flexible && type.apiKey !== apiVersionsRequest.apiKey,
      sink,
      timeoutMs,
      deadlineMs: 0,
      pieces: this.#encode(type, version, flexible, body),
      complete: (bytes) => {
        const decoder = new Decoder(bytes)
        decoder.flexible = flexible
        resolve(sink === undefined ? type.decode(decoder, version) : (undefined as A))
      },
      reject,
    })
  }

  #overloaded(): EuphorionError | undefined {
    if (this.#inFlight.length < inFlightMax) return undefined
    return new EuphorionError('LOG_FAILED', `${this.#peer} owes ${inFlightMax} answers already`)
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

  #send(pending: Pending): void {
    const socket = this.#socket!
    pending.deadlineMs = this.#options.clock.monotonic() + pending.timeoutMs
    this.#inFlight.push(pending)
    const { pieces } = pending
    if (pieces.length > 1) socket.cork()
    for (const piece of pieces) socket.write(piece)
    if (pieces.length > 1) socket.uncork()
    this.#watch(pending.deadlineMs)
  }

  /** One timer for the earliest deadline; an answer in time leaves it to find nothing late. */
  #watch(deadlineMs: number): void {
    if (deadlineMs >= this.#watchedMs || this.closed) return
    this.#cancelWatch?.()
    this.#watchedMs = deadlineMs
    const waitMs = Math.max(0, deadlineMs - this.#options.clock.monotonic())
    this.#cancelWatch = this.#options.clock.after(waitMs, () => this.#lookForLate())
  }

  #lookForLate(): void {
    this.#watchedMs = Number.POSITIVE_INFINITY
    const nowMs = this.#options.clock.monotonic()
    const pausedMs = this.#reader.paused ? nowMs - this.#pausedSinceMs : 0
    let nextMs = Number.POSITIVE_INFINITY
    for (const pending of this.#inFlight) {
      const deadlineMs = pending.deadlineMs + pausedMs
      // Timers may be early by a fraction of a millisecond.
      if (deadlineMs <= nowMs + 1) {
        const { name, timeoutMs } = pending
        this.#end(
          new EuphorionError(
            'LOG_FAILED',
            `${this.#peer} did not answer ${name} in ${timeoutMs} ms`,
          ),
        )
        return
      }
      nextMs = Math.min(nextMs, deadlineMs)
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#watch(nextMs)
  }

  #buffer(): Uint8Array {
    try {
      return this.#reader.buffer()
    } catch (error) {
      this.#end(this.#asError(error))
      return new Uint8Array(1)
    }
  }

  #arrived(count: number, buffer: Uint8Array): boolean {
    if (this.closed) return false
    const wasPaused = this.#reader.paused
    try {
      this.#reader.arrived(count, buffer)
    } catch (error) {
      this.#end(this.#asError(error))
      return false
    }
    if (this.#reader.paused && !wasPaused) this.#pausedSinceMs = this.#options.clock.monotonic()
    return !this.#reader.paused
  }

  #asError(error: unknown): EuphorionError {
    if (error instanceof EuphorionError)
      return new EuphorionError(error.code, `${this.#peer}: ${error.message}`, { cause: error })
    return new EuphorionError('LOG_FAILED', `an answer of ${this.#peer} could not be taken`, {
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
    this.#cancelWatch?.()
    this.#socket?.destroy()
    for (const pending of this.#inFlight.splice(0)) pending.reject(error)
    for (const listener of this.#closeListeners) listener(error)
    this.#closeListeners.clear()
  }
}
