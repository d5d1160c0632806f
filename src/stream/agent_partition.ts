// One partition of one agent: takes fetched batches from the ingest loop, has their records read as
// the agent's functions ask for them, and knows up to where all are acknowledged.
//
//   push(payload) ──▶ records ──▶ take() by slot 0 … n-1 ──▶ (asked for the next: acknowledged)
//                        └─ bad ─▶ dead letters
import { type Deferred, deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { BadRecord } from '../ingest/dead_letter.ts'
import type { EventInHand, PartitionSink, SinkBeginning, SinkHalt } from '../ingest/subscriber.ts'
import type { AgentDefinition, AgentServices } from './agent_definition.ts'
import { AgentRecords, type Batch, type Want } from './agent_records.ts'
import { eventInHand, NONE, newSlot, type Slot, type Take } from './agent_slot.ts'
import { BatchShape } from './batch_shape.ts'
import type { Event } from './events.ts'
import { Outputs } from './sink.ts'
import { Stream } from './stream.ts'
import type { StreamSource } from './stream_source.ts'

/** Events between two looks at the clock. */
const YIELD_EVENTS = 64
/** Time without a turn of the event loop after which one is given. */
const YIELD_MS = 5

const ended = { done: true, value: undefined } as const

export class AgentPartition<K, V, R> implements PartitionSink {
  readonly #definition: AgentDefinition<K, V, R>
  readonly #services: AgentServices
  readonly #partition: number
  readonly #shape: BatchShape
  readonly #records: AgentRecords<K, V>
  readonly #slots: Slot<K, V>[]
  readonly #outputs: Outputs<R>
  readonly #bad: BadRecord[] = []
  readonly #running: Promise<void>[]
  #pushed: ((whole: boolean) => void) | undefined
  #batchEnding = false
  #failedAt = Number.POSITIVE_INFINITY
  /** Aborted when nothing more is taken. */
  readonly #ending = new AbortController()
  #closing = false
  #stopped = false
  #spoiled: SinkHalt | undefined
  /** A function hangs, and is not waited for. */
  #isStalled = false
  /** Settled when events are handed out again; undefined while they are. */
  #paused: Deferred<void> | undefined
  #whenResting: (() => void) | undefined
  #slotsRunning: number
  #sinceYield = 0
  #yieldedAt: number

  constructor(
    definition: AgentDefinition<K, V, R>,
    services: AgentServices,
    partition: number,
    { startOffset, until }: SinkBeginning,
  ) {
    this.#definition = definition
    this.#services = services
    this.#partition = partition
    this.#shape = new BatchShape(definition.schema)
    this.#records = new AgentRecords({
      ...definition,
      partition,
      startOffset,
      until,
      shape: this.#shape,
      reading: services.reading,
      refused: (bad) => this.#refused(bad),
      extraction: services.extraction,
      arrived: () => this.#serveAll(),
    })
    this.#slots = Array.from({ length: definition.concurrency }, () => newSlot<K, V>())
    this.#outputs = new Outputs(definition.sinks, (offset, error) => this.#fail(offset, error))
    this.#yieldedAt = services.clock.monotonic()
    this.#slotsRunning = definition.concurrency
    this.#running = this.#slots.map((slot) => this.#run(slot))
  }

  get stopped(): boolean {
    return this.#stopped
  }

  get spoiled(): SinkHalt | undefined {
    return this.#spoiled
  }

  get holds(): boolean {
    for (const slot of this.#slots) if (slot.inHand !== NONE) return true
    return false
  }

  get inHand(): EventInHand | undefined {
    return eventInHand(this.#slots)
  }

  push(payload: Uint8Array): Promise<boolean> {
    if (this.#stopped || this.#closing) return Promise.resolve(true)
    this.#records.push(payload)
    return new Promise((resolve) => {
      this.#pushed = resolve
      this.#serveAll()
    })
  }

  #serveAll(): void {
    for (const slot of this.#slots) this.#serve(slot)
    this.#endIfRead()
  }

  acknowledged(): number {
    let offset = Math.min(this.#records.position, this.#failedAt, this.#outputs.firstPending())
    for (const { inHand, ahead } of this.#slots) {
      if (inHand !== NONE && inHand < offset) offset = inHand
      if (ahead.length > 0) offset = Math.min(offset, ahead[0].firstOffset)
    }
    return this.#bad.length > 0 ? Math.min(offset, this.#bad[0].offset) : offset
  }

  async pause(): Promise<void> {
    this.#paused ??= deferred()
    await new Promise<void>((resolve) => {
      this.#whenResting = resolve
      this.#rest()
    })
    // what is in tables is acknowledged, too
    await this.#outputs.settled()
  }

  resume(): void {
    this.#paused?.resolve()
    this.#paused = undefined
    this.#whenResting = undefined
    this.#serveAll()
  }

  /** Tells who waits for it that nothing is in hand. */
  #rest(): void {
    if (this.#whenResting === undefined || this.#batchEnding) return
    if (this.#slots.some(({ hasEnded, inHand }) => !hasEnded && inHand !== NONE)) return
    this.#whenResting()
    this.#whenResting = undefined
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#records.close()
    this.#endWaiters()
    this.#ending.abort()
    if (!this.#isStalled) await Promise.all(this.#running)
    if (!this.#isStalled) await this.#outputs.settled()
    this.#release()
  }

  /** A slot asks for its next event; what it had is acknowledged, unless it asks ahead. */
  #take(slot: Slot<K, V>, want: Want): Promise<Take<K, V>> {
    if (slot.waiter !== undefined) {
      const message = 'next() of a stream was called again before it had answered'
      return Promise.reject(new EuphorionError('APP_INVALID', message))
    }
    if (!isAhead(want)) this.#drop(slot)
    if (this.#closing || this.#stopped) return Promise.resolve(ended)
    this.#sinceYield += want.as === 'batch' ? YIELD_EVENTS : 1
    const mustYield = this.#sinceYield >= YIELD_EVENTS && this.#mustYield()
    const result = mustYield ? undefined : this.#next(slot, want)
    if (result !== undefined) {
      if (want.as === 'batch') this.#endIfRead()
      return Promise.resolve(result)
    }
    const waiting = new Promise<Take<K, V>>((resolve) => {
      slot.waiter = { want, resolve }
    })
    if (mustYield) this.#serveLater(slot)
    else this.#endIfRead()
    return waiting
  }

  /** What it had in hand is acknowledged. */
  #drop(slot: Slot<K, V>): void {
    slot.inHand = NONE
    if (this.#whenResting !== undefined) this.#rest()
  }

  /** After a turn of the event loop. */
  #serveLater(slot: Slot<K, V>): void {
    setImmediate(() => {
      this.#yieldedAt = this.#services.clock.monotonic()
      this.#serve(slot)
      this.#endIfRead()
    })
  }

  #mustYield(): boolean {
    this.#sinceYield = 0
    return this.#services.clock.monotonic() - this.#yieldedAt >= YIELD_MS
  }

  #serve(slot: Slot<K, V>): void {
    const { waiter } = slot
    if (waiter === undefined) return
    const result = this.#next(slot, waiter.want)
    if (result === undefined) return
    slot.waiter = undefined
    waiter.resolve(result)
  }

  /** Undefined: nothing now. */
  #next(slot: Slot<K, V>, want: Want): Take<K, V> | undefined {
    if (this.#paused !== undefined) return undefined
    const records = this.#records
    const result = records.take(want)
    if (result !== undefined) {
      if (isAhead(want)) slot.ahead.push(result.value as Batch<K, V>)
      else {
        slot.inHand = records.takenAt
        slot.timestamp = want.as === 'batch' ? Number.NaN : records.takenTimestamp
        slot.value = want.as === 'event' ? (result.value as Event<K, V>).value : result.value
      }
      return result
    }
    if (records.halt === undefined) return undefined
    this.#failedAt = Math.min(this.#failedAt, records.halt.offset)
    this.#stop(records.halt.error)
    return ended
  }

  #refused(bad: BadRecord): void {
    const policy = this.#definition.onBadRecord
    this.#services.onBadRecord(bad, policy)
    if (policy === 'dead-letter') this.#bad.push(bad)
  }

  /** All of the payload was read: bad records go first, then the loop may bring the next one. */
  #endIfRead(): void {
    if (this.#pushed === undefined || this.#batchEnding || !this.#records.isRead) return
    if (this.#paused !== undefined) return
    this.#batchEnding = true
    void this.#finishBatch()
  }

  async #finishBatch(): Promise<void> {
    try {
      for (; this.#bad.length > 0; this.#bad.shift())
        await this.#services.deadLetters.add(this.#bad[0])
    } catch (error) {
      this.#fail(this.#bad[0].offset, error)
    }
    await new Promise((resolve) => setImmediate(resolve))
    this.#yieldedAt = this.#services.clock.monotonic()
    this.#batchEnding = false
    this.#rest()
    this.#release()
  }

  #release(): void {
    const pushed = this.#pushed
    this.#pushed = undefined
    pushed?.(!this.#records.isDamaged)
  }

  async #run(slot: Slot<K, V>): Promise<void> {
    // The function begins after the constructor, and its errors all arrive here.
    await undefined
    const { run, topic, sinks } = this.#definition
    try {
      const result = run(new Stream(this.#source(slot), topic, this.#partition))
      if (Symbol.asyncIterator in result) {
        for await (const value of result) {
          if (sinks.length > 0) await this.#outputs.put(value, this.#heldOffset(slot))
        }
      } else await result
      this.#giveBack(slot)
      slot.inHand = NONE
      this.#slotEnded()
    } catch (error) {
      this.#giveBack(slot)
      const offset = this.#heldOffset(slot)
      // its tables went first: the event is another worker's, or comes again
      if (this.#closing && isOfLostTable(error)) this.#failedAt = Math.min(this.#failedAt, offset)
      else this.#fail(offset, error)
    }
    slot.hasEnded = true
    this.#rest()
  }

  #source(slot: Slot<K, V>): StreamSource<K, V> {
    const take = <T>(want: Want) => this.#take(slot, want) as Promise<IteratorResult<T, undefined>>
    return {
      clock: this.#services.clock,
      shape: this.#shape,
      takeValue: () => take({ as: 'value' }),
      takeEvent: () => take({ as: 'event' }),
      takeBatch: (limits) => take({ as: 'batch', ...limits, isAhead: false }),
      takeAhead: (limits) => take({ as: 'batch', ...limits, isAhead: true }),
      hand: () => {
        slot.inHand = slot.ahead.shift()?.firstOffset ?? NONE
        slot.timestamp = Number.NaN
      },
      paused: () => this.#paused?.promise,
      release: () => this.#drop(slot),
      giveBack: () => this.#giveBack(slot),
      ending: this.#ending.signal,
    }
  }

  /** What was taken for the slot and not handed to it is there for others again. */
  #giveBack(slot: Slot<K, V>): void {
    const { ahead, waiter } = slot
    slot.ahead = []
    if (waiter !== undefined && isAhead(waiter.want)) {
      slot.waiter = undefined
      waiter.resolve(ended)
    }
    if (ahead.length === 0) return
    this.#records.giveBack(ahead)
    this.#serveAll()
  }

  /** Offset of the event in hand, or of the next one where there is none. */
  #heldOffset(slot: Slot<K, V>): number {
    return slot.inHand === NONE ? this.#records.position : slot.inHand
  }

  /** A function returned by itself: when all have, nobody takes events any more. */
  #slotEnded(): void {
    this.#slotsRunning--
    if (this.#slotsRunning > 0 || this.#closing || this.#stopped) return
    const { name, topic } = this.#definition
    const offset = this.acknowledged()
    this.#stop(
      new EuphorionError('HANDLER_FAILED', `the function of agent ${name} returned`, {
        place: { topic, partition: this.#partition, offset },
      }),
    )
  }

  #fail(offset: number, cause: unknown): void {
    const { name, topic } = this.#definition
    const place = { topic, partition: this.#partition, offset }
    this.#spoil(
      offset,
      new EuphorionError('HANDLER_FAILED', `agent ${name} failed`, { cause, place }),
    )
  }

  stall(ms: number): void {
    const hands = this.#slots.map(({ inHand }) => inHand).filter((offset) => offset !== NONE)
    if (this.#stopped || hands.length === 0) return
    this.#isStalled = true
    const { name, topic } = this.#definition
    const offset = Math.min(...hands)
    const place = { topic, partition: this.#partition, offset }
    const message = `agent ${name} has had an event in hand for ${ms} ms while a cut waited for it`
    this.#spoil(offset, new EuphorionError('PARTITION_STALLED', message, { place }))
  }

  /** The event at that offset has had a part of its effects. */
  #spoil(offset: number, error: EuphorionError): void {
    this.#failedAt = Math.min(this.#failedAt, offset)
    this.#spoiled ??= { offset: this.#failedAt, error }
    this.#stop(error)
  }

  #stop(error: EuphorionError): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#records.close()
    this.#endWaiters()
    this.#ending.abort()
    this.#release()
    this.#services.onStopped(error)
  }

  #endWaiters(): void {
    for (const slot of this.#slots) {
      const { waiter } = slot
      slot.waiter = undefined
      waiter?.resolve(ended)
    }
  }
}

/** What tables say to an agent whose partition has left; also where the function wrapped it. */
function isOfLostTable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const codes = ['KEY_ELSEWHERE', 'TABLE_MOVING', 'QUERY_UNAVAILABLE']
  if (error instanceof EuphorionError && codes.includes(error.code)) return true
  return isOfLostTable(error.cause)
}

function isAhead(want: Want): boolean {
  return want.as === 'batch' && want.isAhead
}
