// Hands out spans of a range of addresses: the first that is large enough, in multiples of 64
// bytes. Used by SharedMemory for all of it, and by the regions of fetches for their part.
import assert from 'node:assert'

const ALIGNMENT = 64

interface Span {
  start: number
  bytes: number
}

export class Spans {
  /** Free ones by address; neighbours are always joined. */
  readonly #free: Span[]
  readonly #taken = new Map<number, number>()

  constructor(start: number, bytes: number) {
    this.#free = [{ start, bytes }]
  }

  /** What a span of so many bytes takes. */
  static sizeOf(bytes: number): number {
    return Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT)
  }

  /** Address of `bytes` bytes, or undefined where there is no room for them. */
  tryTake(bytes: number): number | undefined {
    const size = Spans.sizeOf(bytes)
    const index = this.#free.findIndex((span) => span.bytes >= size)
    if (index < 0) return undefined
    const span = this.#free[index]
    const address = span.start
    span.start += size
    span.bytes -= size
    if (span.bytes === 0) this.#free.splice(index, 1)
    this.#taken.set(address, size)
    return address
  }

  giveBack(address: number): void {
    const bytes = this.#taken.get(address)
    assert(bytes !== undefined, `address ${address} is not allocated`)
    this.#taken.delete(address)
    let index = this.#free.findIndex((span) => span.start > address)
    if (index < 0) index = this.#free.length
    const before = this.#free[index - 1]
    const after = this.#free[index]
    const joinsBefore = before !== undefined && before.start + before.bytes === address
    const joinsAfter = after !== undefined && address + bytes === after.start
    if (joinsBefore) {
      before.bytes += bytes + (joinsAfter ? after.bytes : 0)
      if (joinsAfter) this.#free.splice(index, 1)
    } else if (joinsAfter) {
      after.start = address
      after.bytes += bytes
    } else this.#free.splice(index, 0, { start: address, bytes })
  }

  freeBytes(): number {
    return this.#free.reduce((sum, span) => sum + span.bytes, 0)
  }
}
