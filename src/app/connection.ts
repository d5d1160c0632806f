// An app's connection to its log: opened by the first send or by the worker, shared by both. Knows
// the partitions of topics and places records.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { ManyStored, RecordMetadata } from '../ingest/receipt.ts'
import type { Rows } from '../ingest/rows.ts'
import { Sender } from '../ingest/sender.ts'
import type { Log, LogRecord } from '../log/log.ts'
import { openLog } from '../log/open.ts'
import { Partitioner, partitionOfKey } from '../log/partitioner.ts'
import type { Settings } from '../settings.ts'
import type { TokenLogin } from '../wire/sasl.ts'

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
}

export class Connection {
  readonly log: Log
  readonly sender: Sender
  readonly #partitioner = new Partitioner(1)
  /** Partitions of each topic that was asked for. */
  readonly #partitions = new Map<string, Promise<number>>()

  private constructor(log: Log, sender: Sender) {
    this.log = log
    this.sender = sender
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
    const log = await openLog(settings.broker, { settings, clock, ...options })
    try {
      const producer = await log.producer()
      return new Connection(log, new Sender(producer, { recordsMax: settings.sendBufferRecords }))
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

  /** Stores a record in its partition, or in the one that its key gives. */
  async store(
    topic: string,
    partition: number | undefined,
    record: LogRecord,
  ): Promise<RecordMetadata> {
    const partitions = await this.partitions(topic)
    const placed = partition ?? this.#partitioner.partition(topic, record.key, partitions)
    checkPartition(topic, placed, partitions)
    return this.sender.send(topic, placed, record)
  }

  /** Stores rows likewise; see Sender.sendMany. */
  async storeMany(topic: string, rows: Rows): Promise<ManyStored> {
    const partitions = await this.partitions(topic)
    const place = ({ partition, key, keyLength }: Rows): number => {
      if (partition !== undefined) checkPartition(topic, partition, partitions)
      if (partition !== undefined) return partition
      if (key !== null) return partitionOfKey(key, partitions, keyLength)
      return this.#partitioner.partition(topic, null, partitions)
    }
    return this.sender.sendMany(topic, rows, place)
  }

  /** Rejects with TOPIC_UNKNOWN. */
  partitions(topic: string): Promise<number> {
    let count = this.#partitions.get(topic)
    if (count === undefined) {
      count = this.log.topic(topic).then((info) => info.partitions)
      this.#partitions.set(topic, count)
      count.catch(() => this.#partitions.delete(topic))
    }
    return count
  }

  async close(): Promise<void> {
    await this.sender.close()
    await this.log.close()
  }
}

function checkPartition(topic: string, partition: number, partitions: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return
  const message = `the topic has partitions 0 to ${partitions - 1}`
  throw new EuphorionError('PARTITIONS_MISMATCH', message, { place: { topic, partition } })
}
