// Runs the functions of an agent's partition, one in each slot, and sees to what becomes of the
// events that they fail on. Owned by agent_partition.ts.
//
//   runs ─▶ throws ─▶ decided ─ retry ───────▶ pause ─▶ the same events to a fresh instance
//     ▲                 ├────── skip ────────────────▶ a fresh instance
//     │                 ├────── dead-letter ─▶ sent ─▶ a fresh instance
//     └─────────────────┘────── stop, crash ─▶ the partition stops in front of the event
//
// Where the failed attempt has had effects that would come twice, the partition does not go on: it
// is opened again from the last cut, with what its ledger says of the event.
import { systemRandom } from '../clock.ts'
import { deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { HandlerFailure } from '../ingest/dead_letter.ts'
import type { AgentDefinition, AgentServices } from './agent_definition.ts'
import { handlerFailure, isOfLostTable, isOfLostTransaction } from './agent_errors.ts'
import type { AgentRecords } from './agent_records.ts'
import type { AgentSlot } from './agent_slot.ts'
import type { AgentCounters } from './agent_statistics.ts'
import { FAILED, type FailureLedger } from './failure_ledger.ts'
import type { TakenEvent } from './kept_events.ts'
import { type Replies, sinksOfNothing } from './replies.ts'
import { Outputs } from './sink.ts'
import { Stream } from './stream.ts'
import { type FailurePolicy, Supervision } from './supervision.ts'

/** The partition, as its functions' ends see it. */
export interface RunsPort<K, V> {
  readonly partition: number
  readonly ending: AbortSignal
  readonly isClosing: () => boolean
  readonly newSlot: () => AgentSlot<K, V>
  /** What was taken for it and not handed to it comes again. */
  readonly giveBackAll: (slot: AgentSlot<K, V>) => void
  /** These come again, to whoever asks next. */
  readonly readAgain: (taken: readonly TakenEvent[]) => void
  /** Something is not in hand any more. */
  readonly eased: () => void
  /** Nothing from that offset on is acknowledged. */
  readonly keep: (offset: number) => void
  /** Stops there: what was done for that event may not count. */
  readonly fail: (offset: number, error: EuphorionError) => void
  /** Waits for being opened again: what was done for that event may not count. */
  readonly goBack: (offset: number, error: EuphorionError) => void
  /** The last function has returned by itself. */
  readonly returned: () => void
}

export interface RunsOptions<K, V, R> {
  readonly definition: AgentDefinition<K, V, R>
  readonly services: AgentServices
  readonly records: AgentRecords<K, V>
  readonly replies: Replies<K, V, R> | undefined
  readonly ledger: FailureLedger
  readonly counters: AgentCounters
}

/** A function has thrown on these. */
interface Failed {
  readonly error: unknown
  /** Ascending: what it had in hand. */
  readonly events: readonly TakenEvent[]
  /** Ascending: what it had had, and not acknowledged. */
  readonly withheld: readonly TakenEvent[]
  /** Of the first event that is not acknowledged. */
  readonly offset: number
  readonly attempt: number
  /** A second attempt would double something. */
  readonly hasEffects: boolean
  readonly failure: HandlerFailure
}

type Decision = FailurePolicy | 'retry'
type OtherPolicy = Exclude<Decision, 'stop' | 'crash'>

export class AgentRuns<K, V, R> {
  readonly #options: RunsOptions<K, V, R>
  readonly #port: RunsPort<K, V>
  readonly #supervision: Supervision<K, V>
  readonly #outputs: Outputs<R>
  /** Running functions. */
  readonly slots: AgentSlot<K, V>[]
  /** Events that no function has, until they are handed out again or are stored. */
  readonly #held = new Set<readonly TakenEvent[]>()
  readonly #running: Promise<void>[]
  #left: number
  #sending = 0

  constructor(options: RunsOptions<K, V, R>, port: RunsPort<K, V>) {
    const { definition, services } = options
    const { random = systemRandom, supervision } = services
    this.#options = options
    this.#port = port
    this.#supervision = new Supervision(definition.supervision ?? {}, supervision, random)
    this.#outputs = new Outputs(definition.sinks, (offset, error) => this.fail(offset, error))
    this.slots = Array.from({ length: definition.concurrency }, port.newSlot)
    this.#left = definition.concurrency
    this.#running = this.slots.map((_, index) => this.#run(index))
  }

  /** Smallest offset that functions have to do with; Infinity where there is none. */
  first(): number {
    let first = this.#outputs.firstPending()
    for (const slot of this.slots) first = Math.min(first, slot.first())
    for (const [{ offset }] of this.#held) first = Math.min(first, offset)
    return first
  }

  /** User code has an event, or one is on its way to the dead letters. */
  get isBusy(): boolean {
    return this.#sending > 0 || this.slots.some((slot) => !slot.hasEnded && slot.holds)
  }

  /** That event is a function's, or is held for one. */
  has(offset: number): boolean {
    if (this.slots.some((slot) => slot.has(offset))) return true
    for (const held of this.#held) if (held.some((event) => event.offset === offset)) return true
    return false
  }

  /** Waits for room; the event at the offset is acknowledged once what is sent is stored. */
  send(send: () => Promise<unknown>, offset: number): Promise<void> {
    return this.#outputs.send(send, offset)
  }

  /** Resolves when what was yielded is stored. */
  outputsSettled(): Promise<void> {
    return this.#outputs.settled()
  }

  /** Resolves when all functions have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }

  /** With the error of a user's function, or of an output. */
  fail(offset: number, cause: unknown): void {
    this.#port.fail(offset, this.#errorOf(offset, cause))
  }

  async #run(index: number): Promise<void> {
    // A function begins after the constructor, and its errors all arrive here.
    await undefined
    const { ledger, services } = this.#options
    const waitMs = ledger.notBeforeMs - services.clock.monotonic()
    if (waitMs > 0) await this.#pause(waitMs)
    for (let goesOn = !(waitMs > 0 && this.#port.ending.aborted); goesOn; ) {
      const slot = this.slots[index]
      const thrown = await this.#runOnce(slot)
      goesOn = thrown !== undefined && (await this.#failed(slot, thrown.error))
      if (thrown === undefined) this.#returned(slot)
      slot.hasEnded = true
      if (goesOn) this.#restart(index)
      this.#port.eased()
    }
  }

  /** Undefined: it has returned by itself. */
  async #runOnce(slot: AgentSlot<K, V>): Promise<{ readonly error: unknown } | undefined> {
    const { definition, replies, services } = this.#options
    const { name, topic, sinks } = definition
    const run = services.tap?.(definition, slot) ?? definition.run
    try {
      const result = run(new Stream(slot, topic, this.#port.partition))
      if (Symbol.asyncIterator in result) {
        for await (const value of result)
          await this.#outputs.put(value, this.#heldOffset(slot), replies?.of(slot))
      } else if (sinks.length > 0) throw sinksOfNothing(name)
      else await result
      return undefined
    } catch (error) {
      return { error }
    }
  }

  #returned(slot: AgentSlot<K, V>): void {
    this.#port.giveBackAll(slot)
    slot.drop()
    this.#left--
    if (this.#left === 0) this.#port.returned()
    else this.#port.readAgain(slot.kept.takeBack('all'))
  }

  #restart(index: number): void {
    this.#options.counters.restarts++
    this.slots[index] = this.#port.newSlot()
  }

  /** Resolves with true where a fresh instance is to run. */
  async #failed(slot: AgentSlot<K, V>, error: unknown): Promise<boolean> {
    const failed = this.#leave(slot, error)
    // its tables went first: the event is another worker's, or comes again
    if (this.#port.isClosing() && isOfLostTable(error)) {
      this.#port.keep(failed.offset)
      return false
    }
    if (isOfLostTransaction(error)) return this.#end(failed, 'stop')
    this.#options.counters.failures++
    const policy = this.#decide(failed)
    if (policy === 'stop' || policy === 'crash') return this.#end(failed, policy)
    const { services, ledger } = this.#options
    if (policy === 'retry' && !ledger.mayRestart(services.clock.monotonic(), this.slots.length))
      return this.#endStorm(failed)
    this.#tell(failed, policy)
    if (policy !== 'retry')
      for (const event of failed.events)
        this.#options.replies?.failed(event.offset, this.#errorOf(event.offset, error))
    // what others do meanwhile may not be in a cut that does not have this event
    const isAlone = policy !== 'retry' || !services.cutsRest || this.slots.length === 1
    const mayGoOn = !failed.hasEffects && (isAlone || failed.events.length === 0)
    return mayGoOn ? this.#goOn(failed, policy) : this.#goBack(failed, policy)
  }

  /** What it had is nobody's now: whoever waits for anything has to hold it before. */
  #leave(slot: AgentSlot<K, V>, error: unknown): Failed {
    const { records, ledger } = this.#options
    slot.hasEnded = true
    this.#port.giveBackAll(slot)
    const offset = this.#heldOffset(slot)
    const { hasEffects } = slot
    const events = slot.leave(records)
    const withheld = slot.kept.takeBack('all')
    const offsets = events.length > 0 ? events.map((event) => event.offset) : [offset]
    // of a transaction that was given up none of them is guilty
    const attempt = isOfLostTransaction(error) ? 0 : ledger.failed(offsets)
    return {
      error,
      events,
      withheld,
      offset,
      attempt,
      hasEffects: hasEffects && events.length > 0,
      failure: handlerFailure(this.#options.definition.name, attempt, error),
    }
  }

  #decide({ error, events, attempt }: Failed): Decision {
    const { definition, records } = this.#options
    const { name: agent, topic } = definition
    const { partition } = this.#port
    try {
      const decoded = this.#supervision.asks ? records.events(events) : []
      const facts = { error, event: decoded[0], events: decoded, attempt, agent, topic, partition }
      return this.#supervision.decide(facts, events.length > 0)
    } catch (thrown) {
      this.#options.services.onFunctionFailed?.(agent, thrown)
      return 'stop'
    }
  }

  #end({ offset, error }: Failed, policy: 'stop' | 'crash'): false {
    this.fail(offset, error)
    if (policy === 'crash') this.#options.services.onCrash?.(this.#errorOf(offset, error))
    return false
  }

  #endStorm(failed: Failed): false {
    const message = 'functions were begun again more than a hundred times in a second'
    return this.#end({ ...failed, error: new Error(message, { cause: failed.error }) }, 'crash')
  }

  #tell({ events, offset, failure, error }: Failed, policy: OtherPolicy): void {
    const { counters, services, definition } = this.#options
    if (policy === 'skip') counters.skipped += events.length
    if (policy === 'dead-letter') counters.deadLettered += events.length
    const { topic } = definition
    const { partition } = this.#port
    services.onFailed?.({ ...failure, topic, partition, offset, policy, cause: error })
  }

  /** The failed attempt has had effects: with all since the last cut they are taken back. */
  #goBack({ events, offset, error, failure, attempt }: Failed, policy: OtherPolicy): false {
    const { ledger, services, counters } = this.#options
    const offsets = events.map((event) => event.offset)
    const delayMs = policy === 'retry' ? this.#supervision.delayMs(attempt) : 0
    if (policy !== 'retry') ledger.judge(offsets, { policy, failure })
    ledger.notBeforeMs = services.clock.monotonic() + delayMs
    counters.restarts++
    this.#port.goBack(offset, this.#errorOf(offset, error))
    return false
  }

  /** The failed attempt has had no effects. */
  async #goOn(failed: Failed, policy: OtherPolicy): Promise<boolean> {
    const { events, withheld, attempt } = failed
    const held = inOrder([...events, ...withheld])
    if (held.length > 0) this.#held.add(held)
    if (policy === 'retry') await this.#pause(this.#supervision.delayMs(attempt))
    if (policy === 'dead-letter') await this.#send(failed)
    this.#held.delete(held)
    const again = policy === 'retry' ? held : withheld
    const goesOn = !this.#port.ending.aborted
    if (goesOn) this.#port.readAgain(again)
    else if (again.length > 0) this.#port.keep(again[0].offset)
    return goesOn
  }

  /** Resolves when the events are with the sender, or the partition has failed of that. */
  async #send({ events, offset, failure }: Failed): Promise<void> {
    const { records, services } = this.#options
    this.#sending++
    try {
      for (const record of records.copies(events, FAILED))
        await services.deadLetters.add({ ...record, failure })
    } catch (error) {
      this.fail(offset, error)
    } finally {
      this.#sending--
    }
  }

  /** Ends with the partition. */
  async #pause(ms: number): Promise<void> {
    const { ending } = this.#port
    const over = deferred()
    const cancel = this.#options.services.clock.after(ms, over.resolve)
    const end = (): void => over.resolve()
    ending.addEventListener('abort', end)
    if (ending.aborted) end()
    await over.promise
    cancel()
    ending.removeEventListener('abort', end)
  }

  /** Offset of the first event that it has, or of the next one where there is none. */
  #heldOffset(slot: AgentSlot<K, V>): number {
    return Math.min(slot.first(), this.#options.records.position)
  }

  #errorOf(offset: number, cause: unknown): EuphorionError {
    const { name, topic } = this.#options.definition
    const place = { topic, partition: this.#port.partition, offset }
    return new EuphorionError('HANDLER_FAILED', `agent ${name} failed`, { cause, place })
  }
}

function inOrder(taken: TakenEvent[]): TakenEvent[] {
  return taken.sort((a, b) => a.offset - b.offset)
}
