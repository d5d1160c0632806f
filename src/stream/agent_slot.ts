// One running function of an agent's partition: what it has in hand, what was taken for it, and
// what it waits for. Its stream takes from here; agent_partition.ts owns it.
import type { Clock } from '../clock.ts'
import type { Effects } from '../ingest/effects.ts'
import type { EventInHand } from '../ingest/subscriber.ts'
import type { RecordSchema } from '../record/schema.ts'
import type { AgentRecords, Batch, BatchLimits, Want } from './agent_records.ts'
import type { BatchShape } from './batch_shape.ts'
import type { Event } from './events.ts'
import { type ForwardingDesk, forwarded } from './forwarding.ts'
import { KeptEvents, type TakenEvent } from './kept_events.ts'
import type { Derivation } from './repartition.ts'
import type { ReadyRun, SpanQueue } from './span.ts'
import type { Stream } from './stream.ts'
import type { StreamSource } from './stream_source.ts'

/** No offset: nothing is in hand. */
const NONE = -1

export type Take<K, V> = IteratorResult<V | Event<K, V> | Batch<K, V>, undefined>
type SlotAnswer<K, V> = (result: Take<K, V> | Promise<Take<K, V>>) => void

/** The partition, as its slots see it. */
export interface SlotDesk<K, V> extends ForwardingDesk<K, V> {
  readonly clock: Clock
  readonly shape: BatchShape
  readonly unackedMax: number
  readonly effects: Effects
  readonly ending: AbortSignal
  readonly rows: SpanQueue<K, V>
  /** Called for each event that is not ready. */
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
  /** The run of what its loop has, and which item of it; NONE: it has something else. */
  #run: ReadyRun<K, V> | undefined
  #item = NONE
  /** What else it has. */
  #inHand = NONE
  #payload: Uint8Array | undefined
  #timestamp = 0
  #value: unknown
  /** Batches that were taken for it and that it has not seen, ascending. */
  ahead: Batch<K, V>[] = []
  readonly kept = new KeptEvents()
  /** Effects of everybody when it was given what it has; see SlotDesk. */
  #mark = 0
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

  get keyedBy(): string | undefined {
    return this.#desk.definition.keyedBy
  }

  get schema(): RecordSchema | undefined {
    return this.#desk.definition.schema
  }

  derive(derivation: Derivation): Stream<unknown, unknown> {
    return forwarded(this.#desk, this, derivation)
  }

  /** Offset of the event, or of the batch's first one, that its loop has; or NONE. */
  get inHand(): number {
    return this.#item === NONE ? this.#inHand : this.#run!.offset(this.#item)
  }

  /** The fetched bytes that the event is in. */
  get payload(): Uint8Array | undefined {
    return this.#item === NONE ? this.#payload : this.#run!.payload
  }

  /** Of that event; NaN: it is a batch. */
  get timestamp(): number {
    return this.#item === NONE ? this.#timestamp : this.#run!.timestamp(this.#item)
  }

  /** Of that event. */
  get value(): unknown {
    return this.#item === NONE ? this.#value : this.#run!.value(this.#item)
  }

  /** Its loop has nothing. */
  #empty(): void {
    this.#item = NONE
    this.#inHand = NONE
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

  /** Something has been done since it has what it has that must not be done twice. */
  get hasEffects(): boolean {
    return this.#mark !== this.#desk.effects.count
  }

  /** Its loop has what was taken last. */
  give(records: AgentRecords<K, V>, want: Want, taken: V | Event<K, V> | Batch<K, V>): void {
    this.#item = NONE
    this.#inHand = records.takenAt
    this.#payload = records.takenFrom
    this.#timestamp = want.as === 'batch' ? Number.NaN : records.takenTimestamp
    this.#value = want.as === 'event' ? (taken as Event<K, V>).value : taken
    this.#mark = this.#desk.effects.count
  }

  /** Its loop has what it has no more; what that was, and what else it had in hand, ascending. */
  leave(records: AgentRecords<K, V>): TakenEvent[] {
    const events = this.kept.takeBack('in-hand')
    const { inHand: offset, payload, timestamp } = this
    this.#empty()
    if (offset === NONE) return events
    if (Number.isNaN(timestamp)) events.push(...records.eventsOf(this.#value as Batch<K, V>))
    else if (payload !== undefined) events.push({ offset, payload })
    return events.sort((a, b) => a.offset - b.offset)
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
    if (want.isInHand) this.handKept(event.offset)
  }

  /** It does not wait any more for what is taken so. */
  callOff(which: 'ahead' | 'kept'): void {
    const { waiter } = this
    if (waiter === undefined || !isKept(waiter.want)) return
    if ((waiter.want.as === 'kept') === (which === 'kept')) this.endWait()
  }

  /** Whoever waits gets that. */
  answer(result: Take<K, V> | Promise<Take<K, V>>): void {
    const { waiter } = this
    this.waiter = undefined
    waiter?.resolve(result)
  }

  /** What it waits for does not come. */
  endWait(): void {
    this.answer(ended)
  }

  /** Its loop asks for more, or has ended: what that had is acknowledged. */
  drop(): void {
    this.#empty()
    if (this.kept.isInHand) this.kept.release()
  }

  /**
   * Hot, as takeEvent() is: with an item of the run all that is done is here. It is in hand by its
   * number, and with that the one before is not; the partition closes the run to be asked.
   */
  takeValue(): Promise<IteratorResult<V, undefined>> {
    const { run } = this.#desk.rows
    const { at } = run
    if (at < run.end && run.as === 'value' && this.#mayTake) {
      run.at = at + 1
      this.#run = run
      this.#item = at
      this.#mark = this.#desk.effects.count
      return Promise.resolve({ done: false, value: run.items[at] as V })
    }
    return this.#take(asValue) as Promise<IteratorResult<V, undefined>>
  }

  takeEvent(): Promise<IteratorResult<Event<K, V>, undefined>> {
    const { run } = this.#desk.rows
    const { at } = run
    if (at < run.end && run.as === 'event' && this.#mayTake) {
      run.at = at + 1
      this.#run = run
      this.#item = at
      this.#mark = this.#desk.effects.count
      return Promise.resolve({ done: false, value: run.items[at] as Event<K, V> })
    }
    return this.#takeEvent(asEvent)
  }

  /** Nothing is to be told or asked first. */
  get #mayTake(): boolean {
    if (this.waiter !== undefined || this.#interruption !== undefined) return false
    return !this.hasEnded && !this.kept.isInHand
  }

  takeBatch(limits: BatchLimits): Promise<IteratorResult<Batch<K, V>, undefined>> {
    return this.#takeBatch(limits, false)
  }

  takeAhead(limits: BatchLimits): Promise<IteratorResult<Batch<K, V>, undefined>> {
    return this.#takeBatch(limits, true)
  }

  hand(): void {
    const batch = this.ahead.shift()
    this.#item = NONE
    this.#inHand = batch?.firstOffset ?? NONE
    this.#timestamp = Number.NaN
    this.#value = batch
    this.#mark = this.#desk.effects.count
  }

  paused(): Promise<void> | undefined {
    return this.#desk.paused()
  }

  release(): void {
    this.#empty()
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
    if (!this.holds) this.#mark = this.#desk.effects.count
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

  ackHanded(): boolean {
    if (this.hasEnded || !this.kept.ackHanded()) return false
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
