// The kernels of changelogs in plain TypeScript, on the heap and on the calling thread.
import type { Compression } from '../../wire/compression.ts'
import { prepareCompression } from '../../wire/compression.ts'
import { BatchSpan } from './batch_span.ts'
import { ReferenceDecoder } from './decode.ts'
import { encodeRows } from './encode.ts'
import type { ChangelogDecoder, ChangelogKernelOptions, ChangelogKernels } from './kernels.ts'
import { sealBatch } from './seal.ts'

export class ReferenceChangelogKernels implements ChangelogKernels {
  readonly #options: ChangelogKernelOptions

  constructor(options: ChangelogKernelOptions) {
    this.#options = options
  }

  span(bytes: number): BatchSpan {
    return new BatchSpan(Buffer.allocUnsafeSlow(bytes))
  }

  async encode(span: BatchSpan, rows: Uint8Array, from: number): Promise<number> {
    return encodeRows(span, rows, from)
  }

  async seal(span: BatchSpan, timeMs: number, compression: Compression): Promise<void> {
    await prepareCompression(compression)
    span.at = sealBatch(span.batch, span.count, timeMs, compression)
  }

  decoder(table: number): ChangelogDecoder {
    return new ReferenceDecoder(table, this.#options)
  }
}
