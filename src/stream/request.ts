// Asking an agent: what a call may say, and what it needs of the app. Used by Agent, answered by
// the app's client.
import { EuphorionError } from '../errors.ts'
import type { RowSink } from '../ingest/rows.ts'
import type { Duration } from '../units.ts'
import type { Message } from './message.ts'
import type { ReplyMessage } from './reply_message.ts'
import type { ReplyAddress } from './request_message.ts'

/** What goes with a value: key, partition, timestamp, headers. */
export type CastOptions<K> = Omit<Message<K, unknown>, 'value'>

export interface AskLimits {
  /** How long to wait for the reply. Default: setting replyTimeoutMs. */
  readonly timeout?: Duration
  /** Ends the wait, with ASK_CANCELLED. */
  readonly signal?: AbortSignal
}

export interface AskOptions<K> extends CastOptions<K>, AskLimits {}

/** What goes with each value of map() and join(). */
export interface MapOptions<K> extends AskLimits {
  /** Of all values. */
  readonly key?: K | null
}

/** What goes with each pair of kvmap() and kvjoin(). */
export type KeyedMapOptions = AskLimits

/** A message whose replies go where its sender says; both or none. */
export type AgentMessage<K, V> = Message<K, V> &
  (
    | { readonly replyTo?: undefined; readonly correlationId?: undefined }
    | {
        /** A topic, or its name. */
        readonly replyTo: string | { readonly name: string }
        /** In every reply. */
        readonly correlationId: string
      }
  )

/** Stores the request at once, by no transaction. */
export type SendRequest = (address: ReplyAddress, to: RowSink) => Promise<unknown>

export interface AskPort {
  /**
   * Calls `send` once replies can be read; resolves with the first reply. Rejects with ASK_TIMEOUT,
   * ASK_CANCELLED, ASK_QUEUE_FULL, with what `send` rejects with, and with what opening the log
   * fails of.
   */
  ask(send: SendRequest, limits: AskLimits): Promise<ReplyMessage>
  /** Resolves when one more may wait for a reply. */
  room(): Promise<void>
}

/** Of a call whose signal was aborted. */
export function cancelledAsk(cause: unknown): EuphorionError {
  return new EuphorionError('ASK_CANCELLED', 'the signal of the call has ended it', { cause })
}
