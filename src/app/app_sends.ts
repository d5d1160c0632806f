// How what a program sends reaches the log, whether the app runs or not: past the listeners and the
// sensors, into topics that are created where nobody has yet. Owned by App.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { ManyStored, RecordMetadata } from '../ingest/receipt.ts'
import { type Row, type Rows, recordOf } from '../ingest/rows.ts'
import type { Sender } from '../ingest/sender.ts'
import type { Settings } from '../settings.ts'
import type { ProducedMessage } from '../stream/produced.ts'
import type { Topic, TopicPort } from '../stream/topic.ts'
import type { Connection } from './connection.ts'
import type { Hooks } from './hooks.ts'
import type { Sensors } from './sensors.ts'
import { ensureTopics, wantedTopic } from './topics.ts'

export interface AppSendsOptions {
  readonly hooks: Hooks
  readonly sensors: Sensors
  /** Declared ones. */
  readonly topics: ReadonlyMap<string, Topic<unknown, unknown>>
  readonly clock: () => Clock
  readonly settings: () => Settings
  /** The connection, where there is one. */
  readonly opened: () => Connection | undefined
  readonly connect: () => Promise<Connection>
  /** A worker does: it made its topics when it started. */
  readonly runs: () => boolean
}

type SenderOf = (connection: Connection) => Sender

const programs: SenderOf = ({ sender }) => sender

export class AppSends implements TopicPort {
  readonly #options: AppSendsOptions

  constructor(options: AppSendsOptions) {
    this.#options = options
  }

  now(): number {
    return this.#options.clock().now()
  }

  storeRow(topic: string, row: Row): Promise<RecordMetadata> {
    if (!this.#options.sensors.has('onSend')) return this.storeRowBy(topic, row, programs)
    return this.#sense(topic, 1, () => this.storeRowBy(topic, row, programs))
  }

  storeMany(topic: string, rows: Rows): Promise<ManyStored> {
    return this.#sense(topic, rows.count, () =>
      this.#store(topic, (connection) => connection.storeMany(topic, rows)),
    )
  }

  onProduce(): ((message: ProducedMessage) => void) | undefined {
    return this.#options.hooks.has('produceMessage') ? this.#producing : undefined
  }

  readonly #producing = (message: ProducedMessage): void => {
    this.#options.hooks.call('produceMessage', message)
  }

  /** By another sender than the program's. */
  storeRowBy(topic: string, row: Row, senderOf: SenderOf): Promise<RecordMetadata> {
    const opened = this.#options.opened()
    if (opened?.knows(topic)) return opened.storeRow(topic, row, senderOf(opened))
    const record = recordOf(row)
    const { partition } = row
    return this.#store(topic, (connection) =>
      connection.store(topic, partition, record, senderOf(connection)),
    )
  }

  async #sense<T>(topic: string, records: number, store: () => Promise<T>): Promise<T> {
    const { clock, sensors } = this.#options
    const beganMs = clock().monotonic()
    let failure: unknown
    try {
      return await store()
    } catch (error) {
      failure = error
      throw error
    } finally {
      const ms = clock().monotonic() - beganMs
      sensors.tell('onSend', { topic, records, ms, error: failure })
    }
  }

  /** Creates a declared topic where nobody has yet; a running app did so when it started. */
  async #store<T>(topic: string, store: (connection: Connection) => Promise<T>): Promise<T> {
    const { opened, connect, topics, settings, runs } = this.#options
    const connection = opened() ?? (await connect())
    try {
      return await store(connection)
    } catch (error) {
      const unknown = error instanceof EuphorionError && error.code === 'TOPIC_UNKNOWN'
      const declared = topics.get(topic)
      const { createTopics: create, topicPartitions: partitions } = settings()
      if (!unknown || declared === undefined || runs() || !create) throw error
      await ensureTopics(connection.log, [wantedTopic(declared)], { create, partitions })
      return store(connection)
    }
  }
}
