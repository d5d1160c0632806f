// What a partition knows of transactions: those that are open, and the ranges of aborted ones, as
// its batches and their end markers tell. Kept by partition.ts; readers ask it what counts.

import { attribute, type BatchCursor } from '../../wire/batch_header.ts'
import { abortMarker, emptyBatches, markerOf } from '../aborted.ts'

/** A transaction that does not count: its batches, up to its marker at `lastOffset`. */
interface AbortedRange {
  readonly producerId: number
  readonly firstOffset: number
  readonly lastOffset: number
}

/** As of an offset, for the checkpoint. */
export interface TransactionSnapshot {
  readonly open: readonly (readonly [producerId: number, firstOffset: number])[]
  readonly aborted: readonly AbortedRange[]
}

export class PartitionTransactions {
  /** First offsets, by producer: one has at most one transaction open. */
  readonly #open: Map<number, number>
  /** By last offset; replaced as a whole, so that a read goes on with those it began with. */
  #aborted: readonly AbortedRange[]
  #firstOpen = Number.POSITIVE_INFINITY

  constructor({ open, aborted }: TransactionSnapshot) {
    this.#open = new Map(open)
    this.#aborted = aborted
    this.#findFirst()
  }

  /** First offset that an open transaction has; Infinity when none is open. */
  get firstOpen(): number {
    return this.#firstOpen
  }

  get aborted(): readonly AbortedRange[] {
    return this.#aborted
  }

  get open(): ReadonlyMap<number, number> {
    return this.#open
  }

  /** Takes in the batch that the cursor is at, in the order of offsets. */
  note(batch: BatchCursor): void {
    const { attributes, producerId, baseOffset } = batch
    if ((attributes & attribute.transactional) === 0) return
    const first = this.#open.get(producerId)
    if ((attributes & attribute.control) === 0) {
      if (first !== undefined) return
      this.#open.set(producerId, baseOffset)
      this.#firstOpen = Math.min(this.#firstOpen, baseOffset)
    } else if (first !== undefined) {
      this.#open.delete(producerId)
      if (markerOf(batch) === abortMarker)
        this.#aborted = [
          ...this.#aborted,
          { producerId, firstOffset: first, lastOffset: baseOffset },
        ]
      this.#findFirst()
    }
  }

  #findFirst(): void {
    this.#firstOpen = Math.min(Number.POSITIVE_INFINITY, ...this.#open.values())
  }

  /** Forgets the aborted transactions that end below an offset: nothing of them is left. */
  forget(below: number): void {
    if (this.#aborted.length > 0 && this.#aborted[0].lastOffset < below)
      this.#aborted = this.#aborted.filter(({ lastOffset }) => lastOffset >= below)
  }

  snapshot(): TransactionSnapshot {
    return { open: [...this.#open], aborted: this.#aborted }
  }
}

/** Whether the batch that the cursor is at is data of one of these transactions. */
export function isAborted(batch: BatchCursor, aborted: readonly AbortedRange[]): boolean {
  if (aborted.length === 0 || (batch.attributes & attribute.control) !== 0) return false
  const { producerId, baseOffset } = batch
  return aborted.some(
    (range) =>
      range.producerId === producerId &&
      range.firstOffset <= baseOffset &&
      range.lastOffset >= baseOffset,
  )
}

/**
 * Empties what is aborted in bytes[0 … length), whole batches from `first` to `last`; returns the
 * bytes that are left.
 */
export function emptyAbortedIn(
  bytes: Uint8Array,
  length: number,
  [first, last]: readonly [first: number, last: number],
  all: readonly AbortedRange[],
): number {
  if (all.length === 0) return length
  const near = all.filter(
    ({ firstOffset, lastOffset }) => firstOffset <= last && lastOffset >= first,
  )
  return near.length === 0 ? length : emptyBatches(bytes, length, (batch) => isAborted(batch, near))
}
