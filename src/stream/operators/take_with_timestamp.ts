// Gives values that are objects the time of their events. Used by EventStream.takeWithTimestamp().
import type { Event } from '../events.ts'

/** Objects have the field; what is no plain object is as it was. */
export type Timestamped<V, Field extends string> = V extends
  | readonly unknown[]
  | Uint8Array
  | Date
  | ((...taken: never) => unknown)
  ? V
  : V extends object
    ? Omit<V, Field> & Readonly<Record<Field, number>>
    : V

export function timestamped<K, V, Field extends string>(
  { value, timestamp }: Event<K, V>,
  field: Field,
): Timestamped<V, Field> {
  if (!isPlain(value)) return value as Timestamped<V, Field>
  return { ...value, [field]: timestamp } as unknown as Timestamped<V, Field>
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
