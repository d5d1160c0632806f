// What a program sends to a topic: a value, and what goes with it. Taken by Topic.
import { inspect } from 'node:util'
import { EuphorionError } from '../errors.ts'
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

/** Throws RECORD_INVALID: what is no text and no bytes would spoil the batch it is written to. */
export function headersOf(
  headers: NonNullable<Message<unknown, unknown>['headers']>,
  topic: string,
): LogHeader[] {
  const given: readonly LogHeader[] = Array.isArray(headers)
    ? headers
    : Object.entries(headers).map(([key, value]) => ({
        key,
        value: typeof value === 'string' ? Buffer.from(value) : value,
      }))
  for (const { key, value } of given) if (!isHeader(key, value)) throw badHeader(key, value, topic)
  return [...given]
}

function isHeader(key: unknown, value: unknown): boolean {
  return typeof key === 'string' && (value === null || value instanceof Uint8Array)
}

function badHeader(key: unknown, value: unknown, topic: string): EuphorionError {
  const shown = `${inspect(key)}: ${inspect(value, { depth: 0 })}`
  const message = `header ${shown}: expected a string as key, and a string, bytes or null`
  return new EuphorionError('RECORD_INVALID', message, { place: { topic } })
}
