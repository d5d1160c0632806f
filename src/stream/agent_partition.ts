// One partition of one agent: takes fetched batches from the ingest loop, decodes their records one
// by one as the agent's functions ask for them, and knows up to where all are acknowledged.
//
//   push(payload) ──▶ reader ──▶ take() by slot 0 … n-1 ──▶ (asked for the next: acknowledged)
//                       └─ bad ─▶ dead letters
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { type BadRecord, badRecordError, type DeadLetters } from '../ingest/dead_letter.ts'
import type { PartitionSink } from '../ingest/subscriber.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Reason } from '../kernel/plan.ts'
import { Bad } from '../record/bad.ts'
import type { Codec } from '../record/codec.ts'
import { AgentReader, type ReaderOptions } from './agent_reader.ts'
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
export type AgentFunction<K, V, R> = (stream: Stream<K, V>) => Promise<void> | AsyncIterable<R>

export interface AgentDefinition<K, V, R> {
  readonly name: string
  readonly topic: string
  readonly key: Codec<K>
  readonly value: Codec<V>
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
  /** A partition of an agent stopped; `error` says where and why. */
  readonly onStopped: (error: EuphorionError) => void
  /** A record was skipped or sent to the dead letters. */
  readonly onBadRecord: (bad: BadRecord, policy: BadRecordPolicy) => void
}

type Take<K, V> = IteratorResult<V | Event<K, V>, undefined>

interface Waiter<K, V> {
  readonly whole: boolean
  readonly resolve: (result: Take<K, V>) => void
}

const ended = { done: true, value: undefined } as const

export class AgentPartition<K, V, R> implements PartitionSink {
  readonly #definition: AgentDefinition<K, V, R>
  readonly #services: AgentServices
  readonly #partition: number
  readonly #reader: AgentReader
  /** Offset of the event that each slot has, or NONE. */
  readonly #inHand: number[]
  readonly #waiters: (Waiter<K, V> | undefined)[]
  readonly #outputs: Outputs<R>
  readonly #bad: BadRecord[] = []
  readonly #running: Promise<void>[]
  #pushed: ((whole: boolean) => void) | undefined
  #damagedAt = NONE
  #damaged = false
  #batchEnding = false
  #failedAt = Number.POSITIVE_INFINITY
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
    this.#reader = new AgentReader(startOffset, services.reading)
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
    this.#reader.reset(payload)
    return new Promise((resolve) => {
      this.#pushed = resolve
      for (let slot = 0; slot < this.#waiters.length; slot++) this.#serve(slot)
    })
  }

  acknowledged(): number {
    let offset = Math.min(this.#reader.position, this.#failedAt, this.#outputs.firstPending())
    for (const held of this.#inHand) if (held !== NONE && held < offset) offset = held
    return this.#bad.length > 0 ? Math.min(offset, this.#bad[0].offset) : offset
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#endWaiters()
    await Promise.all(this.#running)
    await this.#outputs.settled()
    this.#release()
  }

  /** A slot asks for its next event; what it had is acknowledged. */
  #take(slot: number, whole: boolean): Promise<Take<K, V>> {
    if (this.#waiters[slot] !== undefined) {
      const message = 'next() of a stream was called again before it had answered'
      return Promise.reject(new EuphorionError('APP_INVALID', message))
    }
    this.#inHand[slot] = NONE
    if (this.#closing || this.#stopped) return Promise.resolve(ended)
    if (++this.#sinceYield >= YIELD_EVENTS && this.#mustYield()) {
      return new Promise((resolve) => {
        setImmediate(() => {
          this.#yieldedAt = this.#services.clock.monotonic()
          resolve(this.#take(slot, whole))
        })
      })
    }
    const result = this.#next(slot, whole)
    if (result !== undefined) return Promise.resolve(result)
    const waiting = new Promise<Take<K, V>>((resolve) => {
      this.#waiters[slot] = { whole, resolve }
    })
    if (this.#pushed !== undefined) this.#endBatch()
    return waiting
  }

  #mustYield(): boolean {
    this.#sinceYield = 0
    return this.#services.clock.monotonic() - this.#yieldedAt >= YIELD_MS
  }

  #serve(slot: number): void {
    const waiter = this.#waiters[slot]
    if (waiter === undefined) return
    const result = this.#next(slot, waiter.whole)
    if (result === undefined) {
      if (this.#pushed !== undefined) this.#endBatch()
      return
    }
    this.#waiters[slot] = undefined
    waiter.resolve(result)
  }

  /**
   * The next good record, or undefined where the payload has none (or the partition stopped:
   * ended).
   */
  #next(slot: number, whole: boolean): Take<K, V> | undefined {
    const reader = this.#reader
    try {
      while (reader.next()) {
        const value = decode(this.#definition.value, reader.value)
        const key = decode(this.#definition.key, reader.key)
        if (value instanceof Bad) this.#refuse(value.reason)
        else if (key instanceof Bad) this.#refuse(reader.key === null ? 'null-key' : key.reason)
        else {
          this.#inHand[slot] = reader.offset
          return { done: false, value: whole ? this.#event(key, value) : value }
        }
        if (this.#stopped) return ended
      }
    } catch (error) {
      if (!this.#mayReread(error)) {
        this.#failReading(error)
        return ended
      }
    }
    return undefined
  }

  #event(key: K, value: V): Event<K, V> {
    const { offset, timestamp } = this.#reader
    const { topic } = this.#definition
    const headers = this.#reader.headers()
    return { key, value, topic, partition: this.#partition, offset, timestamp, headers }
  }

  #refuse(reason: Reason): void {
    const policy = this.#definition.onBadRecord
    const bad = this.#reader.copy(this.#definition.topic, this.#partition, reason)
    if (policy === 'stop') {
      this.#failedAt = Math.min(this.#failedAt, bad.offset)
      this.#stop(badRecordError(bad))
      return
    }
    this.#services.onBadRecord(bad, policy)
    if (policy === 'dead-letter') this.#bad.push(bad)
  }

  /** All of the payload was taken: bad records go first, then the loop may bring the next one. */
  #endBatch(): void {
    if (this.#batchEnding) return
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
    const whole = !this.#damaged
    this.#pushed = undefined
    this.#damaged = false
    pushed?.(whole)
  }

  async #run(slot: number): Promise<void> {
    // The function begins after the constructor, and its errors all arrive here.
    await undefined
    const { run, topic, sinks } = this.#definition
    const source: StreamSource<K, V> = {
      takeValue: () => this.#take(slot, false) as Promise<IteratorResult<V, undefined>>,
      takeEvent: () => this.#take(slot, true) as Promise<IteratorResult<Event<K, V>, undefined>>,
    }
    try {
      const result = run(new Stream(source, topic, this.#partition))
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

  /** Offset of the event in hand, or of the next one where there is none. */
  #heldOffset(slot: number): number {
    return this.#inHand[slot] === NONE ? this.#reader.position : this.#inHand[slot]
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

  /** A batch that is damaged is asked for once more, and the rest of the payload dropped. */
  #mayReread(error: unknown): boolean {
    const { position } = this.#reader
    const isDamage = error instanceof EuphorionError && error.code === 'BATCH_CORRUPT'
    if (!isDamage || this.#damagedAt === position) return false
    this.#damagedAt = position
    this.#damaged = true
    this.#reader.reset()
    return true
  }

  /** The batch at the position is damaged, or cannot be decompressed here. */
  #failReading(error: unknown): void {
    this.#failedAt = Math.min(this.#failedAt, this.#reader.position)
    const { topic } = this.#definition
    const place = { topic, partition: this.#partition, offset: this.#reader.position }
    if (!(error instanceof EuphorionError)) throw error
    this.#stop(new EuphorionError(error.code, error.message, { cause: error.cause, place }))
  }

  #stop(error: EuphorionError): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#endWaiters()
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

/** Codecs may return the bytes that they got; what the user gets must outlive the payload. */
function decode<T>(codec: Codec<T>, bytes: Uint8Array | null): T | Bad {
  const value = codec.decode(bytes)
  return value instanceof Uint8Array ? (new Uint8Array(value) as T & Uint8Array) : value
}
