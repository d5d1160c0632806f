// One running function of an agent's partition: what it has in hand, what was taken for it, and
// what it waits for. Its stream takes from here; agent_partition.ts owns it.
import type { Clock } from '../clock.ts'
import type { EventInHand } from '../ingest/subscriber.ts'
import type { Batch, BatchLimits, Want } from './agent_records.ts'
import type { BatchShape } from './batch_shape.ts'
import type { Event } from './events.ts'
import { KeptEvents } from './kept_events.ts'
import type { StreamSource } from './stream_source.ts'

/** No offset: nothing is in hand. */
export const NONE = -1

export type Take<K, V> = IteratorResult<V | Event<K, V> | Batch<K, V>, undefined>
type SlotAnswer<K, V> = (result: Take<K, V> | Promise<Take<K, V>>) => void

/** The partition, as its slots see it. */
export interface SlotDesk<K, V> {
  readonly clock: Clock
  readonly shape: BatchShape
  readonly unackedMax: number
  readonly ending: AbortSignal
  /** Hot: called once for each event. */
  readonly take: (slot: AgentSlot<K, V>, want: Want) => Promise<Take<K, V>>
  readonly paused: () => Promise<void> | undefined
  readonly keepRaw: () => void
  /** Something is not in hand any more, or there is room for another event. */
  readonly eased: (slot: AgentSlot<K, V>) => void
  /** What was taken for it and not handed to it is there for others again. */
  readonly giveBack: (slot: AgentSlot<K, V>, which: 'ahead' | 'kept') => void
}

export const ended = { done: true, value: undefined } as const

// not made for each event
const asValue: Want = { as: 'value' }
const asEvent: Want = { as: 'event' }
const asKept: Want = { as: 'kept', isByHand: false, isInHand: false }
const asKeptByHand: Want = { as: 'kept', isByHand: true, isInHand: false }
const asByHand: Want = { as: 'kept', isByHand: true, isInHand: true }

export class AgentSlot<K, V> implements StreamSource<K, V> {
  readonly #desk: SlotDesk<K, V>
  /** Offset of the event, or of the batch's first one, that its loop has; or NONE. */
  inHand = NONE
  /** The fetched bytes that the event is in. */
  payload: Uint8Array | undefined
  /** Of that event; NaN: it is a batch. */
  timestamp = 0
  /** Of that event. */
  value: unknown
  /** Batches that were taken for it and that it has not seen, ascending. */
  ahead: Batch<K, V>[] = []
  readonly kept = new KeptEvents()
  waiter: { readonly want: Want; readonly resolve: SlotAnswer<K, V> } | undefined
  hasEnded = false
  /** What throw() or stop() of its stream has said, for who asks. */
  #interruption: (() => Promise<Take<K, V>>) | undefined

  constructor(desk: SlotDesk<K, V>) {
    this.#desk = desk
  }

  get clock(): Clock {
    return this.#desk.clock
  }

  get shape(): BatchShape {
    return this.#desk.shape
  }

  get ending(): AbortSignal {
    return this.#desk.ending
  }

  /** User code has an event. */
  get holds(): boolean {
    return this.inHand !== NONE || this.kept.isInHand
  }

  /** Its function has that event. */
  holdsInHand(offset: number): boolean {
    return this.kept.isInHandAt(offset) || this.#isInLoop(offset)
  }

  /** That event was taken for it, and is not acknowledged. */
  has(offset: number): boolean {
    if (this.kept.has(offset) || this.#isInLoop(offset)) return true
    return this.ahead.some((batch) => offset >= batch.firstOffset && offset < batch.nextOffset)
  }

  #isInLoop(offset: number): boolean {
    if (this.inHand === NONE || offset < this.inHand) return false
    const isBatch = Number.isNaN(this.timestamp)
    return isBatch ? offset < (this.value as Batch<K, V>).nextOffset : offset === this.inHand
  }

  /** Smallest offset that is not acknowledged; Infinity where there is none. */
  first(): number {
    let first = this.kept.first()
    if (this.inHand !== NONE && this.inHand < first) first = this.inHand
    return this.ahead.length > 0 ? Math.min(first, this.ahead[0].firstOffset) : first
  }

  /** Too many of its events wait for being acknowledged by hand. */
  isFull(want: Want): boolean {
    return want.as === 'kept' && want.isByHand && this.kept.withheld >= this.#desk.unackedMax
  }

  /** Something that was taken for it and is not its loop's. */
  keep(want: Want, taken: unknown, from: { readonly takenFrom: Uint8Array }): void {
    if (want.as !== 'kept') {
      this.ahead.push(taken as Batch<K, V>)
      return
    }
    const event = taken as Event<K, V>
    this.kept.add(event, from.takenFrom, want.isByHand)
    if (want.isInHand) this.kept.hand(event.offset)
  }

  /** It does not wait any more for what is taken so. */
  callOff(which: 'ahead' | 'kept'): void {
    const { waiter } = this
    if (waiter === undefined || !isKept(waiter.want)) return
    if ((waiter.want.as === 'kept') !== (which === 'kept')) return
    this.answer(ended)
  }

  /** Whoever waits gets that. */
  answer(result: Take<K, V> | Promise<Take<K, V>>): void {
    const { waiter } = this
    this.waiter = undefined
    waiter?.resolve(result)
  }

  /** Its loop asks for more, or has ended: what that had is acknowledged. */
  drop(): void {
    this.inHand = NONE
    if (this.kept.isInHand) this.kept.release()
  }

  /** Nothing more comes. */
  endWait(): void {
    const { waiter } = this
    this.waiter = undefined
    waiter?.resolve(ended)
  }

  takeValue(): Promise<IteratorResult<V, undefined>> {
    return this.#take(asValue) as Promise<IteratorResult<V, undefined>>
  }

  takeEvent(): Promise<IteratorResult<Event<K, V>, undefined>> {
    return this.#takeEvent(asEvent)
  }

  takeBatch(limits: BatchLimits): Promise<IteratorResult<Batch<K, V>, undefined>> {
    return this.#takeBatch(limits, false)
  }

  takeAhead(limits: BatchLimits): Promise<IteratorResult<Batch<K, V>, undefined>> {
    return this.#takeBatch(limits, true)
  }

  hand(): void {
    const batch = this.ahead.shift()
    this.inHand = batch?.firstOffset ?? NONE
    this.timestamp = Number.NaN
    this.value = batch
  }

  paused(): Promise<void> | undefined {
    return this.#desk.paused()
  }

  release(): void {
    this.inHand = NONE
    this.#desk.eased(this)
  }

  giveBack(): void {
    this.#desk.giveBack(this, 'ahead')
  }

  takeKept(isByHand = false): Promise<IteratorResult<Event<K, V>, undefined>> {
    return this.#takeEvent(isByHand ? asKeptByHand : asKept)
  }

  takeByHand(): Promise<IteratorResult<Event<K, V>, undefined>> {
    this.releaseKept()
    return this.#takeEvent(asByHand)
  }

  handKept(offset?: number): boolean {
    if (this.hasEnded || this.ending.aborted) return false
    this.kept.hand(offset)
    return true
  }

  releaseKept(): void {
    this.kept.release()
    this.#desk.eased(this)
  }

  withholdKept(offset?: number): void {
    this.kept.withhold(offset)
    this.#desk.eased(this)
  }

  giveBackKept(): void {
    this.#desk.giveBack(this, 'kept')
  }

  ack(offset: number): boolean {
    if (this.hasEnded || !this.kept.ack(offset)) return false
    this.#desk.eased(this)
    return true
  }

  keepRaw(): void {
    this.#desk.keepRaw()
  }

  interrupt(failure: { readonly error: unknown } | undefined): void {
    this.#interruption = () => {
      if (failure === undefined) return Promise.resolve(ended)
      this.#interruption = undefined
      return Promise.reject(failure.error)
    }
    if (this.waiter !== undefined) this.answer(this.#interruption())
  }

  #take(want: Want): Promise<Take<K, V>> {
    if (this.#interruption === undefined) return this.#desk.take(this, want)
    if (!isKept(want)) this.drop()
    return this.#interruption()
  }

  #takeEvent(want: Want): Promise<IteratorResult<Event<K, V>, undefined>> {
    return this.#take(want) as Promise<IteratorResult<Event<K, V>, undefined>>
  }

  #takeBatch(
    limits: BatchLimits,
    isAhead: boolean,
  ): Promise<IteratorResult<Batch<K, V>, undefined>> {
    const want: Want = { as: 'batch', ...limits, isAhead }
    return this.#take(want) as Promise<IteratorResult<Batch<K, V>, undefined>>
  }
}

/** Undefined: none, several, or a batch. */
export function eventInHand<K, V>(slots: readonly AgentSlot<K, V>[]): EventInHand | undefined {
  let only: EventInHand | undefined
  for (const { inHand, kept, timestamp, value } of slots) {
    if (inHand === NONE && !kept.isInHand) continue
    if (only !== undefined || (inHand !== NONE && kept.isInHand)) return undefined
    only = inHand === NONE ? kept.only() : { timestamp, value }
    if (only === undefined || Number.isNaN(only.timestamp)) return undefined
  }
  return only
}

/** Asking for it acknowledges nothing. */
export function isKept(want: Want): boolean {
  return want.as === 'kept' || (want.as === 'batch' && want.isAhead)
}
