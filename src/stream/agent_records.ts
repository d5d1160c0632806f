// What an agent's partition reads: the records of fetched payloads, decoded as they are asked for,
// one by one or as batches; what is bad, by policy; and how far all of it has come. Owned by
// AgentPartition.
import { EuphorionError } from '../errors.ts'
import { type BadRecord, badRecordError } from '../ingest/dead_letter.ts'
import type { SinkHalt } from '../ingest/subscriber.ts'
import type { ExtractionServices } from '../kernel/extract/column_extractor.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Reason } from '../kernel/plan.ts'
import { Bad } from '../record/bad.ts'
import type { Codec } from '../record/codec.ts'
import type { FieldMap } from '../record/fields.ts'
import { AgentColumns, type Extracted } from './agent_columns.ts'
import { AgentReader, type ReaderOptions } from './agent_reader.ts'
import type { BatchShape } from './batch_shape.ts'
import type { Chunk } from './chunk.ts'
import { ColumnBatch } from './column_batch.ts'
import { decodeOwn } from './decode.ts'
import { DecodedChunk } from './decoded_chunk.ts'
import type { Event } from './events.ts'
import { FAILED, type FailureLedger, type Verdict } from './failure_ledger.ts'
import type { TakenEvent } from './kept_events.ts'
import { keepRaw, rawOf } from './raw_record.ts'
import { type Reread, rereading } from './rereading.ts'
import { endOfBatch, Span, SpanQueue } from './span.ts'

export interface BatchLimits {
  readonly maxRecords: number
  /** Of the records, uncompressed. */
  readonly maxBytes: number
}

/** What a function asks for. */
export type Want =
  | { readonly as: 'value' | 'event' }
  /** An event that the next question does not acknowledge. */
  | { readonly as: 'kept'; readonly isByHand: boolean; readonly isInHand: boolean }
  /** `isAhead`: before the function asks for it. */
  | ({ readonly as: 'batch'; readonly isAhead: boolean } & BatchLimits)

export type Batch<K, V> = ColumnBatch<K, V, FieldMap>
type Taken<K, V> = V | Event<K, V> | Batch<K, V>

export interface AgentRecordsOptions<K, V> {
  readonly topic: string
  readonly partition: number
  readonly startOffset: number
  /** What comes there is not read. */
  readonly until: Halt | undefined
  /** Events that the partition has failed on before: what is to be left out of them. */
  readonly failures: FailureLedger
  readonly key: Codec<K>
  readonly value: Codec<V>
  readonly shape: BatchShape
  readonly reading: ReaderOptions
  readonly onBadRecord: BadRecordPolicy
  /** A record is left out: it goes to the dead letters, or nowhere. */
  readonly refused: (bad: BadRecord) => void
  /** An event is left out that functions have failed on. */
  readonly leftOut: (record: BadRecord, verdict: Verdict) => void
  /** What extracts columns; undefined: nothing does. Asked when batches are first wanted. */
  readonly extraction: (() => ExtractionServices | undefined) | undefined
  /** What was on its way is there: take() and isRead may answer differently now. */
  readonly arrived: () => void
}

/** The partition cannot be read on from `offset`. */
type Halt = SinkHalt

const NONE = -1
/** One that batches are taken of, and one that is ready behind it. */
const SPANS_MAX = 2
/** Payloads whose values are extracted, where they are wanted one by one. */
const EXTRACTED_BYTES_MIN = 32 * 1024
/** Records decoded at once: a few ms. */
const DECODED_MAX = 4096
export class AgentRecords<K, V> {
  readonly #options: AgentRecordsOptions<K, V>
  readonly #reader: AgentReader
  /** What was read and is not taken. */
  readonly rows = new SpanQueue<K, V>()
  readonly #spanOf = new WeakMap<Batch<K, V>, Span<K, V>>()
  #payload: Uint8Array = new Uint8Array(0)
  #columns: AgentColumns<K, V> | undefined
  #isExtracting = false
  /** What was wanted last is made of columns: more of it is made ready. */
  #wantsColumns = false
  /** And of keys. */
  #wantsKeys = false
  /** What comes next is not for kernels. */
  #mustDecode = false
  #isClosed = false
  #halt: Halt | undefined
  /** Of the record at hand. */
  #key!: K
  #value!: V
  #damagedAt = NONE
  #isDamaged = false
  #isDrained = true
  /** Offset and time of the first record of what was taken last. */
  takenAt = NONE
  takenTimestamp = 0
  /** The fetched bytes that it is in. */
  takenFrom: Uint8Array = this.#payload
  /** Of each event its record is kept, for rawOf(). */
  keepsRaw = false

  constructor(options: AgentRecordsOptions<K, V>) {
    this.#options = options
    this.#reader = new AgentReader(options.startOffset, options.reading)
  }

  /** The payload is not written to any more, by anybody. */
  push(payload: Uint8Array): void {
    this.#payload = payload
    this.#reader.reset(payload)
    this.#isDrained = false
    this.#isDamaged = false
    this.#mustDecode = false
    this.#readAhead()
  }

  /** What is on its way is of no use any more. */
  close(): void {
    this.#isClosed = true
    this.rows.closeRun()
  }

  /** Offset below which everything was taken or refused. */
  get position(): number {
    return this.rows.first?.firstOffset ?? this.#halt?.offset ?? this.#reader.position
  }

  /** The payload has no more to read, and there is room for the next one's records. */
  get isRead(): boolean {
    return this.#isDrained && this.rows.length < SPANS_MAX
  }

  /** Batches of the payload were damaged, and what follows them is to be read again. */
  get isDamaged(): boolean {
    return this.#isDamaged
  }

  /** Once all before it was taken. */
  get halt(): Halt | undefined {
    return this.rows.length === 0 ? this.#halt : undefined
  }

  /** The next good record or batch; undefined: none now, or `halt`. */
  take(want: Want): { readonly done: false; readonly value: Taken<K, V> } | undefined {
    this.#wantsColumns = want.as === 'batch' || this.#makesValues
    this.#wantsKeys = want.as === 'event' || want.as === 'kept'
    if (this.#wantsColumns) this.#readAhead()
    if (want.as === 'batch' && this.rows.length === 0 && !this.#isExtracting)
      this.#decodeChunk(want.maxRecords)
    const { first } = this.rows
    if (first !== undefined) return this.#takeRows(first, want)
    if (this.#isExtracting || want.as === 'batch' || !this.#next()) return undefined
    this.takenAt = this.#reader.offset
    this.takenTimestamp = this.#reader.timestamp
    this.takenFrom = this.#payload
    return { done: false, value: want.as === 'value' ? this.#value : this.#event(this.#reader) }
  }

  /** Of batches that nobody has seen: they come again, to whoever asks next. */
  giveBack(batches: readonly Batch<K, V>[]): void {
    this.rows.insert(batches.map((batch) => this.#spanOf.get(batch)!))
  }

  /** The events of a batch. */
  eventsOf(batch: Batch<K, V>): TakenEvent[] {
    const { chunk, payload, from, to } = this.#spanOf.get(batch)!
    return Array.from(chunk.offsets.subarray(from, to), (offset) => ({ offset, payload }))
  }

  /** The same of what was taken before, decoded anew. `taken` in ascending order. */
  readAgain(taken: readonly TakenEvent[]): void {
    const spans: Span<K, V>[] = []
    for (const { payload, next } of rereading(taken, this.#options.reading)) {
      const sizes: number[] = []
      const events = this.#decodeAll(next, sizes)
      spans.push(new Span(new DecodedChunk(events, sizes, this.#options.shape), payload))
    }
    this.rows.insert(spans)
  }

  /** What was taken before, decoded anew, for who wants to look at it. */
  events(taken: readonly TakenEvent[]): Event<K, V>[] {
    const payloads = [...rereading(taken, this.#options.reading)]
    return payloads.flatMap(({ next }) => this.#decodeAll(next, []))
  }

  #decodeAll(next: Reread['next'], sizes: number[]): Event<K, V>[] {
    const events: Event<K, V>[] = []
    for (let reader = next(); reader !== undefined; reader = next()) {
      if (!this.#decode(reader)) continue
      events.push(this.#event(reader))
      sizes.push(reader.size)
    }
    return events
  }

  /** The same, as bytes. */
  *copies(taken: readonly TakenEvent[], reason: string): Iterable<BadRecord> {
    const { topic, partition, reading } = this.#options
    for (const { next } of rereading(taken, reading))
      for (let reader = next(); reader !== undefined; reader = next())
        yield reader.copy(topic, partition, reason)
  }

  #takeRows(span: Span<K, V>, want: Want) {
    const { chunk, from, payload } = span
    this.takenAt = chunk.offsets[from]
    this.takenTimestamp = chunk.timestamps[from]
    this.takenFrom = payload
    if (want.as !== 'batch') {
      const taken = this.rows.takeItem(want.as === 'value' ? 'value' : 'event', this.keepsRaw)
      const isRaw = this.keepsRaw && want.as !== 'value'
      const value = isRaw ? this.#withRaw(taken as Event<K, V>, payload) : taken
      return { done: false, value } as const
    }
    const to = endOfBatch(span, want)
    this.rows.takeRows(to)
    const { shape } = this.#options
    const value = new ColumnBatch<K, V, FieldMap>(this.#options, shape, chunk, from, to)
    this.#spanOf.set(value, new Span(chunk, payload, from, to))
    return { done: false, value } as const
  }

  /** A turn of a thread costs more than to decode what is small. */
  get #makesValues(): boolean {
    const { shape } = this.#options
    return (
      shape.makers !== undefined && !this.keepsRaw && this.#payload.length >= EXTRACTED_BYTES_MIN
    )
  }

  /** Extracts what comes next, where kernels can and it is likely to be wanted. */
  #readAhead(): void {
    const isBusy = this.#isExtracting || this.rows.length >= SPANS_MAX || this.#mustDecode
    const isEnd = this.#isDrained || this.#halt !== undefined || this.#isClosed
    if (isBusy || isEnd || !this.#wantsColumns) return
    this.#columns ??= new AgentColumns(this.#options)
    // columns are extracted beyond them
    const { until, failures } = this.#options
    if (until !== undefined || this.#reader.position <= failures.lastVerdict) return
    const extracted = this.#columns.extract(this.#payload, this.#reader.position, this.#wantsKeys)
    if (extracted === undefined) return
    this.#isExtracting = true
    void extracted.then((rows) => {
      this.#isExtracting = false
      if (!this.#isClosed) this.#arrived(rows)
    })
  }

  #arrived(found: Extracted<K, V> | undefined): void {
    this.#mustDecode = found === undefined
    if (found !== undefined) {
      const { topic, partition, refused } = this.#options
      for (const bad of found.bad) refused({ ...bad, topic, partition })
      this.#reader.passOver(found.nextOffset)
      if (found.isWhole) this.#isDrained = true
      this.#add(found.chunk)
      this.#readAhead()
    }
    this.#options.arrived()
  }

  /** Ends at the payload's end, and in front of what the partition halts at. */
  #decodeChunk(maxRecords: number): void {
    const events: Event<K, V>[] = []
    const sizes: number[] = []
    const length = Math.min(maxRecords, DECODED_MAX)
    this.#mustDecode = false
    while (events.length < length && this.#next()) {
      events.push(this.#event(this.#reader))
      sizes.push(this.#reader.size)
    }
    this.#add(new DecodedChunk(events, sizes, this.#options.shape))
  }

  #add(chunk: Chunk<K, V>, payload = this.#payload): void {
    this.rows.push(new Span(chunk, payload))
  }

  /** Moves to the next good record, which is #key and #value then. */
  #next(): boolean {
    const reader = this.#reader
    const { until } = this.#options
    try {
      while (this.#halt === undefined && !this.#isDrained) {
        if (!reader.next()) this.#isDrained = true
        else if (until !== undefined && reader.offset >= until.offset) this.#halt = until
        else if (!this.#isLeftOut(reader) && this.#decode(reader)) return true
      }
    } catch (error) {
      if (!this.#mayReread(error)) this.#cannotRead(error)
    }
    return false
  }

  #isLeftOut(reader: AgentReader): boolean {
    const { failures, leftOut, topic, partition } = this.#options
    if (reader.offset > failures.lastVerdict) return false
    const verdict = failures.verdict(reader.offset)
    if (verdict === undefined) return false
    leftOut(reader.copy(topic, partition, FAILED), verdict)
    return true
  }

  #decode(reader: AgentReader): boolean {
    const { key, value } = reader
    const decoded = decodeOwn(this.#options.value, value)
    const decodedKey = decodeOwn(this.#options.key, key)
    if (decoded instanceof Bad) this.#refuse(reader, decoded.reason)
    else if (decodedKey instanceof Bad) {
      this.#refuse(reader, key === null ? 'null-key' : decodedKey.reason)
    } else {
      this.#key = decodedKey
      this.#value = decoded
      return true
    }
    return false
  }

  #event(reader: AgentReader): Event<K, V> {
    const { offset, timestamp } = reader
    const { topic, partition } = this.#options
    const headers = this.keepsRaw ? [...reader.headers()] : reader.headers()
    if (this.keepsRaw) keepRaw(headers, reader)
    return { key: this.#key, value: this.#value, topic, partition, offset, timestamp, headers }
  }

  /** Of what was extracted before anybody wanted its bytes: such events may share their headers. */
  #withRaw(event: Event<K, V>, payload: Uint8Array): Event<K, V> {
    if (rawOf(event) !== undefined) return event
    const own = { ...event, headers: [...event.headers] }
    const taken = [{ offset: event.offset, payload }]
    for (const { next } of rereading(taken, this.#options.reading)) {
      const reader = next()
      if (reader !== undefined) keepRaw(own.headers, reader)
    }
    return own
  }

  #refuse(reader: AgentReader, reason: Reason): void {
    const { topic, partition, onBadRecord, refused } = this.#options
    const bad = reader.copy(topic, partition, reason)
    if (onBadRecord === 'stop') this.#halt = { offset: bad.offset, error: badRecordError(bad) }
    else refused(bad)
  }

  /** A batch that is damaged is asked for once more, and the rest of the payload dropped. */
  #mayReread(error: unknown): boolean {
    const { position } = this.#reader
    const isDamage = error instanceof EuphorionError && error.code === 'BATCH_CORRUPT'
    if (!isDamage || this.#damagedAt === position) return false
    this.#damagedAt = position
    this.#isDamaged = true
    this.#isDrained = true
    this.#reader.reset()
    return true
  }

  /** The batch at the position is damaged, or cannot be decompressed here. */
  #cannotRead(error: unknown): void {
    if (!(error instanceof EuphorionError)) throw error
    const offset = this.#reader.position
    const place = { topic: this.#options.topic, partition: this.#options.partition, offset }
    const { code, message, cause } = error
    this.#halt = { offset, error: new EuphorionError(code, message, { cause, place }) }
  }
}
