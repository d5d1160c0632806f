// Where to() and echo() send what goes through a stream: to topics, channels, agents, functions.
import type { LogHeader } from '../../log/log.ts'
import type { Event } from '../events.ts'

/** What has send() for messages of these types: a topic, a channel, an agent. */
export interface SendTarget<K, V> {
  // not a method: types of parameters are compared strictly then
  readonly send: (message: SentMessage<K, V>) => Promise<unknown>
}

export type TargetFunction<K, V> = (value: V, event: Event<K, V>) => unknown

export type Target<K, V> = SendTarget<K, V> | TargetFunction<K, V>

/** An event's value with what goes along: the partition is the target's affair. */
interface SentMessage<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp: number
  readonly headers: readonly LogHeader[]
}

/** Resolves when it is stored, has room, or has returned. */
export async function sendTo<K, V>(target: Target<K, V>, event: Event<K, V>): Promise<void> {
  const { key, value, timestamp, headers } = event
  if (typeof target === 'function') await target(value, event)
  else await target.send({ key, value, timestamp, headers })
}
