// The changelog of a table: a compacted topic that has every cell of it, partition by partition, so
// that a table outlives its machine. Written by cuts, read by recoveries and standbys.
//
//   00 01 │ rest of the store's key     the cell's state; null once it was deleted
//   00 00 │ "cut"                       JSON: what the rows up to here belong to; last of each cut
//
// Stores number their tables themselves, so keys in a changelog have the number 1 instead. Records
// have the wall clock of their cut as their time.
import assert from 'node:assert'
import type { SharedBatch } from '../batch/region.ts'
import { ROW_HEADER_BYTES } from '../batch/rows.ts'
import { EuphorionError } from '../errors.ts'
import type { BatchSpan } from '../kernel/changelog/batch_span.ts'
import { appendRecord, RECORD_OVERHEAD_MAX } from '../kernel/changelog/encode.ts'
import { type ChangelogKernels, CUT_KEY } from '../kernel/changelog/kernels.ts'
import type { LaneCounters } from '../kernel/lane.ts'
import type { Compression } from '../log/log.ts'
import { allSettled } from '../settled.ts'
import { batchHeaderBytes } from '../wire/batch_header.ts'

/** What the rows of a changelog, up to the end of a cut, belong to. */
export interface ChangelogMeta {
  /** Of the table (shape.ts). */
  readonly shape: string
  /** Of the lane that made them. */
  readonly position?: LaneCounters
  /** Offsets of the next events, by topic, of the agents that made them. */
  readonly sources?: Readonly<Record<string, number>>
  /** The group had read further already: the table is younger than its offsets. */
  readonly isBehind?: boolean
}

const META_VERSION = 1
/** First room of a cut: most have few rows, and tables times partitions have one each. */
const FIRST_SPAN_BYTES = 16 * 1024

/** Builds the RecordBatches of one table on one partition, cut by cut. One call at a time. */
export interface ChangelogWriter {
  /** Packed rows (puts, deletes; no deltas): theirs only until it resolves. */
  add(rows: Uint8Array): Promise<void>
  /**
   * Batches of everything since the last finish or drop, the meta record last. Transactional, each
   * at most batchBytesMax unless one record is larger; valid until the next call.
   */
  finish(meta: ChangelogMeta, nowMs: number): Promise<readonly Uint8Array[]>
  /** Forgets the rows, or the finished batches; also while another call is under way. */
  drop(): void
  close(): void
}

export interface ChangelogWriterOptions {
  /** Number of the table in this store. */
  readonly table: number
  readonly compression: Compression
  readonly batchBytesMax: number
  readonly kernels: ChangelogKernels
}

export function changelogWriter(options: ChangelogWriterOptions): ChangelogWriter {
  return new BatchesWriter(options)
}

/** The batches of one cut. */
class CutBatches {
  readonly #options: ChangelogWriterOptions
  /** The last one is being filled, until they are finished. */
  readonly #spans: BatchSpan[] = []
  /** A call is under way: a thread may be writing into them. */
  #isBusy = false
  #isDropped = false
  isFinished = false

  constructor(options: ChangelogWriterOptions) {
    this.#options = options
  }

  add(rows: Uint8Array): Promise<void> {
    return this.#track(this.#add(rows))
  }

  finish(meta: ChangelogMeta, nowMs: number): Promise<readonly Uint8Array[]> {
    this.isFinished = true
    return this.#track(this.#finish(meta, nowMs))
  }

  /** Gives the memory back, once nothing writes there any more. */
  drop(): void {
    this.#isDropped = true
    if (!this.#isBusy) for (const span of this.#spans.splice(0)) span.free()
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    assert(!this.#isBusy, 'one call at a time')
    this.#isBusy = true
    try {
      return await work
    } finally {
      this.#isBusy = false
      if (this.#isDropped) this.drop()
    }
  }

  async #add(rows: Uint8Array): Promise<void> {
    const { kernels } = this.#options
    let from = 0
    while (from < rows.length) {
      const span = this.#spans.at(-1)
      if (span !== undefined) from = await kernels.encode(span, rows, from)
      if (from < rows.length) this.#addSpan(rows.length - from, rowBytes(rows, from))
    }
  }

  async #finish(meta: ChangelogMeta, nowMs: number): Promise<readonly Uint8Array[]> {
    const value = Buffer.from(JSON.stringify({ version: META_VERSION, ...meta }))
    const open = this.#spans.at(-1)
    if (open === undefined || !appendRecord(open, CUT_KEY, value)) {
      const bytes = CUT_KEY.length + value.length
      const fits = appendRecord(this.#addSpan(bytes, bytes), CUT_KEY, value)
      assert(fits, 'a span has no room for what it was made for')
    }
    const { kernels, compression } = this.#options
    await allSettled(this.#spans.map((span) => kernels.seal(span, nowMs, compression)))
    return this.#spans.map(({ batch }) => batch)
  }

  /** Each twice as large as the one before, at least, or as large as the rest may need. */
  #addSpan(restBytes: number, recordBytes: number): BatchSpan {
    const last = this.#spans.at(-1)
    const likely = Math.max(
      FIRST_SPAN_BYTES,
      2 * (last?.bytes.length ?? 0),
      Math.ceil(restBytes * 1.125) + batchHeaderBytes,
    )
    const least = batchHeaderBytes + recordBytes + RECORD_OVERHEAD_MAX
    const { kernels, batchBytesMax } = this.#options
    const span = kernels.span(Math.max(least, Math.min(batchBytesMax, likely)))
    this.#spans.push(span)
    return span
  }
}

class BatchesWriter implements ChangelogWriter {
  readonly #options: ChangelogWriterOptions
  #cut: CutBatches

  constructor(options: ChangelogWriterOptions) {
    this.#options = options
    this.#cut = new CutBatches(options)
  }

  async add(rows: Uint8Array): Promise<void> {
    if (this.#cut.isFinished) this.drop()
    if (rows.length === 0) return
    const { table } = this.#options
    const number = (rows[ROW_HEADER_BYTES] << 8) | rows[ROW_HEADER_BYTES + 1]
    assert(number === table, `rows of table ${number} in the changelog of table ${table}`)
    await this.#cut.add(rows)
  }

  async finish(meta: ChangelogMeta, nowMs: number): Promise<readonly Uint8Array[]> {
    if (this.#cut.isFinished) this.drop()
    return this.#cut.finish(meta, nowMs)
  }

  drop(): void {
    this.#cut.drop()
    this.#cut = new CutBatches(this.#options)
  }

  close(): void {
    this.drop()
  }
}

function rowBytes(rows: Uint8Array, at: number): number {
  const view = new DataView(rows.buffer, rows.byteOffset + at, ROW_HEADER_BYTES)
  return view.getUint16(2, true) + view.getUint32(4, true)
}

/** Reads one partition of a changelog. One call at a time. */
export interface ChangelogReader {
  /**
   * The records of whole RecordBatches from offset `from` on (default: all). Errors: BATCH_CORRUPT,
   * STORE_INCOMPATIBLE (of a later version), and those of decompression.
   */
  read(batches: Uint8Array | SharedBatch, from?: number): Promise<ReadChangelog>
  close(): void
}

export interface ReadChangelog {
  /** Packed rows with this store's number of the table; valid until the next read. */
  readonly rows: Uint8Array
  /** How many rows. */
  readonly records: number
  /** The last one in the batches. */
  readonly meta: ChangelogMeta | undefined
  /** Behind the last batch. */
  readonly nextOffset: number
}

export interface ChangelogReaderOptions {
  /** Number of the table in this store. */
  readonly table: number
  readonly kernels: ChangelogKernels
}

export function changelogReader({ table, kernels }: ChangelogReaderOptions): ChangelogReader {
  const decoder = kernels.decoder(table)
  return {
    async read(batches, from = 0) {
      const bytes = batches instanceof Uint8Array ? batches : batches.payload
      const { rows, records, cut, nextOffset } = await decoder.decode(bytes, from)
      return { rows, records, meta: cut && parseMeta(cut), nextOffset }
    },
    close: () => decoder.close(),
  }
}

/** Throws BATCH_CORRUPT, STORE_INCOMPATIBLE. */
export function parseMeta(bytes: Uint8Array): ChangelogMeta {
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(bytes).toString())
  } catch (cause) {
    throw new EuphorionError('BATCH_CORRUPT', 'a cut in a changelog cannot be read', { cause })
  }
  const { version, shape, position, sources, isBehind } = read as ChangelogMeta & {
    version: unknown
  }
  if (version !== META_VERSION) {
    throw new EuphorionError(
      'STORE_INCOMPATIBLE',
      `a changelog was written in version ${version} of its form, this program reads ${META_VERSION}`,
    )
  }
  return {
    shape,
    ...(position && { position }),
    ...(sources && { sources }),
    ...(isBehind && { isBehind }),
  }
}
