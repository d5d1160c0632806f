// An event as agents get it from stream.events(): the decoded value with all that the record
// carries.
import type { LogHeader } from '../log/log.ts'

/** One record of a topic. Plain data: safe to keep. */
export interface Event<K, V> {
  readonly key: K
  readonly value: V
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** ms since the epoch. */
  readonly timestamp: number
  readonly headers: readonly LogHeader[]
}
