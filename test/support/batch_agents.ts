// Agents that take batches, with and without kernels. Used by the contract of batches and by
// property tests.

import { SharedMemory } from '../../src/batch/memory.ts'
import { type Executor, openExecutor } from '../../src/kernel/executor.ts'
import type { ExtractionServices } from '../../src/kernel/extract/column_extractor.ts'
import type { BatchArray } from '../../src/kernel/extract/extracted_rows.ts'
import { Turns } from '../../src/kernel/extract/turns.ts'
import { codecOf } from '../../src/record/codec.ts'
import type { Field, FieldKind } from '../../src/record/fields.ts'
import type { RecordSchema } from '../../src/record/schema.ts'
import type { AgentDefinition } from '../../src/stream/agent_definition.ts'
import type { BatchOptions } from '../../src/stream/batch_options.ts'
import type { Event } from '../../src/stream/events.ts'
import type { Stream } from '../../src/stream/stream.ts'
import { agentOf, type Fixture } from './agents.ts'

/** Who reads the records of the batches: codecs, or kernels on the calling thread. */
export type ReaderKind = 'decoded' | 'extracted'

const inflatedBytesMax = 1 << 20

/** Kernels on the calling thread; counts how often they were asked. */
export class InlineExtraction {
  runs = 0
  readonly #services: ExtractionServices

  constructor(memoryMib = 64) {
    const memory = new SharedMemory(memoryMib)
    const executor = openExecutor({ memory, threads: 0, queueMax: 8, inflatedBytesMax })
    const run = executor.run.bind(executor)
    executor.run = (task) => {
      this.runs++
      return run(task)
    }
    this.#services = { memory, executor, inflatedBytesMax, turns: new Turns(1) }
  }

  get memory(): SharedMemory {
    return this.#services.memory
  }

  get executor(): Executor {
    return this.#services.executor
  }

  readonly services = (): ExtractionServices => this.#services
}

let shared: InlineExtraction | undefined

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
  column(name: string): BatchArray
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
  kind: ReaderKind | InlineExtraction,
  schema: RecordSchema,
  run: (stream: Stream<string, unknown>) => Promise<void>,
  more: Partial<AgentDefinition<string, unknown, unknown>> & { startOffset?: number } = {},
): Fixture<unknown> {
  const value = codecOf({ schema } as Field<unknown, FieldKind>)
  if (kind === 'decoded') return agentOf<unknown>(run, { schema, value, ...more })
  const extraction = kind === 'extracted' ? (shared ??= new InlineExtraction()) : kind
  return agentOf<unknown>(run, { schema, value, ...more }, { extraction: extraction.services })
}
