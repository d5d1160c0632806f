// An app's connection to its log: opened by the first send or by the worker, shared by both. Knows
// the partitions of topics and places records.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { Effects } from '../ingest/effects.ts'
import type { Outbox } from '../ingest/outbox.ts'
import type { ManyStored, RecordMetadata } from '../ingest/receipt.ts'
import { type Row, type RowSink, type Rows, recordOf, rowOf } from '../ingest/rows.ts'
import { Sender } from '../ingest/sender.ts'
import type { Log, LogProducer, LogRecord } from '../log/log.ts'
import { openLog } from '../log/open.ts'
import { Partitioner, partitionOfKey } from '../log/partitioner.ts'
import type { Settings } from '../settings.ts'
import { prepareCompression } from '../wire/compression.ts'
import type { TokenLogin } from '../wire/login.ts'
import type { SendRoute } from './engine_options.ts'
import { RoutedProducer } from './routed_producer.ts'
import type { AppSystem } from './system.ts'

export interface ConnectionOptions {
  /** Tells Kafka who asks. */
  readonly clientId?: string
  /** How to log in to Kafka, unless the settings say so. */
  readonly sasl?: TokenLogin
  /**
   * While another process has the embedded log open: go through it ('allow', not for workers), or
   * LOG_LOCKED. Default 'refuse'.
   */
  readonly remote?: 'allow' | 'refuse'
  /** Opens the log instead. */
  readonly system?: Pick<AppSystem, 'openLog'> | undefined
}

export class Connection implements SendRoute {
  readonly log: Log
  readonly sender: Sender
  /** What is sent counts among them while it has to count once. */
  readonly effects: Effects = { count: 0 }
  readonly #newSender: (producer: LogProducer) => Sender
  /** All that were made. */
  readonly #senders: Sender[] = []
  #untransacted: Sender | undefined
  readonly #producer: RoutedProducer
  readonly #partitioner = new Partitioner(1)
  /** Partitions of each topic that was asked for. */
  readonly #partitions = new Map<string, Promise<number>>()
  /** Those that have answered. */
  readonly #known = new Map<string, number>()

  private constructor(log: Log, producer: LogProducer, settings: Settings, clock: Clock) {
    this.log = log
    this.#producer = new RoutedProducer(producer)
    this.#newSender = (to) => {
      const sender = new Sender(to, {
        clock,
        recordsMax: settings.sendBufferRecords,
        bytesMax: settings.sendBufferBytes,
        batchBytes: settings.sendBatchBytes,
        lingerMs: settings.lingerMs,
        compression: settings.compression,
        onRefused: (topic, error) => this.#refused(topic, error),
      })
      this.#senders.push(sender)
      return sender
    }
    this.sender = this.#newSender(this.#producer)
  }

  route(producer: LogProducer | undefined): void {
    this.#producer.route = producer
  }

  /** What goes this way is stored at once: it belongs to no transaction. */
  get atOnce(): Sender {
    if (this.#producer.route === undefined) return this.sender
    this.#untransacted ??= this.#newSender(this.#producer.log)
    return this.#untransacted
  }

  /** Records of send() that are not yet stored. */
  get pending(): number {
    return this.#senders.reduce((sum, { pending }) => sum + pending, 0)
  }

  get pendingBytes(): number {
    return this.#senders.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  outboxes(): Outbox[] {
    return this.#senders.flatMap((sender) => sender.outboxes())
  }

  sinkTo(producer: LogProducer): RowSink {
    const sender = this.#newSender(producer)
    return {
      storeRow: async (topic, row) => {
        if (this.knows(topic)) return this.storeRow(topic, row, sender)
        const record = recordOf(row)
        const partition = row.partition
        await this.partitions(topic)
        return this.storeRow(topic, rowOf(record, partition), sender)
      },
    }
  }

  /** Rejects with BROKER_MISSING, BROKER_UNREACHABLE, LOG_LOCKED … */
  static async open(
    settings: Settings,
    clock: Clock,
    options: ConnectionOptions = {},
  ): Promise<Connection> {
    if (settings.broker === undefined) {
      throw new EuphorionError('BROKER_MISSING', 'no broker is set')
    }
    const { system, ...rest } = options
    const log =
      system?.openLog(settings) ?? (await openLog(settings.broker, { settings, clock, ...rest }))
    try {
      await prepareCompression(settings.compression)
      return new Connection(log, await log.producer(), settings, clock)
    } catch (error) {
      await log.close()
      throw error
    }
  }

  /** Throws CAPABILITY_MISSING: without transactions output may repeat. */
  requireGuarantee({ guarantee }: Settings): void {
    const { driver, transactions } = this.log.capabilities
    if (guarantee !== 'exactly_once' || transactions) return
    throw new EuphorionError(
      'CAPABILITY_MISSING',
      `guarantee exactly_once needs transactions, which the driver ${driver} does not have`,
    )
  }

  /** The topic was asked for before: what is stored in it now is on its way at once. */
  knows(topic: string): boolean {
    return this.#known.has(topic)
  }

  /** Stores a record in its partition, or in the one that its key gives. */
  async store(
    topic: string,
    partition: number | undefined,
    record: LogRecord,
    sender = this.sender,
  ): Promise<RecordMetadata> {
    this.#count()
    const partitions = this.#known.get(topic) ?? (await this.partitions(topic))
    const placed = partition ?? this.#partitioner.partition(topic, record.key, partitions)
    checkPartition(topic, placed, partitions)
    return sender.send(topic, placed, record)
  }

  /** Stores the row at hand likewise, of a topic that is known. */
  storeRow(topic: string, row: Row, sender = this.sender): Promise<RecordMetadata> {
    this.#count()
    return sender.sendRow(topic, this.#place(topic, row, this.#known.get(topic)!), row)
  }

  /** Stores rows likewise; see Sender.sendMany. */
  async storeMany(topic: string, rows: Rows): Promise<ManyStored> {
    this.#count()
    const partitions = this.#known.get(topic) ?? (await this.partitions(topic))
    return this.sender.sendMany(topic, rows, (row) => this.#place(topic, row, partitions))
  }

  #count(): void {
    if (this.#producer.route !== undefined) this.effects.count++
  }

  #place(topic: string, { partition, key, keyLength }: Row, partitions: number): number {
    if (partition !== undefined) {
      checkPartition(topic, partition, partitions)
      return partition
    }
    if (key !== null) return partitionOfKey(key, partitions, keyLength)
    return this.#partitioner.partition(topic, null, partitions)
  }

  /** Rejects with TOPIC_UNKNOWN. */
  partitions(topic: string): Promise<number> {
    let count = this.#partitions.get(topic)
    if (count === undefined) {
      count = this.log.topic(topic).then((info) => info.partitions)
      this.#partitions.set(topic, count)
      count.then(
        (partitions) => this.#known.set(topic, partitions),
        () => this.#partitions.delete(topic),
      )
    }
    return count
  }

  /** A topic that is deleted may be made anew, with other partitions. */
  #refused(topic: string, error: unknown): void {
    const code = error instanceof EuphorionError ? error.code : undefined
    if (code !== 'TOPIC_UNKNOWN' && code !== 'TOPIC_DELETED') return
    this.#known.delete(topic)
    this.#partitions.delete(topic)
  }

  async close(): Promise<void> {
    await this.#untransacted?.flush()
    await this.sender.close()
    await this.log.close()
  }
}

function checkPartition(topic: string, partition: number, partitions: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return
  const message = `the topic has partitions 0 to ${partitions - 1}`
  throw new EuphorionError('PARTITIONS_MISMATCH', message, { place: { topic, partition } })
}
