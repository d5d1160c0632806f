// Reads the records of a payload into columns by the kernels, on the threads of the lanes: no
// object a record. One for each agent that takes batches of declared records. What it cannot do
// (damage, no memory, a very long string) it leaves to its caller, who reads them one by one.
import type { SharedMemory } from '../../batch/memory.ts'
import { BatchTemplates, Region } from '../../batch/region.ts'
import { eachBatchHeader } from '../../wire/batch_header.ts'
import type { Executor } from '../executor.ts'
import { laneStatus, laneTask } from '../lane_block.ts'
import { LaneScratch } from '../lane_scratch.ts'
import { readRejects } from '../rejects.ts'
import {
  ColumnsBlock,
  type ExtractionPlan,
  type RowsRoom,
  rowBytes,
  rowBytesMin,
} from './columns_block.ts'
import { ExtractedRows } from './extracted_rows.ts'
import type { Turns } from './turns.ts'

/** What extractions run on; one for all agents of a worker. */
export interface ExtractionServices {
  readonly memory: SharedMemory
  readonly executor: Executor
  readonly inflatedBytesMax: number
  /** Extractions at once. */
  readonly turns: Turns
}

/** Rows of one extraction. */
const ROWS_MAX = 32_768
/** Of their arrays, which bounds the rows of records with many fields. */
const ARRAYS_BYTES_MAX = 8 << 20
const TEXT_BYTES_MAX = 4 << 20
/** What compressed text may unfold to, beyond which an extraction has fewer rows. */
const UNFOLDED = 8
/** Tasks that did not end well, after which no more are tried. */
const FAILURES_MAX = 3

export class ColumnExtractor {
  readonly #topic: string
  readonly #plan: ExtractionPlan
  readonly #services: ExtractionServices
  readonly #templates = new BatchTemplates()
  #failures = 0

  constructor(topic: string, plan: ExtractionPlan, services: ExtractionServices) {
    this.#topic = topic
    this.#plan = plan
    this.#services = services
  }

  /**
   * Rows of the payload from the offset `position` on, as many as fit. Undefined: the records there
   * are not for a kernel to read. With keys only where these are text. Never rejects.
   */
  async extract(
    payload: Uint8Array,
    position: number,
    hasKeys: boolean,
  ): Promise<ExtractedRows | undefined> {
    const { from, records, isCompressed } = outline(payload, position)
    if (records === 0 || this.#failures >= FAILURES_MAX) return undefined
    const { turns } = this.#services
    await turns.take()
    try {
      const rest = payload.subarray(from)
      const hasText = hasKeys || this.#plan.fields.some(({ type }) => type === 'string')
      const unfolded = rest.length * (isCompressed ? UNFOLDED : 1)
      const textBytes = hasText ? Math.min(unfolded, TEXT_BYTES_MAX) : 0
      const rowsMax = Math.min(records, this.#rowsMax())
      return await this.#extract(rest, position, { rowsMax, textBytes, hasKeys })
    } finally {
      turns.give()
    }
  }

  async #extract(
    payload: Uint8Array,
    position: number,
    room: RowsRoom,
  ): Promise<ExtractedRows | undefined> {
    const { memory } = this.#services
    const region = Region.tryMake(memory, payload.length)
    if (region === undefined) return undefined
    const block = ColumnsBlock.make(memory, this.#plan, room)
    try {
      if (block === undefined) return undefined
      region.target().set(payload)
      block.set('input', this.#place(region, payload.length))
      block.nextOffset = position
      const status = await this.#run(block)
      if (status === undefined || block.nextOffset === position) return undefined
      // under the policy 'stop' what was kept is the record that the position is at
      const kept = status === laneStatus.stopped ? 0 : block.get('rejectsLength')
      const bad = readRejects(memory, block.get('rejects'), kept)
      return new ExtractedRows(block, this.#plan.fields, bad)
    } finally {
      block?.free()
      region.free()
    }
  }

  #rowsMax(): number {
    const bytes = this.#plan.fields.reduce((sum, field) => sum + rowBytes(field), rowBytesMin)
    return Math.min(ROWS_MAX, Math.ceil(ARRAYS_BYTES_MAX / bytes))
  }

  /** Address of the Batch; of its facts the kernel looks at the payload only. */
  #place(region: Region, bytes: number): number {
    const counts = { firstOffset: 0, nextOffset: 0, recordCount: 0, fetchedAtMs: 0 }
    const facts = { topic: this.#topic, partition: 0, ...counts }
    return region.finish(this.#templates, facts, bytes).address
  }

  /** A status that says why it ended; undefined: it is not known what was written. */
  async #run(block: ColumnsBlock): Promise<number | undefined> {
    const { executor, inflatedBytesMax } = this.#services
    const scratch = new LaneScratch(executor, inflatedBytesMax, (address, bytes) => {
      block.set('scratch', address)
      block.set('scratchCapacity', bytes)
    })
    try {
      for (;;) {
        const status = await executor.run(block.address + laneTask.consume)
        if (status !== laneStatus.scratchFull) return status
        await scratch.grow(block.get('need'))
      }
    } catch {
      // a trap, a dead thread, a batch that is too large: whoever decodes the records finds out
      this.#failures++
      executor.releaseScratch(block.get('scratch'))
      return undefined
    } finally {
      scratch.drop()
    }
  }
}

interface Outline {
  /** Where the first RecordBatch begins that has records from the position on. */
  readonly from: number
  /** How many it and those behind it have. */
  readonly records: number
  readonly isCompressed: boolean
}

function outline(payload: Uint8Array, position: number): Outline {
  let from = payload.length
  let records = 0
  let isCompressed = false
  eachBatchHeader(payload, (batch) => {
    if (batch.lastOffset < position) return
    from = Math.min(from, batch.start)
    records += Math.max(0, batch.recordCount)
    isCompressed ||= batch.codec !== 0
  })
  return { from, records, isCompressed }
}
