// What an agent is, and what its partitions are given while the app runs. Made by app.agent() and
// by the worker.
import type { Clock } from '../clock.ts'
import type { EuphorionError } from '../errors.ts'
import type { BadRecord, DeadLetters } from '../ingest/dead_letter.ts'
import type { ExtractionServices } from '../kernel/extract/column_extractor.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Codec } from '../record/codec.ts'
import type { FieldMap } from '../record/fields.ts'
import type { RecordSchema } from '../record/schema.ts'
import type { ReaderOptions } from './agent_reader.ts'
import type { NoFields } from './batch_types.ts'
import type { ReplyPort } from './replies.ts'
import type { ReplyValue } from './reply_value.ts'
import type { Sink } from './sink.ts'
import type { Stream } from './stream.ts'

/** An agent's function: a plain async one, or an async generator whose values go to the sinks. */
export type AgentFunction<K, V, R, Fields extends FieldMap = NoFields> = (
  stream: Stream<K, V, Fields>,
) => Promise<void> | AsyncIterable<R>

/** What a function yields; never: nothing. */
export type Yielded<F extends (...args: never[]) => unknown> = [
  Extract<ReturnType<F>, AsyncIterable<unknown>>,
] extends [never]
  ? never
  : Extract<ReturnType<F>, AsyncIterable<unknown>> extends AsyncIterable<infer R>
    ? R
    : never

export interface AgentDefinition<K, V, R> {
  readonly name: string
  readonly topic: string
  readonly key: Codec<K>
  readonly value: Codec<V>
  /** The fields of the values, where they are declared records. */
  readonly schema?: RecordSchema | undefined
  readonly onBadRecord: BadRecordPolicy
  /** Functions that share a partition. */
  readonly concurrency: number
  readonly sinks: readonly Sink<R>[]
  /** How replies are written; undefined where nothing is ever yielded. */
  readonly reply?: ReplyValue<R> | undefined
  /** How values are read in requests without headers. */
  readonly wrapped?: ReplyValue<V>
  readonly run: AgentFunction<K, V, R>
}

export interface AgentServices {
  readonly clock: Clock
  readonly reading: ReaderOptions
  /** The setting. */
  readonly unackedMax?: number | undefined
  readonly deadLetters: DeadLetters
  /** Where replies go; without it nobody is answered. */
  readonly replies?: ReplyPort
  /** What batches of columns are extracted on; without it they are decoded. */
  readonly extraction?: () => ExtractionServices | undefined
  /** A partition of an agent stopped; `error` says where and why. */
  readonly onStopped: (error: EuphorionError) => void
  /** A record was skipped or sent to the dead letters. */
  readonly onBadRecord: (bad: BadRecord, policy: BadRecordPolicy) => void
}
