// Has kernels read the batches of an agent's partition, where its values are declared records and
// its keys are bytes or text. Owned by AgentRecords, which decodes what is left.
import { ColumnExtractor, type ExtractionServices } from '../kernel/extract/column_extractor.ts'
import type { BadRecordPolicy, Rejected } from '../kernel/lane.ts'
import { encodeSchemaBlock } from '../kernel/schema_block.ts'
import { bytesCheckOf, type Codec } from '../record/codec.ts'
import { eachBatchHeader } from '../wire/batch_header.ts'
import type { ReaderOptions } from './agent_reader.ts'
import type { BatchShape } from './batch_shape.ts'
import type { Chunk } from './chunk.ts'
import { ExtractedChunk } from './extracted_chunk.ts'

export interface AgentColumnsOptions<K, V> {
  readonly topic: string
  readonly partition: number
  readonly key: Codec<K>
  readonly value: Codec<V>
  readonly shape: BatchShape
  readonly reading: ReaderOptions
  readonly onBadRecord: BadRecordPolicy
  readonly extraction: (() => ExtractionServices | undefined) | undefined
}

export interface Extracted<K, V> {
  readonly chunk: Chunk<K, V>
  readonly bad: readonly Rejected[]
  /** Every record below it is in the chunk, or bad. */
  readonly nextOffset: number
  /** The payload has no more. */
  readonly isWhole: boolean
}

export class AgentColumns<K, V> {
  readonly #options: AgentColumnsOptions<K, V>
  readonly #extractor: ColumnExtractor | undefined
  readonly #keysAreText: boolean = false

  constructor(options: AgentColumnsOptions<K, V>) {
    this.#options = options
    const { topic, shape, reading, onBadRecord } = options
    const key = bytesCheckOf(options.key as Codec<unknown>)
    if (shape.schema === undefined || key === undefined) return
    this.#keysAreText = key.isText
    const services = options.extraction?.()
    if (services === undefined) return
    const fields = shape.columns
    const schema = encodeSchemaBlock(shape.schema, fields)
    const stopsAtBad = onBadRecord === 'stop'
    const plan = { schema, fields, key, stopsAtBad, checkCrcs: reading.checkCrcs }
    this.#extractor = new ColumnExtractor(topic, plan, services)
  }

  /**
   * The records from `position` on, with their keys where these are wanted. Undefined: no kernel
   * reads this topic; a promise of undefined: none reads these records. Never rejects.
   */
  extract(
    payload: Uint8Array,
    position: number,
    wantsKeys: boolean,
  ): Promise<Extracted<K, V> | undefined> | undefined {
    const hasKeys = wantsKeys && this.#keysAreText
    return this.#extractor && this.#extract(this.#extractor, payload, position, hasKeys)
  }

  async #extract(
    extractor: ColumnExtractor,
    payload: Uint8Array,
    position: number,
    hasKeys: boolean,
  ) {
    const rows = await extractor.extract(payload, position, hasKeys)
    if (rows === undefined) return undefined
    const { decompressedBytesMax } = this.#options.reading
    const chunk = new ExtractedChunk<K, V>(rows, {
      ...this.#options,
      payload,
      decompressedBytesMax,
    })
    const { bad, nextOffset } = rows
    return { chunk, bad, nextOffset, isWhole: nextOffset >= endOf(payload) }
  }
}

/** Offset behind the last record. */
function endOf(payload: Uint8Array): number {
  let end = 0
  eachBatchHeader(payload, ({ lastOffset }) => {
    end = lastOffset + 1
  })
  return end
}
