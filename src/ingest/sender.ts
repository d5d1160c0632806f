// Sends records: they are encoded at once, and what is sent while an append of the partition is on
// its way goes out together as the next batch. Used by topic.send() and sendMany(), by sinks of
// agents and by the dead-letter topic.
import { type Clock, systemClock } from '../clock.ts'
import { type Deferred, deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { LogProducer, LogRecord } from '../log/log.ts'
import { BatchWriter } from '../wire/batch_writer.ts'
import type { Compression } from '../wire/compression.ts'
import { Outbox, type OutboxPorts } from './outbox.ts'
import {
  ManyReceipt,
  type ManyStored,
  type PendingCount,
  type RecordMetadata,
  RecordReceipt,
} from './receipt.ts'
import { type Row, type Rows, recordOf } from './rows.ts'

const BATCH_BYTES_DEFAULT = 512 * 1024
const BUFFER_BYTES_DEFAULT = 32 * 1024 ** 2
/** A partition that is sent little to has a small buffer; it doubles as it is needed. */
const WRITER_BYTES = 8 * 1024
/** Buffers that are kept for the next batches. */
const WRITERS_MAX = 16
/** Rows that are encoded before others get their turn of the event loop: about a millisecond. */
const SLICE_ROWS = 1000
/** Done tasks at the head of a queue before it is cut. */
const TASKS_KEPT = 1000

export interface SenderOptions {
  /** Records sent by send() and not yet stored; one more rejects. */
  readonly recordsMax: number
  /** Bytes of records not yet stored; more wait. Default 32 MiB. */
  readonly bytesMax?: number
  /** A batch is full at this size. Default 512 KiB. */
  readonly batchBytes?: number
  /** How long a record waits for others when nothing of its partition is on its way. Default 0. */
  readonly lingerMs?: number
  /** Default 'none'. Others need prepareCompression of wire/compression.ts first. */
  readonly compression?: Compression
  readonly clock?: Clock
  /** Called for each batch that the log refuses. */
  readonly onRefused?: (topic: string, error: unknown) => void
}

/** Work of one topic in the order of the calls: what it returns is awaited before the next. */
type Task = () => void | Promise<void>

export class Sender {
  readonly #producer: LogProducer
  readonly #recordsMax: number
  readonly #bytesMax: number
  readonly #outboxes = new Map<string, Outbox[]>()
  /** Topics where something waits for room, or for a sendMany() that is under way. */
  readonly #queues = new Map<string, Task[]>()
  readonly #writers: BatchWriter[] = []
  readonly #ports: OutboxPorts
  readonly #count: PendingCount = { pending: 0 }
  #bytes = 0
  #room: Deferred<void> | undefined

  constructor(producer: LogProducer, options: SenderOptions) {
    const { batchBytes = BATCH_BYTES_DEFAULT, compression = 'none', lingerMs = 0 } = options
    const { clock = systemClock } = options
    this.#producer = producer
    this.#recordsMax = options.recordsMax
    this.#bytesMax = options.bytesMax ?? BUFFER_BYTES_DEFAULT
    this.#ports = {
      producer,
      compression,
      batchBytes,
      takeWriter: () => this.#writers.pop() ?? new BatchWriter(WRITER_BYTES),
      giveWriter: (writer) => this.#keep(writer, batchBytes),
      later: (flush) => void (lingerMs === 0 ? flush() : clock.after(lingerMs, flush)),
      refused: options.onRefused ?? (() => undefined),
      freed: (bytes) => this.#freed(bytes),
    }
  }

  /** Bytes of records that are not yet stored. */
  get bytes(): number {
    return this.#bytes
  }

  /** Records of send() that are not yet stored. */
  get pending(): number {
    return this.#count.pending
  }

  /** One for each partition that was ever sent to. */
  outboxes(): Outbox[] {
    // absent for partitions that nothing was sent to
    return [...this.#outboxes.values()].flatMap((outboxes) => outboxes.filter(Boolean))
  }

  /**
   * Resolves once the record is stored. Records of one partition keep their order. Waits while the
   * buffer has too many bytes; rejects with LOG_FAILED when `recordsMax` records wait: await what
   * you send.
   */
  send(
    topic: string,
    partition: number,
    record: LogRecord,
    recordsMax = this.#recordsMax,
  ): Promise<RecordMetadata> {
    const { key, value, timestamp, headers } = record
    if (this.#count.pending >= recordsMax) return this.#refuse(topic, partition)
    return new Promise((resolve, reject) => {
      const receipt = this.#receipt(topic, partition, timestamp, resolve, reject)
      const add = (): void => {
        const outbox = this.#outbox(topic, partition)
        this.#bytes += outbox.add(receipt, key, value, timestamp, headers)
      }
      if (this.#isOpen(topic)) add()
      else this.#enqueue(topic, add)
    })
  }

  /** As send(), of the row at hand, which is copied. */
  sendRow(topic: string, partition: number, row: Row): Promise<RecordMetadata> {
    if (!this.#isOpen(topic)) return this.send(topic, partition, recordOf(row))
    if (this.#count.pending >= this.#recordsMax) return this.#refuse(topic, partition)
    return new Promise((resolve, reject) => {
      const { key, value, timestamp, headers, keyLength, valueLength } = row
      const receipt = this.#receipt(topic, partition, timestamp, resolve, reject)
      const outbox = this.#outbox(topic, partition)
      this.#bytes += outbox.add(receipt, key, value, timestamp, headers, keyLength, valueLength)
    })
  }

  #receipt(
    topic: string,
    partition: number,
    timestamp: number,
    resolve: (metadata: RecordMetadata) => void,
    reject: (error: unknown) => void,
  ): RecordReceipt {
    this.#count.pending++
    return new RecordReceipt(topic, partition, timestamp, this.#count, resolve, reject)
  }

  /** Nothing is ahead of the topic's next record, and there is room for it. */
  #isOpen(topic: string): boolean {
    return this.#bytes < this.#bytesMax && (this.#queues.size === 0 || !this.#queues.has(topic))
  }

  #refuse(topic: string, partition: number): Promise<never> {
    const wait = `${this.#count.pending} records wait to be stored`
    const message = `${wait}; await send(), or raise sendBufferRecords`
    const place = { topic, partition }
    return Promise.reject(new EuphorionError('LOG_FAILED', message, { place }))
  }

  /**
   * Stores all rows, each in the partition that `place` gives it. Rows before one
   * that cannot be encoded are stored; then it rejects with RECORD_INVALID, naming its index. What
   * the log refuses is counted in the error.
   */
  async sendMany(topic: string, rows: Rows, place: (rows: Rows) => number): Promise<ManyStored> {
    const receipt = new ManyReceipt(topic)
    const release = await this.#turn(topic)
    let at = 0
    let refused: unknown
    try {
      for (; at < rows.count; at++) {
        if (at % SLICE_ROWS === 0 && at > 0) await new Promise(setImmediate)
        if (this.#bytes >= this.#bytesMax) await this.#whenRoom()
        rows.encode(at)
        const { key, keyLength, value, valueLength, timestamp, headers } = rows
        const partition = place(rows)
        const outbox = this.#outbox(topic, partition)
        const waits = receipt.of(partition)
        this.#bytes += outbox.add(waits, key, value, timestamp, headers, keyLength, valueLength)
        receipt.added()
      }
    } catch (error) {
      refused = error
    } finally {
      release()
    }
    for (const outbox of this.#outboxes.get(topic) ?? []) outbox?.flush()
    await receipt.settled()
    receipt.throwFailure(rows.count)
    if (refused !== undefined) throw atRow(refused, at)
    return receipt.result
  }

  /** Resolves when everything sent before is stored or refused. Never rejects: senders know. */
  async flush(): Promise<void> {
    const queued = [...this.#queues.keys()].map(
      (topic) => new Promise<void>((resolve) => this.#enqueue(topic, resolve)),
    )
    const added = [...this.#outboxes.values()].flat().map((outbox) => outbox.settled())
    await Promise.all([...queued, ...added])
    if (queued.length > 0) await this.flush()
  }

  async close(): Promise<void> {
    await this.flush()
    await this.#producer.close()
  }

  #outbox(topic: string, partition: number): Outbox {
    let outboxes = this.#outboxes.get(topic)
    if (outboxes === undefined) this.#outboxes.set(topic, (outboxes = []))
    outboxes[partition] ??= new Outbox(topic, partition, this.#ports)
    return outboxes[partition]
  }

  /** Resolves, with what ends the turn, when all calls for the topic before are through. */
  #turn(topic: string): Promise<() => void> {
    return new Promise((begin) => {
      this.#enqueue(topic, () => new Promise<void>((release) => begin(release)))
    })
  }

  #enqueue(topic: string, task: Task): void {
    const queue = this.#queues.get(topic)
    if (queue !== undefined) queue.push(task)
    else {
      const tasks = [task]
      this.#queues.set(topic, tasks)
      void this.#work(topic, tasks)
    }
  }

  async #work(topic: string, tasks: Task[]): Promise<void> {
    for (let at = 0; at < tasks.length; at++) {
      while (this.#bytes >= this.#bytesMax) await this.#whenRoom()
      const turn = tasks[at]()
      if (turn !== undefined) await turn
      if (at < TASKS_KEPT) continue
      tasks.splice(0, at + 1)
      at = -1
    }
    this.#queues.delete(topic)
  }

  #whenRoom(): Promise<void> {
    for (const outbox of [...this.#outboxes.values()].flat()) outbox.flush()
    this.#room ??= deferred()
    return this.#room.promise
  }

  #freed(bytes: number): void {
    this.#bytes -= bytes
    if (this.#bytes >= this.#bytesMax) return
    this.#room?.resolve()
    this.#room = undefined
  }

  #keep(writer: BatchWriter, batchBytes: number): void {
    if (this.#writers.length >= WRITERS_MAX || writer.size > batchBytes) return
    writer.reset()
    this.#writers.push(writer)
  }
}

/** The error of a row that cannot be encoded or placed. */
function atRow(error: unknown, index: number): unknown {
  if (!(error instanceof EuphorionError)) return error
  const before = index === 0 ? 'nothing is stored' : `the ${index} before it are stored`
  const { code, message, cause, place } = error
  return new EuphorionError(code, `record ${index}: ${message}; ${before}`, { cause, place })
}
