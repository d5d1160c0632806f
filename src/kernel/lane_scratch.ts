// A span for a compressed batch that needs more than the areas that threads share. Owned by whoever
// runs a kernel over batches: a lane, or the extraction of columns.
import { EuphorionError } from '../errors.ts'
import type { Executor } from './executor.ts'

const FIRST_BYTES = 2 << 20

export class LaneScratch {
  readonly #executor: Executor
  readonly #inflatedBytesMax: number
  /** Writes address and bytes into the descriptor; 0: none of its own. */
  readonly #set: (address: number, bytes: number) => void
  #span: { address: number; bytes: number } | undefined

  constructor(
    executor: Executor,
    inflatedBytesMax: number,
    set: (address: number, bytes: number) => void,
  ) {
    this.#executor = executor
    this.#inflatedBytesMax = inflatedBytesMax
    this.#set = set
  }

  /**
   * Doubles, because lz4 and snappy do not say beforehand what they need; at least `need` bytes.
   * RECORD_TOO_LARGE, MEMORY_EXHAUSTED.
   */
  async grow(need: number): Promise<void> {
    const bytes = Math.max(need, this.#span === undefined ? FIRST_BYTES : this.#span.bytes * 2)
    this.drop()
    if (bytes > this.#inflatedBytesMax * 2) {
      const message = `A batch decompresses to more than ${this.#inflatedBytesMax} bytes`
      throw new EuphorionError('RECORD_TOO_LARGE', message)
    }
    const address = await this.#executor.takeScratch(bytes)
    this.#span = { address, bytes }
    this.#set(address, bytes)
  }

  drop(): void {
    if (this.#span === undefined) return
    this.#executor.giveScratch(this.#span.address)
    this.#span = undefined
    this.#set(0, 0)
  }
}
