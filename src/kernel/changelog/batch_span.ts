// Room for one RecordBatch of a changelog while its records are written: in the shared memory,
// where kernels write, or on the heap. Made by ChangelogKernels, filled row by row, then sealed.
import { batchHeaderBytes } from '../../wire/batch_header.ts'

export class BatchSpan {
  /** The whole room; the header comes first and is written last. */
  readonly bytes: Uint8Array
  /** Of `bytes` in the shared memory, for kernels; 0 on the heap. */
  readonly address: number
  /** Behind the last record. */
  at = batchHeaderBytes
  /** Records so far. */
  count = 0
  readonly #release: () => void

  constructor(bytes: Uint8Array, address = 0, release: () => void = () => undefined) {
    this.bytes = bytes
    this.address = address
    this.#release = release
  }

  /** The batch, once it is sealed. */
  get batch(): Uint8Array {
    return this.bytes.subarray(0, this.at)
  }

  /** Nothing of it may be used afterwards. */
  free(): void {
    this.#release()
  }
}
