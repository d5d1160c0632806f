// The places that callers of fetch() have given, until records are put there. Several may wait at
// once; which of them a partition's records go to is decided when they arrive, so that an answer
// that brings nothing holds none.
import type { FetchResult } from '../log.ts'
import type { FetchSlot } from './fetch_slot.ts'

export type Wants = (topic: string, partition: number) => boolean

/** One call of fetch(). */
export interface FetchCall {
  readonly target: Uint8Array
  readonly wants: Wants
  readonly resolve: (result: FetchResult) => void
  readonly reject: (error: unknown) => void
  /** Records are being read into the target. */
  bound: boolean
}

export const closedResult: FetchResult = { kind: 'closed' }

export class FetchTargets {
  readonly #waiting: FetchCall[] = []
  /** Errors of partitions that no call has been told of. At most one a partition and cause. */
  readonly #errors: unknown[] = []

  /** How many wait. */
  get count(): number {
    return this.#waiting.length
  }

  /** Room of all that wait. */
  get bytes(): number {
    return this.#waiting.reduce((sum, { target }) => sum + target.length, 0)
  }

  /** The least room of any that waits; infinite where none does. */
  get smallest(): number {
    return this.#waiting.reduce((least, { target }) => Math.min(least, target.length), Infinity)
  }

  /** A call begins to wait, or waits again; told of an error at once where there is one. */
  add(call: FetchCall): void {
    call.bound = false
    if (this.#errors.length > 0) call.reject(this.#errors.shift())
    else this.#waiting.push(call)
  }

  /** True where it waited. */
  remove(call: FetchCall): boolean {
    const at = this.#waiting.indexOf(call)
    if (at >= 0) this.#waiting.splice(at, 1)
    return at >= 0
  }

  /** Some call takes this partition. */
  wants({ topic, partition }: FetchSlot): boolean {
    let asked: Wants | undefined
    for (const { wants } of this.#waiting) {
      if (wants === asked) continue
      if (wants(topic, partition)) return true
      asked = wants
    }
    return false
  }

  /** The smallest target that holds `bytes`, else the largest; undefined where nobody takes it. */
  take({ topic, partition }: FetchSlot, bytes: number): FetchCall | undefined {
    let best: FetchCall | undefined
    for (const call of this.#waiting) {
      if (!call.wants(topic, partition)) continue
      if (best === undefined || fitsBetter(call.target.length, best.target.length, bytes))
        best = call
    }
    if (best !== undefined) {
      this.remove(best)
      best.bound = true
    }
    return best
  }

  /** The next call is rejected with it. */
  fail(error: unknown): void {
    const call = this.#waiting.shift()
    if (call === undefined) this.#errors.push(error)
    else call.reject(error)
  }

  close(): void {
    for (const call of this.#waiting.splice(0)) call.resolve(closedResult)
  }
}

function fitsBetter(length: number, than: number, bytes: number): boolean {
  if (than < bytes) return length > than
  return length >= bytes && length < than
}
