// Agents that take batches, with and without kernels. Used by the contract of batches and by
// property tests.
import { codecOf } from '../../src/record/codec.ts'
import type { Field, FieldKind } from '../../src/record/fields.ts'
import type { RecordSchema } from '../../src/record/schema.ts'
import type { AgentDefinition } from '../../src/stream/agent_partition.ts'
import type { BatchOptions } from '../../src/stream/batch_options.ts'
import type { ColumnArray } from '../../src/stream/chunk.ts'
import type { Event } from '../../src/stream/events.ts'
import type { Stream } from '../../src/stream/stream.ts'
import { agentOf, type Fixture } from './agents.ts'

/** Who reads the records of the batches. */
export type ReaderKind = 'decoded'

/** A batch as programs without types see it. */
export interface AnyBatch {
  readonly length: number
  readonly topic: string
  readonly partition: number
  readonly firstOffset: number
  readonly nextOffset: number
  readonly offsets: Float64Array
  readonly timestamps: Float64Array
  readonly keys: readonly string[]
  readonly values: readonly unknown[]
  column(name: string): ColumnArray
  present(name: string): Uint8Array
  rows(): Iterable<Event<string, unknown>>
}

export function batchesOf(
  stream: Stream<string, unknown>,
  options: BatchOptions = {},
): AsyncIterable<AnyBatch> {
  return stream.batches(options) as unknown as AsyncIterable<AnyBatch>
}

/** One partition of an agent over records of that schema, with text keys. */
export function recordAgent(
  _kind: ReaderKind,
  schema: RecordSchema,
  run: (stream: Stream<string, unknown>) => Promise<void>,
  more: Partial<AgentDefinition<string, unknown, unknown>> & { startOffset?: number } = {},
): Fixture<unknown> {
  const value = codecOf({ schema } as Field<unknown, FieldKind>)
  return agentOf<unknown>(run, { schema, value, ...more })
}
