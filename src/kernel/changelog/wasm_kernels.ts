// The kernels of changelogs in WebAssembly, on the threads of the lanes: each call is a task by the
// address of a block. What is small costs less than a hand-over and is done here, as is what the
// shared memory has no room for.
import { ROW_HEADER_BYTES } from '../../batch/rows.ts'
import { type Compression, codecNumbers, prepareCompression } from '../../wire/compression.ts'
import { laneTask } from '../lane_block.ts'
import { BatchSpan } from './batch_span.ts'
import { BLOCK_BYTES, blockField } from './block.ts'
import { encodeRows } from './encode.ts'
import type { ChangelogDecoder, ChangelogKernels } from './kernels.ts'
import type { ChangelogServices } from './open.ts'
import { sealBatch } from './seal.ts'
import { SharedSpans } from './shared_spans.ts'
import { WasmDecoder } from './wasm_decoder.ts'

/** Spans up to this are on the heap, and rows and checksums up to this are done here. */
const SMALL_BYTES = 16 * 1024
/** Compressing takes longer. */
const SMALL_COMPRESSED_BYTES = 2 * 1024
/** Rows on the heap are copied into the shared memory in pieces of about this size. */
const PIECE_BYTES = 512 * 1024
/** Kernels copy sixteen bytes at a time. */
const SLACK_BYTES = 16

export interface WasmChangelogServices extends ChangelogServices {
  readonly executor: NonNullable<ChangelogServices['executor']>
}

export class WasmChangelogKernels implements ChangelogKernels {
  readonly #services: WasmChangelogServices
  readonly #spans: SharedSpans

  constructor(services: WasmChangelogServices) {
    this.#services = services
    this.#spans = new SharedSpans(services.memory)
  }

  span(bytes: number): BatchSpan {
    const shared =
      bytes > SMALL_BYTES ? this.#spans.take(BLOCK_BYTES + bytes + SLACK_BYTES) : undefined
    if (shared === undefined) return new BatchSpan(Buffer.allocUnsafeSlow(bytes))
    const address = shared.address + BLOCK_BYTES
    return new BatchSpan(this.#services.memory.span(address, bytes), address, shared.free)
  }

  async encode(span: BatchSpan, rows: Uint8Array, from: number): Promise<number> {
    if (span.address === 0 || rows.length - from <= SMALL_BYTES) return encodeRows(span, rows, from)
    const isShared = rows.buffer === this.#services.memory.wasm.buffer
    if (!isShared) return this.#encodeCopied(span, rows, from)
    const start = rows.byteOffset
    return (await this.#encode(span, start + from, start + rows.length)) - start
  }

  async seal(span: BatchSpan, timeMs: number, compression: Compression): Promise<void> {
    const small = compression === 'none' ? SMALL_BYTES : SMALL_COMPRESSED_BYTES
    if (span.address === 0 || span.at <= small) {
      await prepareCompression(compression)
      span.at = sealBatch(span.batch, span.count, timeMs, compression)
      return
    }
    const { memory, executor } = this.#services
    const block = this.#setBlock(span)
    memory.view.setUint32(block + blockField.start, span.address, true)
    memory.view.setUint32(block + blockField.codec, codecNumbers[compression], true)
    memory.view.setFloat64(block + blockField.timeMs, timeMs, true)
    await executor.run(block + laneTask.sealChangelog)
    span.at = memory.view.getUint32(block + blockField.at, true) - span.address
  }

  decoder(table: number): ChangelogDecoder {
    return new WasmDecoder(table, this.#services, this.#spans)
  }

  async #encodeCopied(span: BatchSpan, rows: Uint8Array, from: number): Promise<number> {
    const { memory } = this.#services
    for (let at = from; at < rows.length; ) {
      const piece = rows.subarray(at, pieceEnd(rows, at))
      const copy = this.#spans.take(piece.length + SLACK_BYTES)
      if (copy === undefined) return encodeRows(span, rows, at)
      memory.span(copy.address, piece.length).set(piece)
      const encoding = this.#encode(span, copy.address, copy.address + piece.length)
      const done = (await encoding.finally(copy.free)) - copy.address
      at += done
      if (done < piece.length) return at
    }
    return rows.length
  }

  /** Addresses of rows; resolves with that of the first that does not fit. */
  async #encode(span: BatchSpan, row: number, rowsEnd: number): Promise<number> {
    const { memory, executor } = this.#services
    const { view } = memory
    const block = this.#setBlock(span)
    view.setUint32(block + blockField.row, row, true)
    view.setUint32(block + blockField.rowsEnd, rowsEnd, true)
    view.setUint32(block + blockField.end, span.address + span.bytes.length, true)
    await executor.run(block + laneTask.encodeChangelog)
    span.at = view.getUint32(block + blockField.at, true) - span.address
    span.count = view.getUint32(block + blockField.count, true)
    return view.getUint32(block + blockField.row, true)
  }

  #setBlock(span: BatchSpan): number {
    const { view } = this.#services.memory
    const block = span.address - BLOCK_BYTES
    view.setUint32(block + blockField.at, span.address + span.at, true)
    view.setUint32(block + blockField.count, span.count, true)
    return block
  }
}

/** End of the row with which the rows from `at` on are at least a piece. */
function pieceEnd(rows: Uint8Array, at: number): number {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
  let end = at
  while (end < rows.length && end - at < PIECE_BYTES)
    end += ROW_HEADER_BYTES + view.getUint16(end + 2, true) + view.getUint32(end + 4, true)
  return end
}
