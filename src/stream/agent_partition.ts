// One partition of one agent: takes fetched batches from the ingest loop, has their records read as
// the agent's functions ask for them, and knows up to where all are acknowledged.
//
//   push(payload) ──▶ records ──▶ take() by slot 0 … n-1 ──▶ (asked for the next: acknowledged)
//                        └─ bad ─▶ dead letters
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { BadRecord, DeadLetters } from '../ingest/dead_letter.ts'
import type { PartitionSink } from '../ingest/subscriber.ts'
import type { ExtractionServices } from '../kernel/extract/column_extractor.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Codec } from '../record/codec.ts'
import type { FieldMap } from '../record/fields.ts'
import type { RecordSchema } from '../record/schema.ts'
import type { ReaderOptions } from './agent_reader.ts'
import { AgentRecords, type Batch, type Want } from './agent_records.ts'
import { BatchShape } from './batch_shape.ts'
import type { NoFields } from './batch_types.ts'
import type { Event } from './events.ts'
import { Outputs, type Sink } from './sink.ts'
import { Stream, type StreamSource } from './stream.ts'

/** A slot that has no event. */
const NONE = -1
/** Events between two looks at the clock. */
const YIELD_EVENTS = 64
/** Time without a turn of the event loop after which one is given. */
const YIELD_MS = 5

/** An agent's function: a plain async one, or an async generator whose values go to the sinks. */
export type AgentFunction<K, V, R, Fields extends FieldMap = NoFields> = (
  stream: Stream<K, V, Fields>,
) => Promise<void> | AsyncIterable<R>

export interface AgentDefinition<K, V, R> {
  readonly name: string
  readonly topic: string
  readonly key: Codec<K>
  readonly value: Codec<V>
  /** The fields of the values, where they are declared records. */
  readonly schema?: RecordSchema | undefined
  readonly onBadRecord: BadRecordPolicy
  /** Functions that share a partition. */
  readonly concurrency: number
  readonly sinks: readonly Sink<R>[]
  readonly run: AgentFunction<K, V, R>
}

export interface AgentServices {
  readonly clock: Clock
  readonly reading: ReaderOptions
  readonly deadLetters: DeadLetters
  /** What batches of columns are extracted on; without it they are decoded. */
  readonly extraction?: () => ExtractionServices | undefined
  /** A partition of an agent stopped; `error` says where and why. */
  readonly onStopped: (error: EuphorionError) => void
  /** A record was skipped or sent to the dead letters. */
  readonly onBadRecord: (bad: BadRecord, policy: BadRecordPolicy) => void
}

type Take<K, V> = IteratorResult<V | Event<K, V> | Batch<K, V>, undefined>

interface Waiter<K, V> {
  readonly want: Want
  readonly resolve: (result: Take<K, V>) => void
}

const ended = { done: true, value: undefined } as const

export class AgentPartition<K, V, R> implements PartitionSink {
  readonly #definition: AgentDefinition<K, V, R>
  readonly #services: AgentServices
  readonly #partition: number
  readonly #records: AgentRecords<K, V>
  /** Offset of the event that each slot has, or NONE. */
  readonly #inHand: number[]
  readonly #waiters: (Waiter<K, V> | undefined)[]
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
  #slotsRunning: number
  #sinceYield = 0
  #yieldedAt: number

  constructor(
    definition: AgentDefinition<K, V, R>,
    services: AgentServices,
    partition: number,
    startOffset: number,
  ) {
    this.#definition = definition
    this.#services = services
    this.#partition = partition
    this.#records = new AgentRecords({
      ...definition,
      partition,
      startOffset,
      shape: new BatchShape(definition.schema),
      reading: services.reading,
      refused: (bad) => this.#refused(bad),
      extraction: services.extraction,
      arrived: () => this.#serveAll(),
    })
    this.#inHand = new Array<number>(definition.concurrency).fill(NONE)
    this.#waiters = new Array<undefined>(definition.concurrency).fill(undefined)
    this.#outputs = new Outputs(definition.sinks, (offset, error) => this.#fail(offset, error))
    this.#yieldedAt = services.clock.monotonic()
    this.#slotsRunning = definition.concurrency
    this.#running = this.#inHand.map((_, slot) => this.#run(slot))
  }

  get stopped(): boolean {
    return this.#stopped
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
    for (let slot = 0; slot < this.#waiters.length; slot++) this.#serve(slot)
    this.#endIfRead()
  }

  acknowledged(): number {
    let offset = Math.min(this.#records.position, this.#failedAt, this.#outputs.firstPending())
    for (const held of this.#inHand) if (held !== NONE && held < offset) offset = held
    return this.#bad.length > 0 ? Math.min(offset, this.#bad[0].offset) : offset
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#records.close()
    this.#endWaiters()
    this.#ending.abort()
    await Promise.all(this.#running)
    await this.#outputs.settled()
    this.#release()
  }

  /** A slot asks for its next event; what it had is acknowledged. */
  #take(slot: number, want: Want): Promise<Take<K, V>> {
    if (this.#waiters[slot] !== undefined) {
      const message = 'next() of a stream was called again before it had answered'
      return Promise.reject(new EuphorionError('APP_INVALID', message))
    }
    if (want.as !== 'batch' || !want.holds) this.#inHand[slot] = NONE
    if (this.#closing || this.#stopped) return Promise.resolve(ended)
    this.#sinceYield += want.as === 'batch' ? YIELD_EVENTS : 1
    if (this.#sinceYield >= YIELD_EVENTS && this.#mustYield()) {
      return new Promise((resolve) => {
        setImmediate(() => {
          this.#yieldedAt = this.#services.clock.monotonic()
          resolve(this.#take(slot, want))
        })
      })
    }
    const result = this.#next(slot, want)
    if (result !== undefined) {
      if (want.as === 'batch') this.#endIfRead()
      return Promise.resolve(result)
    }
    const waiting = new Promise<Take<K, V>>((resolve) => {
      this.#waiters[slot] = { want, resolve }
    })
    this.#endIfRead()
    return waiting
  }

  #mustYield(): boolean {
    this.#sinceYield = 0
    return this.#services.clock.monotonic() - this.#yieldedAt >= YIELD_MS
  }

  #serve(slot: number): void {
    const waiter = this.#waiters[slot]
    if (waiter === undefined) return
    const result = this.#next(slot, waiter.want)
    if (result === undefined) return
    this.#waiters[slot] = undefined
    waiter.resolve(result)
  }

  /** Undefined: nothing now. */
  #next(slot: number, want: Want): Take<K, V> | undefined {
    const records = this.#records
    const result = records.take(want)
    if (result !== undefined) {
      if (this.#inHand[slot] === NONE) this.#inHand[slot] = records.takenAt
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
    this.#release()
  }

  #release(): void {
    const pushed = this.#pushed
    this.#pushed = undefined
    pushed?.(!this.#records.isDamaged)
  }

  async #run(slot: number): Promise<void> {
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
      this.#inHand[slot] = NONE
      this.#slotEnded()
    } catch (error) {
      this.#fail(this.#heldOffset(slot), error)
    }
  }

  #source(slot: number): StreamSource<K, V> {
    const take = <T>(want: Want) => this.#take(slot, want) as Promise<IteratorResult<T, undefined>>
    return {
      takeValue: () => take({ as: 'value' }),
      takeEvent: () => take({ as: 'event' }),
      takeBatch: (limits, holds) => take({ as: 'batch', ...limits, holds }),
      hold: (offset = NONE) => {
        this.#inHand[slot] = offset
      },
      ending: this.#ending.signal,
    }
  }

  /** Offset of the event in hand, or of the next one where there is none. */
  #heldOffset(slot: number): number {
    return this.#inHand[slot] === NONE ? this.#records.position : this.#inHand[slot]
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
    this.#failedAt = Math.min(this.#failedAt, offset)
    const { name, topic } = this.#definition
    const place = { topic, partition: this.#partition, offset }
    this.#stop(new EuphorionError('HANDLER_FAILED', `agent ${name} failed`, { cause, place }))
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
    for (const [slot, waiter] of this.#waiters.entries()) {
      this.#waiters[slot] = undefined
      waiter?.resolve(ended)
    }
  }
}
