// The bytes of the record that an event was decoded from: kept for streams that forward records as
// they were. An event is known by its array of headers, which operators pass on as it is.
import type { LogHeader } from '../log/log.ts'
import type { Event } from './events.ts'

export interface RawRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

const records = new WeakMap<readonly LogHeader[], RawRecord>()

/** The array is the event's own; the bytes are not written to any more. */
export function keepRaw(headers: readonly LogHeader[], { key, value }: RawRecord): void {
  records.set(headers, { key, value })
}

/** Undefined: the event comes of no log, or nobody wanted its record. */
export function rawOf(event: Event<unknown, unknown>): RawRecord | undefined {
  return records.get(event.headers)
}
