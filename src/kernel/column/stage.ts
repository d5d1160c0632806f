// Where the arrays of a piece lie while WebAssembly or another thread works on it: in the shared
// memory, where they are or where they are copied to. Used by pass_run.ts.
import type { SharedMemory } from '../../batch/memory.ts'
import { isShared, type SharedArrayClass } from './memory.ts'
import type { FloatColumn } from './piece_kernels.ts'
import type { PieceOutput } from './piece_task.ts'

export class Stage {
  readonly #memory: SharedMemory
  readonly #addresses: number[] = []
  readonly #copies: (() => void)[] = []

  constructor(memory: SharedMemory) {
    this.#memory = memory
  }

  /** The array, or a copy of it. Throws MEMORY_EXHAUSTED, as the others do. */
  input(array: FloatColumn): FloatColumn {
    if (isShared(array, this.#memory)) return array
    const copy = this.#room(array)
    copy.set(array)
    return copy
  }

  /** The array, or room that `finish` copies to it. */
  output<T extends PieceOutput>(array: T): T {
    if (isShared(array, this.#memory)) return array
    const room = this.#room(array)
    this.#copies.push(() => array.set(room))
    return room
  }

  /** Not zeroed. */
  floats(length: number): Float64Array {
    return new Float64Array(this.#memory.wasm.buffer, this.#allocate(length * 8), length)
  }

  /** Zeros. */
  counters(length: number): Uint32Array {
    const address = this.#allocate(length * 4)
    return new Uint32Array(this.#memory.wasm.buffer, address, length).fill(0)
  }

  finish(): void {
    for (const copy of this.#copies) copy()
  }

  free(): void {
    for (const address of this.#addresses.splice(0)) this.#memory.free(address)
  }

  #room<T extends PieceOutput>(array: T): T {
    const make = array.constructor as SharedArrayClass<T>
    const address = this.#allocate(array.byteLength)
    return new make(this.#memory.wasm.buffer, address, array.length)
  }

  #allocate(bytes: number): number {
    const address = this.#memory.allocate(bytes, 'a piece of a column')
    this.#addresses.push(address)
    return address
  }
}
