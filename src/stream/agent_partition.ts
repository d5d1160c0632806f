// One partition of one agent: takes fetched batches from the ingest loop, has their records read as
// the agent's functions ask for them, and knows up to where all are acknowledged.
//
//   push(payload) ──▶ records ──▶ take() by slot 0 … n-1 ──▶ (asked for the next: acknowledged)
//                        └─ bad ─▶ dead letters
import { type Deferred, deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { BadRecord } from '../ingest/dead_letter.ts'
import type { Effects } from '../ingest/effects.ts'
import type { EventInHand, PartitionSink, SinkBeginning, SinkHalt } from '../ingest/subscriber.ts'
import { settingSpecs } from '../setting_specs.ts'
import type { AgentDefinition, AgentServices } from './agent_definition.ts'
import { isOfLostTransaction } from './agent_errors.ts'
import { AgentRecords, type Want } from './agent_records.ts'
import { AgentRuns, type RunsPort } from './agent_runs.ts'
import { AgentSlot, ended, eventInHand, isKept, type SlotDesk, type Take } from './agent_slot.ts'
import { AgentCounters } from './agent_statistics.ts'
import { BatchShape } from './batch_shape.ts'
import { FailureLedger, type Verdict } from './failure_ledger.ts'
import type { TakenEvent } from './kept_events.ts'
import { RefusedRecords } from './refused_records.ts'
import { type Replies, repliesOf } from './replies.ts'
import { Turns } from './turns.ts'

const noEffects: Effects = { count: 0 }

/** What outlives it. */
export interface AgentMemory {
  readonly ledger?: FailureLedger | undefined
  readonly counters?: AgentCounters | undefined
}

export class AgentPartition<K, V, R> implements PartitionSink {
  readonly #definition: AgentDefinition<K, V, R>
  readonly #services: AgentServices
  readonly #partition: number
  readonly #counters: AgentCounters
  readonly #shape: BatchShape
  readonly #records: AgentRecords<K, V>
  readonly #runs: AgentRuns<K, V, R>
  readonly #replies: Replies<K, V, R> | undefined
  readonly #refused: RefusedRecords
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
  /** It is to be closed, and opened again from its last cut. */
  #isGoingBack = false
  readonly #turns: Turns

  constructor(
    definition: AgentDefinition<K, V, R>,
    services: AgentServices,
    partition: number,
    { startOffset, until }: SinkBeginning,
    { ledger = new FailureLedger(), counters = new AgentCounters() }: AgentMemory = {},
  ) {
    this.#definition = definition
    this.#services = services
    this.#partition = partition
    this.#shape = new BatchShape(definition.schema)
    this.#counters = counters
    ledger.opened(startOffset)
    this.#records = new AgentRecords({
      ...definition,
      partition,
      startOffset,
      until,
      failures: ledger,
      leftOut: (record, verdict) => this.#leaveOut(record, verdict),
      shape: this.#shape,
      reading: services.reading,
      refused: (bad) => this.#refuse(bad),
      extraction: services.extraction,
      arrived: () => this.#serveAll(),
    })
    this.#turns = Turns.of(services.clock)
    this.#refused = new RefusedRecords(services.deadLetters)
    this.#replies = repliesOf(definition, services, partition)
    const records = this.#records
    const replies = this.#replies
    const options = { definition, services, records, replies, ledger, counters }
    this.#runs = new AgentRuns(options, this.#port())
  }

  get stopped(): boolean {
    return this.#stopped
  }

  get spoiled(): SinkHalt | undefined {
    return this.#spoiled
  }

  get holds(): boolean {
    return this.#runs.slots.some((slot) => slot.holds)
  }

  get inHand(): EventInHand | undefined {
    return eventInHand(this.#runs.slots)
  }

  push(payload: Uint8Array): Promise<boolean> {
    if (this.#stopped || this.#closing) return Promise.resolve(true)
    this.#records.push(this.#replies?.read(payload) ?? payload)
    return new Promise((resolve) => {
      this.#pushed = resolve
      this.#serveAll()
    })
  }

  #serveAll(): void {
    for (const slot of this.#runs.slots) this.#serve(slot)
    this.#endIfRead()
  }

  acknowledged(): number {
    const inWork = Math.min(this.#runs.first(), this.#refused.first())
    return Math.min(this.#records.position, this.#failedAt, inWork)
  }

  async pause(): Promise<void> {
    this.#paused ??= deferred()
    this.#records.rows.closeRun()
    await new Promise<void>((resolve) => {
      this.#whenResting = resolve
      this.#rest()
    })
    // what is in tables is acknowledged, too
    await this.#sendRefused()
    await this.#runs.outputsSettled()
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
    if (this.#runs.isBusy) return
    this.#whenResting()
    this.#whenResting = undefined
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#records.close()
    for (const slot of this.#runs.slots) slot.endWait()
    this.#ending.abort()
    if (!this.#isStalled) await this.#runs.ended()
    if (!this.#isStalled) await this.#runs.outputsSettled()
    this.#release()
  }

  /**
   * A slot asks for its next event; what its loop had is acknowledged, unless it asks ahead. Hot
   * where events are decoded one by one: what is ready slots take without it.
   */
  #take(slot: AgentSlot<K, V>, want: Want): Promise<Take<K, V>> {
    if (slot.waiter !== undefined) {
      const message = 'next() of a stream was called again before it had answered'
      return Promise.reject(new EuphorionError('APP_INVALID', message))
    }
    if (!isKept(want)) this.#drop(slot)
    if (this.#closing || this.#stopped || slot.hasEnded) return Promise.resolve(ended)
    const mustTurn = this.#turns.isDue(want.as === 'batch')
    const result = mustTurn ? undefined : this.#next(slot, want)
    if (result !== undefined) {
      this.#turns.count(this.#records.rows.ready)
      // what follows is fetched, and read by kernels, while this is worked on
      this.#endIfRead()
      return Promise.resolve(result)
    }
    const waiting = new Promise<Take<K, V>>((resolve) => {
      slot.waiter = { want, resolve }
    })
    if (mustTurn) this.#serveLater(slot)
    else this.#endIfRead()
    return waiting
  }

  /** What it had in hand is acknowledged. */
  #drop(slot: AgentSlot<K, V>): void {
    slot.drop()
    this.#eased()
  }

  /** Something is not in hand any more. */
  #eased(): void {
    this.#replies?.eased(this.#runs, this.#records.position)
    if (this.#whenResting !== undefined) this.#rest()
  }

  #serveLater(slot: AgentSlot<K, V>): void {
    this.#turns.next(() => {
      this.#serve(slot)
      this.#endIfRead()
    })
  }

  #serve(slot: AgentSlot<K, V>): void {
    const { waiter } = slot
    if (waiter === undefined) return
    const result = this.#next(slot, waiter.want)
    if (result === undefined) return
    slot.waiter = undefined
    waiter.resolve(result)
  }

  /** Undefined: nothing now. */
  #next(slot: AgentSlot<K, V>, want: Want): Take<K, V> | undefined {
    if (this.#paused !== undefined || this.#isGoingBack || slot.isFull(want)) return undefined
    const records = this.#records
    const result = records.take(want)
    if (result !== undefined) {
      if (isKept(want)) slot.keep(want, result.value, records)
      else slot.give(records, want, result.value)
      // who asked is told at once when his event is over
      if (this.#replies?.areAwaited) records.rows.closeRun()
      return result
    }
    if (records.halt === undefined) return undefined
    this.#failedAt = Math.min(this.#failedAt, records.halt.offset)
    this.#stop(records.halt.error)
    return ended
  }

  #refuse(bad: BadRecord): void {
    this.#replies?.refused(bad.offset, bad.reason)
    const policy = this.#definition.onBadRecord
    this.#services.onBadRecord(bad, policy)
    if (policy === 'dead-letter') this.#refused.add(bad)
  }

  /** Functions have failed on it before; that is counted already. */
  #leaveOut(record: BadRecord, { policy, failure }: Verdict): void {
    if (policy === 'dead-letter') this.#refused.add({ ...record, failure })
  }

  /** All of the payload was read: bad records go first, then the loop may bring the next one. */
  #endIfRead(): void {
    if (this.#pushed === undefined || this.#batchEnding || !this.#records.isRead) return
    if (this.#paused !== undefined) return
    this.#batchEnding = true
    void this.#finishBatch()
  }

  async #finishBatch(): Promise<void> {
    await this.#sendRefused()
    await new Promise<void>((resolve) => this.#turns.next(resolve))
    this.#batchEnding = false
    this.#rest()
    this.#release()
  }

  async #sendRefused(): Promise<void> {
    try {
      await this.#refused.send()
    } catch (error) {
      this.#runs.fail(this.#refused.first(), error)
    }
  }

  #release(): void {
    const pushed = this.#pushed
    this.#pushed = undefined
    pushed?.(!this.#records.isDamaged)
  }

  #desk(): SlotDesk<K, V> {
    return {
      clock: this.#services.clock,
      shape: this.#shape,
      effects: this.#services.effects ?? noEffects,
      unackedMax: this.#services.unackedMax ?? settingSpecs.unackedMax.default,
      ending: this.#ending.signal,
      definition: this.#definition,
      services: this.#services,
      partition: this.#partition,
      send: (send, offset) => this.#runs.send(send, offset),
      refuse: (bad) => this.#refuse(bad),
      rows: this.#records.rows,
      take: (slot, want) => this.#take(slot, want),
      paused: () => this.#paused?.promise,
      keepRaw: () => {
        this.#records.rows.closeRun()
        this.#records.keepsRaw = true
      },
      eased: (slot) => {
        this.#eased()
        if (slot.waiter?.want.as === 'kept') this.#serve(slot)
      },
      giveBack: (slot, which) => this.#giveBack(slot, which),
    }
  }

  #giveBack(slot: AgentSlot<K, V>, which: 'ahead' | 'kept'): void {
    slot.callOff(which)
    if (which === 'kept') this.#readAgain(slot.kept.takeBack('kept'))
    else if (slot.ahead.length > 0) {
      this.#records.giveBack(slot.ahead.splice(0))
      this.#serveAll()
    }
  }

  /** They come again, to whoever asks next. */
  #readAgain(taken: readonly TakenEvent[]): void {
    if (taken.length === 0) return
    this.#records.readAgain(taken)
    this.#serveAll()
  }

  #port(): RunsPort<K, V> {
    const desk = this.#desk()
    return {
      partition: this.#partition,
      ending: this.#ending.signal,
      isClosing: () => this.#closing,
      newSlot: () => new AgentSlot(desk),
      giveBackAll: (slot) => {
        slot.hasEnded = true
        slot.endWait()
        this.#giveBack(slot, 'ahead')
        this.#giveBack(slot, 'kept')
      },
      readAgain: (taken) => this.#readAgain(taken),
      eased: () => this.#eased(),
      keep: (offset) => {
        this.#failedAt = Math.min(this.#failedAt, offset)
      },
      fail: (offset, error) => this.#spoil(offset, error),
      goBack: (offset, error) => this.#goBack(offset, error),
      returned: () => this.#returned(),
    }
  }

  /** The functions returned by themselves: nobody takes events any more. */
  #returned(): void {
    if (this.#closing || this.#stopped) return
    const { name, topic } = this.#definition
    const place = { topic, partition: this.#partition, offset: this.acknowledged() }
    const message = `the function of agent ${name} returned`
    this.#stop(new EuphorionError('HANDLER_FAILED', message, { place }))
  }

  /** Nothing is handed out until the partition is closed, and opened again from its last cut. */
  #goBack(offset: number, error: EuphorionError): void {
    this.#failedAt = Math.min(this.#failedAt, offset)
    this.#spoiled ??= { offset: this.#failedAt, error, goesOn: true }
    this.#isGoingBack = true
    this.#records.rows.closeRun()
    this.#services.goBack?.()
  }

  stall(ms: number): void {
    const hands = this.#runs.slots.filter(({ holds }) => holds).map((slot) => slot.first())
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
    // that comes again from the last cut
    const goesOn = isOfLostTransaction(error)
    this.#spoiled ??= { offset: this.#failedAt, error, goesOn }
    if (!goesOn) this.#replies?.failed(offset, error)
    this.#stop(error)
  }

  #stop(error: EuphorionError): void {
    if (this.#stopped) return
    this.#stopped = true
    if (!isOfLostTransaction(error)) this.#counters.stopped++
    this.#records.close()
    for (const slot of this.#runs.slots) slot.endWait()
    this.#ending.abort()
    this.#release()
    this.#services.onStopped(error)
  }
}
