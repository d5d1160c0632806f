// Sends requests to an agent's topic: with their address in headers, or wrapped around the value.
// Made for each agent.
import type { RecordMetadata } from '../ingest/receipt.ts'
import type { RowSink } from '../ingest/rows.ts'
import { headersOf, type Message } from './message.ts'
import { replyValue } from './reply_value.ts'
import { type ReplyAddress, requestHeaders, wrapRequest } from './request_message.ts'
import type { Topic } from './topic.ts'

export interface Requester<K, V> {
  /** `to`: elsewhere than topic.send() does. `hearsErrors`: as in RequestAddress. */
  send(
    message: Message<K, V>,
    address: ReplyAddress,
    hearsErrors: boolean,
    to?: RowSink,
  ): Promise<RecordMetadata>
}

export function requesterOf<K, V>(topic: Topic<K, V>, usesHeaders: boolean): Requester<K, V> {
  const wrapped = replyValue(topic.options.value)
  return {
    async send(message, address, hearsErrors, to) {
      if (!usesHeaders) {
        const value = wrapRequest(wrapped.encode(message.value), address)
        return topic.sendBy(to, message, value)
      }
      const given = message.headers === undefined ? [] : headersOf(message.headers, topic.name)
      const headers = [...given, ...requestHeaders(address, hearsErrors)]
      return topic.sendBy(to, { ...message, headers })
    },
  }
}
