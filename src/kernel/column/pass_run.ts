// One run of a pass: its pieces, the task of each, and what comes of them. Called by the drivers,
// local_pass.ts and pool_pass.ts, which differ in who runs the tasks.
import type { SharedMemory } from '../../batch/memory.ts'
import type { ChosenBackend } from '../offload/backend.ts'
import { isShared } from './memory.ts'
import { arraysOf, type Pass, type Piece, piecesOf, slice } from './pass.ts'
import { BLOCK_LENGTH, blockCount, isSummary, recordLengths } from './piece_kernels.ts'
import type { PieceOutput, PieceTask } from './piece_task.ts'
import { Stage } from './stage.ts'

/** A piece in place takes at most a few ms, in whatever backend. */
const PIECE_LENGTH = 1 << 20
/** A piece that is copied is copied by the calling thread, which has others to serve. */
const COPIED_LENGTH = 1 << 18
/** Copied pieces take at most this part of what is free: others copy, too. */
const MEMORY_PART = 1 / 4

export interface PieceRun {
  readonly task: PieceTask
  /** Called with what the task returned. */
  finish(last: number): void
  /** Called in any case, when nobody works on the piece any more. */
  free(): void
}

export class PassRun {
  readonly #pass: Pass
  readonly #backend: ChosenBackend
  readonly #memory: SharedMemory
  readonly #whole: Stage
  /** Of a summary: all records; of counts: the sums of all pieces. */
  readonly #result: Float64Array
  /** The last element of ewma so far. */
  #last: number

  /** The arrays of tasks lie in `memory`. */
  constructor(pass: Pass, backend: ChosenBackend, memory: SharedMemory) {
    this.#pass = pass
    this.#backend = backend
    this.#memory = memory
    this.#whole = new Stage(memory)
    this.#last = pass.numbers[1]
    this.#result = isSummary(pass.kernel)
      ? this.#whole.floats(blockCount(pass.x.length) * recordLengths[pass.kernel])
      : new Float64Array(pass.counters ?? 0)
  }

  /** Where each piece needs the outcome of the one before. */
  get isChain(): boolean {
    return this.#pass.kernel === 'ewma'
  }

  /** `atOnce`: how many of the pieces are open at the same time. */
  pieces(atOnce: number): Iterable<Piece> {
    const { kernel, numbers } = this.#pass
    const unit = kernel === 'movingAverage' ? numbers[0] : BLOCK_LENGTH
    const copied = arraysOf(this.#pass).filter((array) => !isShared(array, this.#memory))
    if (copied.length === 0) return piecesOf(this.#pass, PIECE_LENGTH, unit)
    const bytes = copied.reduce((sum, array) => sum + array.BYTES_PER_ELEMENT, 0)
    const fitting = (this.#memory.freeBytes() * MEMORY_PART) / (atOnce * bytes)
    return piecesOf(this.#pass, Math.min(COPIED_LENGTH, fitting), unit)
  }

  /** Throws MEMORY_EXHAUSTED. */
  open(piece: Piece): PieceRun {
    const stage = new Stage(this.#memory)
    try {
      return this.#open(piece, stage)
    } catch (error) {
      stage.free()
      throw error
    }
  }

  #open({ from, to, history }: Piece, stage: Stage): PieceRun {
    const { kernel, x, y, numbers } = this.#pass
    const counters = this.#pass.counters && stage.counters(this.#pass.counters)
    const task: PieceTask = {
      kernel,
      backend: this.#backend,
      x: stage.input(slice(x, from - history, to)),
      y: y && stage.input(slice(y, from, to)),
      out: counters || this.#output(from, to, stage),
      numbers: this.#numbersOf(history),
      scratch: kernel === 'movingAverage' ? stage.floats(2 * (numbers[0] + 1)) : undefined,
    }
    return {
      task,
      finish: (last) => {
        stage.finish()
        this.#last = last
        if (counters) for (let i = 0; i < counters.length; i++) this.#result[i] += counters[i]
      },
      free: () => stage.free(),
    }
  }

  #output(from: number, to: number, stage: Stage): PieceOutput {
    const { kernel, out } = this.#pass
    if (!isSummary(kernel)) return stage.output(slice(out!, from, to))
    const length = recordLengths[kernel]
    return slice(this.#result, (from / BLOCK_LENGTH) * length, blockCount(to) * length)
  }

  #numbersOf(history: number): readonly number[] {
    const { kernel, numbers } = this.#pass
    if (kernel === 'ewma') return [numbers[0], this.#last]
    return kernel === 'movingAverage' ? [numbers[0], history] : numbers
  }

  /** Of a pass whose pieces are all done. */
  result(): Float64Array {
    return this.#result.slice()
  }

  free(): void {
    this.#whole.free()
  }
}
