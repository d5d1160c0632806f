// What an agent is, and what its partitions are given while the app runs. Made by app.agent() and
// by the worker.
import type { Clock, Random } from '../clock.ts'
import type { EuphorionError } from '../errors.ts'
import type { BadRecord, DeadLetters, HandlerFailure } from '../ingest/dead_letter.ts'
import type { Effects } from '../ingest/effects.ts'
import type { ExtractionServices } from '../kernel/extract/column_extractor.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Codec } from '../record/codec.ts'
import type { FieldMap } from '../record/fields.ts'
import type { RecordSchema } from '../record/schema.ts'
import type { ReaderOptions } from './agent_reader.ts'
import type { AgentCounters } from './agent_statistics.ts'
import type { NoFields } from './batch_types.ts'
import type { Deriving } from './forwarding.ts'
import type { ReplyPort } from './replies.ts'
import type { ReplyValue } from './reply_value.ts'
import type { Sink } from './sink.ts'
import type { Stream } from './stream.ts'
import type { StreamSource } from './stream_source.ts'
import type { SupervisionDefaults, SupervisionOptions } from './supervision.ts'
import type { TopicSet } from './topic_set.ts'

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
  /** Where it reads several topics: `topic` shows which then. */
  readonly topics?: Pick<TopicSet<unknown, unknown>, 'names' | 'matches'> | undefined
  readonly key: Codec<K>
  readonly value: Codec<V>
  /** The fields of the values, where they are declared records. */
  readonly schema?: RecordSchema | undefined
  /** The field that the records are keyed by, where the topic says so. */
  readonly keyedBy?: string | undefined
  readonly onBadRecord: BadRecordPolicy
  /** Functions that share a partition. */
  readonly concurrency: number
  readonly sinks: readonly Sink<R>[]
  /** How replies are written; undefined where nothing is ever yielded. */
  readonly reply?: ReplyValue<R> | undefined
  /** How values are read in requests without headers. */
  readonly wrapped?: ReplyValue<V>
  readonly run: AgentFunction<K, V, R>
  /** What becomes of events that it fails on; as the settings say without it. */
  readonly supervision?: SupervisionOptions<K, V> | undefined
  /** Of all partitions and runs. */
  readonly counters?: AgentCounters
}

/** For the log. */
export interface FailedEvent extends HandlerFailure {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly policy: 'retry' | 'skip' | 'dead-letter'
  readonly cause: unknown
}

/**
 * Comes between a function and what it takes and yields, in tests: may change the source, and gives
 * the function to run.
 */
export type AgentTap = <K, V, R>(
  definition: AgentDefinition<K, V, R>,
  source: StreamSource<K, V>,
) => AgentFunction<K, V, R>

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
  /** Jitter of pauses. Default: the system's. */
  readonly random?: Random | undefined
  /** Of agents that say nothing of their own. Default: those of the settings. */
  readonly supervision?: SupervisionDefaults | undefined
  /** What a second attempt would double; without it nothing. */
  readonly effects?: Effects | undefined
  /** A cut takes offsets and effects of one moment, at which no event is in hand. */
  readonly cutsRest?: boolean | undefined
  /** Everything is to go back to its last cut, soon: an event has had effects that do not count. */
  readonly goBack?: (() => void) | undefined
  /** What became of an event that a function has failed on, unless the partition stops. */
  readonly onFailed?: ((failed: FailedEvent) => void) | undefined
  /** What onError of that agent has thrown; its partition stops. */
  readonly onFunctionFailed?: ((agent: string, error: unknown) => void) | undefined
  /** The app is to end. */
  readonly onCrash?: ((error: EuphorionError) => void) | undefined
  /** Where records go that a stream is grouped by; absent where agents run without a worker. */
  readonly deriving?: Deriving | undefined
  /** A partition of an agent stopped; `error` says where and why. */
  readonly onStopped: (error: EuphorionError) => void
  /** A record was skipped or sent to the dead letters. */
  readonly onBadRecord: (bad: BadRecord, policy: BadRecordPolicy) => void
  readonly tap?: AgentTap
}
