// The replies of one partition of an agent that yields: which of its events are requests, and what
// becomes of them. Each request gets its values, or hears that none will come. Owned by
// AgentPartition.
import { EuphorionError } from '../errors.ts'
import type { StoredRecord } from '../log/log.ts'
import { Bad } from '../record/bad.ts'
import { type Codec, json } from '../record/codec.ts'
import { decodeUtf8 } from '../record/json.ts'
import type { AgentDefinition, AgentServices } from './agent_definition.ts'
import type { AgentSlot } from './agent_slot.ts'
import { encodeErrorReply, encodeReply } from './reply_message.ts'
import type { ReplyValue } from './reply_value.ts'
import type { RequestAddress } from './request_message.ts'
import { scanRequests } from './request_scan.ts'
import type { SinkTopic } from './sink.ts'

/** How replies reach the log; given by the worker. */
export interface ReplyPort {
  /** Resolves when it is stored, or when nobody can be reached there. */
  send(topic: string, reply: Uint8Array): Promise<unknown>
  /** At once, whatever becomes of the transaction under way. Never rejects. */
  sendError(topic: string, reply: Uint8Array): void
}

interface RepliesOptions<K, V, R> {
  readonly name: string
  readonly topic: string
  readonly partition: number
  readonly key: Codec<K>
  readonly value: Codec<V>
  /** How values are in a request that wraps them. */
  readonly wrapped: ReplyValue<V>
  readonly reply: ReplyValue<R>
  readonly decompressedBytesMax: number
  readonly port: ReplyPort
}

/** An event that somebody waits for the values of: a sink of its own. */
class Request<K, V, R> implements SinkTopic<R> {
  readonly #options: RepliesOptions<K, V, R>
  readonly #address: RequestAddress
  readonly #key: Uint8Array | null
  isAnswered = false

  constructor(options: RepliesOptions<K, V, R>, address: RequestAddress, key: Uint8Array | null) {
    this.#options = options
    this.#address = address
    this.#key = key
  }

  /** Rejects with RECORD_INVALID for a value that is not of the agent's type. */
  async send({ value }: { readonly value: R }): Promise<unknown> {
    const { reply, port } = this.#options
    const { replyTo, correlationId } = this.#address
    const bytes = encodeReply(this.#keyJson(), reply.encode(value), correlationId)
    this.isAnswered = true
    return port.send(replyTo, bytes)
  }

  fail(error: EuphorionError): void {
    const { replyTo, correlationId, hearsErrors } = this.#address
    if (this.isAnswered || !hearsErrors) return
    this.isAnswered = true
    this.#options.port.sendError(replyTo, encodeErrorReply(this.#keyJson(), error, correlationId))
  }

  /** As far as it is known by its type; the asker does not need it. */
  #keyJson(): string {
    const key = this.#options.key.decode(this.#key)
    if (key === null || key instanceof Bad) return 'null'
    const shown = key instanceof Uint8Array ? decodeUtf8(key) : key
    if (shown instanceof Bad) return 'null'
    try {
      return Buffer.from(json().encode(shown)!).toString()
    } catch {
      return 'null'
    }
  }
}

/** Undefined where nothing is yielded, or nobody can be answered. */
export function repliesOf<K, V, R>(
  definition: AgentDefinition<K, V, R>,
  { replies: port, reading }: AgentServices,
  partition: number,
): Replies<K, V, R> | undefined {
  const { reply, wrapped } = definition
  if (reply === undefined || wrapped === undefined || port === undefined) return undefined
  const { decompressedBytesMax } = reading
  return new Replies({ ...definition, partition, reply, wrapped, port, decompressedBytesMax })
}

/** Of a function that turned out to be no generator. */
export function sinksOfNothing(agent: string): EuphorionError {
  const message = `agent ${agent} has sinks, and yields nothing: its function is no generator`
  return new EuphorionError('APP_INVALID', message)
}

export class Replies<K, V, R> {
  readonly #options: RepliesOptions<K, V, R>
  /** Those of payloads that were read and are not acknowledged, by offset, ascending. */
  readonly #requests = new Map<number, Request<K, V, R>>()
  readonly #found = ({ offset, key }: StoredRecord, address: RequestAddress): void => {
    this.#requests.set(offset, new Request(this.#options, address, key))
  }

  constructor(options: RepliesOptions<K, V, R>) {
    this.#options = options
  }

  /** Somebody waits for the values of an event. */
  get areAwaited(): boolean {
    return this.#requests.size > 0
  }

  /** Notes the requests of a payload; returns the one to read. */
  read(payload: Uint8Array): Uint8Array {
    return scanRequests(payload, { ...this.#options, found: this.#found })
  }

  /**
   * Who a value is for that the function yields: of the requests that it has in hand the first
   * without a value, else the last.
   */
  of(slot: AgentSlot<K, V>): SinkTopic<R> | undefined {
    if (this.#requests.size === 0) return undefined
    let last: Request<K, V, R> | undefined
    for (const [offset, request] of this.#requests) {
      if (!slot.holdsInHand(offset)) continue
      if (!request.isAnswered) return request
      last = request
    }
    return last
  }

  /** Something is acknowledged. Requests below `position` that no function has are over. */
  eased(functions: { has(offset: number): boolean }, position: number): void {
    for (const offset of this.#requests.keys()) {
      if (offset >= position) return
      if (functions.has(offset)) continue
      this.#end(offset, () => this.#error('HANDLER_FAILED', 'went on without a value', offset))
    }
  }

  /** The event was left out, or the agent stops in front of it. */
  failed(offset: number, error: EuphorionError): void {
    this.#end(offset, () => error)
  }

  /** It cannot be read, and is left out. */
  refused(offset: number, reason: string): void {
    this.#end(offset, () => this.#error('RECORD_BAD', `cannot read it: ${reason}`, offset))
  }

  #end(offset: number, error: () => EuphorionError): void {
    const request = this.#requests.get(offset)
    if (request === undefined) return
    this.#requests.delete(offset)
    if (!request.isAnswered) request.fail(error())
  }

  #error(code: 'HANDLER_FAILED' | 'RECORD_BAD', what: string, offset: number): EuphorionError {
    const { name, topic, partition } = this.#options
    const place = { topic, partition, offset }
    return new EuphorionError(code, `agent ${name} ${what}`, { place })
  }
}
