// Events that a function has taken and that asking for the next does not acknowledge: those of
// take, buffer and noAck. Owned by agent_slot.ts.
//
//   kept ──hand──▶ in hand ──release──▶ acknowledged
//     │               └──withhold──▶ withheld ──ack──▶ acknowledged        (those by hand)
//     └──take back──▶ comes again, to whoever asks next
import type { EventInHand } from '../ingest/subscriber.ts'
import type { Event } from './events.ts'
import { PendingOffsets } from './pending_offsets.ts'

/** An event that is to be read again: its offset, and the fetched bytes that it is in. */
export interface TakenEvent {
  readonly offset: number
  readonly payload: Uint8Array
}

interface Kept extends TakenEvent {
  /** Acknowledged by ack() only. */
  readonly isByHand: boolean
  /** Until user code has done with it. */
  event: EventInHand | undefined
}

export class KeptEvents {
  readonly #offsets = new PendingOffsets()
  readonly #events = new Map<number, Kept>()
  readonly #kept = new Set<Kept>()
  readonly #inHand = new Set<Kept>()

  /** User code has some of them. */
  get isInHand(): boolean {
    return this.#inHand.size > 0
  }

  /** That one is in user code's hands. */
  isInHandAt(offset: number): boolean {
    if (this.#inHand.size === 0) return false
    const event = this.#events.get(offset)
    return event !== undefined && this.#inHand.has(event)
  }

  /** That one is not acknowledged. */
  has(offset: number): boolean {
    return this.#events.has(offset)
  }

  /** Those that user code has had, and has not acknowledged. */
  get withheld(): number {
    return this.#events.size - this.#kept.size - this.#inHand.size
  }

  /** Smallest offset; Infinity where there is none. */
  first(): number {
    return this.#offsets.first()
  }

  add(event: Event<unknown, unknown>, payload: Uint8Array, isByHand: boolean): void {
    const { offset } = event
    const kept = { offset, payload, isByHand, event }
    this.#offsets.add(offset)
    this.#events.set(offset, kept)
    this.#kept.add(kept)
  }

  /** The one event in hand; undefined where there are several, or none. */
  only(): EventInHand | undefined {
    if (this.#inHand.size !== 1) return undefined
    for (const { event } of this.#inHand) return event
  }

  /** That one, or all that nobody has seen. */
  hand(offset?: number): void {
    for (const event of this.#of(this.#kept, offset)) {
      this.#kept.delete(event)
      this.#inHand.add(event)
    }
  }

  /** What is in hand is acknowledged, or withheld where that is done by hand. */
  release(): void {
    for (const event of this.#inHand)
      if (event.isByHand) this.#withhold(event)
      else this.ack(event.offset)
  }

  /** That one, or all that are in hand: they stay unacknowledged. */
  withhold(offset?: number): void {
    for (const event of this.#of(this.#inHand, offset)) this.#withhold(event)
  }

  #withhold(event: Kept): void {
    event.event = undefined
    this.#inHand.delete(event)
  }

  /** False where it is acknowledged, or was never here. */
  ack(offset: number): boolean {
    const event = this.#events.get(offset)
    if (event === undefined) return false
    this.#kept.delete(event)
    this.#inHand.delete(event)
    this.#events.delete(offset)
    return this.#offsets.delete(offset)
  }

  /** All that user code has had; false where there were none. */
  ackHanded(): boolean {
    const handed = [...this.#events.values()].filter((event) => !this.#kept.has(event))
    for (const { offset } of handed) this.ack(offset)
    return handed.length > 0
  }

  /**
   * What nobody has seen, what user code has now, or all of them, ascending. They are not here any
   * more.
   */
  takeBack(which: 'kept' | 'in-hand' | 'all'): TakenEvent[] {
    const all = [...this.#offsets].map((offset) => this.#events.get(offset)!)
    const some = which === 'kept' ? this.#kept : this.#inHand
    const back = which === 'all' ? all : all.filter((event) => some.has(event))
    for (const { offset } of back) this.ack(offset)
    return back
  }

  #of(events: Set<Kept>, offset: number | undefined): Iterable<Kept> {
    if (offset === undefined) return events
    const event = this.#events.get(offset)
    return event !== undefined && events.has(event) ? [event] : []
  }
}
