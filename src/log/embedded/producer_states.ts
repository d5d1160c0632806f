// What a partition remembers of idempotent producers: epoch and the last five batches of each, so
// that a batch sent twice is stored once and a lost one is noticed.
import { EuphorionError } from '../../errors.ts'

/** As Kafka: a producer has at most this many batches in flight. */
const batchesKept = 5
const sequenceSpan = 2 ** 31

interface SentBatch {
  readonly baseSequence: number
  readonly count: number
  readonly baseOffset: number
}

interface ProducerState {
  readonly epoch: number
  /** Oldest first. */
  readonly batches: readonly SentBatch[]
}

export type ProducerSnapshot = readonly (readonly [id: number, state: ProducerState])[]

export class ProducerStates {
  readonly #max: number
  /** In order of last append; states are replaced, never changed. */
  readonly #states = new Map<number, ProducerState>()
  /** States before the writes that are under way, for `rollback`. */
  readonly #undo = new Map<number, ProducerState | undefined>()

  constructor(producersMax: number) {
    this.#max = producersMax
  }

  /**
   * The offset of the stored batch when this one is a repetition, undefined when it is the next
   * one. A gap in the sequence, or an epoch before the last, is LOG_FAILED.
   */
  find(id: number, epoch: number, baseSequence: number, count: number): number | undefined {
    const state = this.#states.get(id)
    if (state === undefined || epoch > state.epoch) return undefined
    if (epoch < state.epoch)
      throw new EuphorionError(
        'LOG_FAILED',
        `producer ${id} has epoch ${epoch}, but ${state.epoch} has written since`,
      )
    for (const batch of state.batches)
      if (batch.baseSequence === baseSequence && batch.count === count) return batch.baseOffset
    const last = state.batches[state.batches.length - 1]
    const expected = (last.baseSequence + last.count) % sequenceSpan
    if (baseSequence !== expected)
      throw new EuphorionError(
        'LOG_FAILED',
        `producer ${id} sent sequence ${baseSequence}, but ${expected} is next`,
      )
    return undefined
  }

  /** Remembers a batch; with `undoable` until the next commit or rollback. */
  note(
    id: number,
    epoch: number,
    baseSequence: number,
    count: number,
    baseOffset: number,
    undoable: boolean,
  ): void {
    const before = this.#states.get(id)
    if (undoable && !this.#undo.has(id)) this.#undo.set(id, before)
    const kept = before?.epoch === epoch ? before.batches.slice(1 - batchesKept) : []
    this.#states.delete(id)
    this.#states.set(id, { epoch, batches: [...kept, { baseSequence, count, baseOffset }] })
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= this.#max) break
      this.#states.delete(oldest)
    }
  }

  commit(): void {
    this.#undo.clear()
  }

  rollback(): void {
    for (const [id, state] of this.#undo)
      if (state === undefined) this.#states.delete(id)
      else this.#states.set(id, state)
    this.#undo.clear()
  }

  /** The states as of an offset: batches that may yet fail to be written are left out. */
  snapshot(offset: number): ProducerSnapshot {
    const kept: (readonly [number, ProducerState])[] = []
    for (const [id, { epoch, batches }] of this.#states) {
      const written = batches.filter((batch) => batch.baseOffset < offset)
      if (written.length > 0) kept.push([id, { epoch, batches: written }])
    }
    return kept
  }

  restore(snapshot: ProducerSnapshot): void {
    for (const [id, state] of snapshot) this.#states.set(id, state)
  }
}
