// What a program sends to a topic: a value, and what goes with it. Taken by Topic.
import type { LogHeader } from '../log/log.ts'

/** What send() takes. */
export interface Message<K, V> {
  readonly value: V
  /** Default: the field of keyedBy where it is there, else null. */
  readonly key?: K | null
  /** Whole ms since the epoch. Default: now. */
  readonly timestamp?: number
  readonly headers?: readonly LogHeader[] | Readonly<Record<string, string | Uint8Array | null>>
  /** Default: by the key as Java clients do (murmur2), in turn where there is none. */
  readonly partition?: number
}

export function headersOf(headers: NonNullable<Message<unknown, unknown>['headers']>): LogHeader[] {
  if (Array.isArray(headers)) return [...headers]
  return Object.entries(headers).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? Buffer.from(value) : value,
  }))
}
