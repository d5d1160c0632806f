// Sends records on as they were, whatever operators have made of their values. Used by
// EventStream.forward().
import { EuphorionError } from '../../errors.ts'
import type { LogHeader } from '../../log/log.ts'
import type { Event } from '../events.ts'
import { rawOf } from '../raw_record.ts'

/** A topic, of whatever types. */
export interface RawTarget {
  sendBytes(
    key: Uint8Array | null,
    value: Uint8Array | null,
    more: { readonly timestamp: number; readonly headers: readonly LogHeader[] },
  ): Promise<unknown>
}

/** A channel: it has no bytes, and gets the event as it is here, with its place in the log. */
export interface EventTarget<K, V> {
  // not a method: types of parameters are compared strictly then
  readonly put: (event: Event<K, V>) => Promise<unknown>
}

/** Rejects with APP_INVALID where a topic is to get an event that comes of no log. */
export async function forwardTo<K, V>(
  targets: readonly (RawTarget | EventTarget<K, V>)[],
  event: Event<K, V>,
): Promise<void> {
  const sent = await Promise.allSettled(
    targets.map((target) => ('put' in target ? target.put(event) : sendRecord(target, event))),
  )
  for (const each of sent) if (each.status === 'rejected') throw each.reason
}

async function sendRecord(target: RawTarget, event: Event<unknown, unknown>): Promise<void> {
  const record = rawOf(event)
  if (record === undefined) {
    const message = `an event of ${event.topic} is no record of a log: forward() needs one`
    throw new EuphorionError('APP_INVALID', message)
  }
  const { timestamp, headers } = event
  await target.sendBytes(record.key, record.value, { timestamp, headers })
}
