// The lane in plain TypeScript: oracle of the WebAssembly kernel, and the whole job's kernel under
// `backend: 'js'`. Ingest drives it through LaneKernel.
import { EuphorionError } from '../../errors.ts'
import { Bad } from '../../record/bad.ts'
import { type JsonDecoder, jsonDecoder } from '../../record/json.ts'
import { attribute, BatchCursor } from '../../wire/batch_header.ts'
import { decompressedBytesMax } from '../../wire/record_batch.ts'
import type {
  BatchRef,
  LaneCounters,
  LaneKernel,
  LaneOptions,
  LanePosition,
  LaneStatus,
  LaneWork,
  Rejected,
} from '../lane.ts'
import type { Reason } from '../plan.ts'
import { skippedFor, sliceStart } from '../slices.ts'
import { type StateLayout, stateLayout } from '../state.ts'
import { accumulate, type ColumnValue } from './accumulate.ts'
import { Cells } from './cells.ts'
import { columnsReader } from './columns.ts'
import { KeyReader } from './keys.ts'
import { predicateTest, type Test } from './predicate.ts'
import { RecordWalker } from './walk.ts'

export interface ReferenceLaneLimits {
  /** Bytes of cells before 'full', doubled by grow(). Default 16 MiB. */
  readonly roomBytes?: number
  /** Most bytes that one RecordBatch may decompress to. Default 256 MiB. */
  readonly inflatedBytesMax?: number
  /** Where grow() ends. Default 64 MiB. */
  readonly budgetBytes?: number
  /** Size of the buffer of drained rows. Default 1 MiB. */
  readonly drainBytes?: number
  /** Bytes of rejects before 'rejects-full'; one always fits. Default 1 MiB. */
  readonly rejectsBytes?: number
}

const MIB = 1024 * 1024
/** What a reject takes beside its bytes. */
const REJECT_OVERHEAD_BYTES = 100

/** Undefined: counted. */
type Outcome = Reason | 'filtered' | 'no-room' | undefined

export class ReferenceLane implements LaneKernel {
  readonly #options: LaneOptions
  readonly #layout: StateLayout
  readonly #cells: Cells
  readonly #batch = new BatchCursor(new Uint8Array(0))
  readonly #walker = new RecordWalker()
  readonly #decode: JsonDecoder | undefined
  readonly #readColumns: (event: unknown, values: ColumnValue[]) => void
  readonly #where: Test | undefined
  readonly #key: KeyReader
  readonly #values: ColumnValue[]
  readonly #rejectsBytesMax: number
  readonly #inflatedBytesMax: number
  #rejects: Rejected[] = []
  #rejectsBytes = 0
  #consumes = 0
  #consumeMs = 0
  #otherMs = 0
  #counters: LaneCounters = {
    nextOffset: 0,
    streamTimeMs: -1,
    counted: 0,
    late: 0,
    bad: 0,
    filtered: 0,
  }

  constructor(options: LaneOptions, limits: ReferenceLaneLimits = {}) {
    const { plan, table } = options
    this.#options = options
    this.#layout = stateLayout(plan)
    this.#cells = new Cells({
      table,
      layout: this.#layout,
      window: plan.window,
      roomBytes: limits.roomBytes ?? 16 * MIB,
      budgetBytes: limits.budgetBytes ?? 64 * MIB,
      drainBytes: limits.drainBytes ?? MIB,
    })
    this.#rejectsBytesMax = limits.rejectsBytes ?? MIB
    this.#inflatedBytesMax = limits.inflatedBytesMax ?? decompressedBytesMax
    this.#decode = plan.value === undefined ? undefined : jsonDecoder(plan.value)
    this.#readColumns = columnsReader(plan)
    this.#where = plan.where === undefined ? undefined : predicateTest(plan.where)
    this.#key = new KeyReader(plan)
    this.#values = plan.columns.map(() => null)
  }

  async consume({ payload }: BatchRef): Promise<LaneStatus> {
    const beganMs = this.#time()
    try {
      return this.#consume(payload)
    } catch (error) {
      if (error instanceof EuphorionError && error.code === 'BATCH_CORRUPT') return 'corrupt'
      throw error
    } finally {
      this.#consumes++
      this.#consumeMs += this.#time() - beganMs
    }
  }

  #time(): number {
    const { isTimed, clock } = this.#options
    return isTimed === true ? clock.monotonic() : 0
  }

  async drain(): Promise<'done' | 'full'> {
    const beganMs = this.#time()
    const drained = this.#cells.drain()
    this.#otherMs += this.#time() - beganMs
    return drained
  }

  work(): LaneWork {
    return {
      backend: 'js',
      consumes: this.#consumes,
      consumeMs: this.#consumeMs,
      otherMs: this.#otherMs,
      ...this.#cells.size(),
    }
  }

  rows(): Uint8Array {
    return this.#cells.rows()
  }

  deltas(): number {
    return this.#cells.deltas
  }

  async absorb(rows: Uint8Array): Promise<void> {
    this.#cells.absorb(rows)
  }

  async evict(): Promise<void> {
    this.#cells.evict(this.#counters.streamTimeMs)
  }

  async tidy(): Promise<void> {
    this.#cells.dropClosed(this.#counters.streamTimeMs)
  }

  close(): void {
    this.#cells.clear(Number.NEGATIVE_INFINITY)
  }

  async grow(): Promise<boolean> {
    return this.#cells.grow()
  }

  rejects(): Rejected[] {
    const rejects = this.#rejects
    this.#rejects = []
    this.#rejectsBytes = 0
    return rejects
  }

  counters(): LaneCounters {
    return { ...this.#counters }
  }

  dirtyBytes(): number {
    return this.#cells.dirtyBytes
  }

  restore({ storedThroughMs, ...counters }: LanePosition): void {
    this.#counters = counters
    this.#cells.clear(storedThroughMs)
    this.rejects()
  }

  #consume(payload: Uint8Array): LaneStatus {
    const batch = this.#batch
    batch.reset(payload, 0, payload.length)
    while (batch.next()) {
      const { lastOffset } = batch
      if (lastOffset < this.#counters.nextOffset) continue
      if (!batch.crcValid()) return 'corrupt'
      if ((batch.attributes & attribute.control) === 0) {
        const status = this.#consumeRecords(batch)
        if (status !== 'done') return status
      }
      this.#counters.nextOffset = lastOffset + 1
    }
    return batch.at === payload.length ? 'done' : 'corrupt'
  }

  #consumeRecords(batch: BatchCursor): LaneStatus {
    const walker = this.#walker
    walker.begin(batch, this.#inflatedBytesMax)
    while (walker.next()) {
      if (walker.offset < this.#counters.nextOffset) continue
      const status = this.#settle(this.#take())
      if (status !== 'done') return status
      this.#counters.nextOffset = walker.offset + 1
    }
    return 'done'
  }

  /**
   * Counts the outcome of the record at hand; anything but 'done' leaves the record to be taken
   * again.
   */
  #settle(outcome: Outcome): LaneStatus {
    const counters = this.#counters
    if (outcome === undefined) counters.counted++
    else if (outcome === 'filtered') counters.filtered++
    else if (outcome === 'no-room') return 'full'
    else if (outcome === 'late') {
      if (this.#options.collectLate && !this.#reject(outcome)) return 'rejects-full'
      counters.late++
    } else {
      const { onBadRecord } = this.#options
      if (onBadRecord !== 'skip' && !this.#reject(outcome)) return 'rejects-full'
      if (onBadRecord === 'stop') return 'stopped'
      counters.bad++
    }
    return 'done'
  }

  /** Reads, tests and counts in the record at hand; no change unless it is counted. */
  #take(): Outcome {
    const values = this.#values
    if (this.#decode !== undefined) {
      const bytes = this.#walker.value
      if (bytes === null) return 'null-value'
      const event = this.#decode(bytes)
      if (event instanceof Bad) return event.reason
      this.#readColumns(event, values)
    }
    if (this.#where !== undefined && !this.#where(values)) return 'filtered'
    return this.#key.read(this.#walker.key, values) ?? this.#count(values)
  }

  #count(values: readonly ColumnValue[]): Outcome {
    const { plan, clock } = this.#options
    const time = plan.time.from === 'record' ? this.#walker.timestamp : values[plan.time.column]
    if (typeof time !== 'number') return 'missing-field'
    if (time < 0) return 'time-negative'
    if (time > clock.now() + plan.maxFutureMs) return 'time-in-future'
    const streamTimeMs = Math.max(this.#counters.streamTimeMs, time)
    const slice = plan.window === undefined ? 0 : sliceStart(plan.window, time)
    const skipped = plan.window === undefined ? 0 : skippedFor(plan.window, slice, streamTimeMs)
    if (skipped < 0) return 'late'
    const { text } = this.#key
    const cell =
      this.#cells.find(slice, skipped, text) ??
      this.#cells.add(slice, skipped, text, this.#key.bytes())
    if (cell === undefined) return 'no-room'
    this.#counters.streamTimeMs = streamTimeMs
    accumulate(this.#layout, this.#cells.view, cell.at, values)
    this.#cells.touch(cell)
    return undefined
  }

  /** False when there is no room for another reject. */
  #reject(reason: Reason): boolean {
    const bytes = this.#walker.size + REJECT_OVERHEAD_BYTES
    if (this.#rejects.length > 0 && this.#rejectsBytes + bytes > this.#rejectsBytesMax) return false
    this.#rejects.push({ ...this.#walker.copy(), reason })
    this.#rejectsBytes += bytes
    return true
  }
}
