// An embedded log that another process has open, reached through its socket: everything but
// consumers. Appends are idempotent, so that one whose answer was lost is sent again.
import { type Clock, pause } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { recordCountOf, stampProducer } from '../../wire/batch_header.ts'
import { prepareCompression } from '../../wire/compression.ts'
import { connectLocal, type LocalClient, type LocalReply } from '../../wire/local_socket.ts'
import { encodeBatch } from '../../wire/record_batch.ts'
import type {
  Compression,
  ConsumerOptions,
  Log,
  LogConsumer,
  LogProducer,
  LogReader,
  LogRecord,
  PartitionOffsets,
  ProducerOptions,
  StoredBatch,
  StoredRecord,
  TopicConfig,
  TopicInfo,
  TransactionalProducer,
} from '../log.ts'
import type { OwnerRequests } from './owner.ts'
import { decodeFrom } from './reader.ts'
import {
  embeddedCapabilities,
  lockedError,
  readBytesDefault,
  socketOptions,
  socketPath,
} from './shared.ts'

/** How long a lost owner may take to come back. */
const reconnectMs = 2000
const reconnectPauseMs = 20
/** Appends of one producer that may wait. */
const pendingAppendsMax = 65_536

/** LOG_LOCKED when the owner does not answer at once. */
export async function connectOwner(root: string, pid: number, clock: Clock): Promise<Log> {
  try {
    const client = await connectLocal(socketPath(root), socketOptions)
    return new RemoteLog(root, pid, clock, client)
  } catch (error) {
    throw lockedError(root, pid, error)
  }
}

class RemoteLog implements Log {
  readonly capabilities = { ...embeddedCapabilities, transactions: false }
  readonly #root: string
  readonly #pid: number
  readonly #clock: Clock
  #client: Promise<LocalClient> | undefined
  readonly #producers = new Set<LogProducer>()
  #closed = false

  constructor(root: string, pid: number, clock: Clock, client: LocalClient) {
    this.#root = root
    this.#pid = pid
    this.#clock = clock
    this.#client = Promise.resolve(client)
  }

  #connected(): Promise<LocalClient> {
    this.#client ??= this.#reconnect().catch((error) => {
      this.#client = undefined
      throw error
    })
    return this.#client
  }

  async #reconnect(): Promise<LocalClient> {
    const deadline = this.#clock.monotonic() + reconnectMs
    for (;;) {
      try {
        return await connectLocal(socketPath(this.#root), socketOptions)
      } catch (error) {
        if (this.#clock.monotonic() > deadline) throw error
      }
      await pause(this.#clock, reconnectPauseMs)
    }
  }

  /** `again`: the request may be sent twice, so a lost connection is tried once more. */
  async request<Name extends keyof OwnerRequests>(
    name: Name,
    argument: OwnerRequests[Name],
    { again = true, payload }: { again?: boolean; payload?: Uint8Array } = {},
  ): Promise<LocalReply> {
    if (this.#closed) throw new EuphorionError('LOG_FAILED', 'the embedded log was closed')
    const client = await this.#connected()
    try {
      return await client.request(name, argument, payload)
    } catch (error) {
      if (!client.lost) throw error
      if ((await this.#client) === client) this.#client = undefined
      if (!again) throw error
    }
    return (await this.#connected()).request(name, argument, payload)
  }

  async createTopic(
    name: string,
    { partitions, config }: { partitions: number; config?: TopicConfig },
  ): Promise<boolean> {
    const argument = { name, partitions, config }
    return (await this.request('createTopic', argument, { again: false })).value as boolean
  }

  async deleteTopic(name: string): Promise<void> {
    await this.request('deleteTopic', { name }, { again: false })
  }

  async topics(): Promise<readonly TopicInfo[]> {
    return (await this.request('topics', null)).value as TopicInfo[]
  }

  async topic(name: string): Promise<TopicInfo> {
    return (await this.request('topic', { name })).value as TopicInfo
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return (await this.request('offsets', { topic })).value as PartitionOffsets[]
  }

  async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const { value } = await this.request('committed', { groupId, topic })
    return new Map(value as [number, number][])
  }

  async forgetGroup(groupId: string): Promise<void> {
    await this.request('forgetGroup', { groupId })
  }

  async transactionalProducer(): Promise<TransactionalProducer> {
    throw this.#elsewhere()
  }

  async fence(): Promise<void> {
    throw this.#elsewhere()
  }

  async reader(): Promise<LogReader> {
    throw this.#elsewhere()
  }

  #elsewhere(): EuphorionError {
    const message = `the embedded log is open in process ${this.#pid}: only there are transactions`
    return new EuphorionError('CAPABILITY_MISSING', message, { place: { path: this.#root } })
  }

  async producer({ compression = 'none' }: ProducerOptions = {}): Promise<LogProducer> {
    await prepareCompression(compression)
    const producer: RemoteProducer = new RemoteProducer(this, compression, () =>
      this.#producers.delete(producer),
    )
    this.#producers.add(producer)
    return producer
  }

  async consumer(_options: ConsumerOptions): Promise<LogConsumer> {
    throw lockedError(this.#root, this.#pid)
  }

  read(
    topic: string,
    partition: number,
    offset: number,
    maxBytes = readBytesDefault,
  ): Promise<readonly StoredRecord[]> {
    return decodeFrom(offset, async (from) => {
      const { payload } = await this.request('read', { topic, partition, offset: from, maxBytes })
      return payload!
    })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#producers].map((producer) => producer.close()))
    this.#closed = true
    const client = await this.#client?.catch(() => undefined)
    client?.close()
  }
}

/** Appends of a partition, one after the other. */
interface Sending {
  last: Promise<unknown>
  /** Undefined until asked for, and after a failure: what became of the batch is unknown then. */
  producerId: number | undefined
  sequence: number
}

class RemoteProducer implements LogProducer {
  readonly #log: RemoteLog
  readonly #compression: Compression
  readonly #onClosed: () => void
  readonly #sending = new Map<string, Sending>()
  #pending = 0
  #closed = false

  constructor(log: RemoteLog, compression: Compression, onClosed: () => void) {
    this.#log = log
    this.#compression = compression
    this.#onClosed = onClosed
  }

  append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    const compression = this.#compression
    return this.#queue(topic, partition, () =>
      records.length === 0 ? undefined : encodeBatch(records, { compression }),
    )
  }

  async appendBatch(topic: string, partition: number, batch: Uint8Array): Promise<StoredBatch> {
    return { offset: await this.#queue(topic, partition, () => batch) }
  }

  /** `encode` gives no bytes where there is nothing to store. */
  async #queue(
    topic: string,
    partition: number,
    encode: () => Uint8Array | undefined,
  ): Promise<number> {
    if (this.#closed) throw new EuphorionError('LOG_FAILED', 'the producer was closed')
    if (this.#pending >= pendingAppendsMax)
      throw new EuphorionError('LOG_FAILED', `${this.#pending} appends wait; await some of them`)
    const name = `${topic}/${partition}`
    const sending = this.#sending.get(name) ?? {
      last: Promise.resolve(),
      producerId: undefined,
      sequence: 0,
    }
    this.#sending.set(name, sending)
    this.#pending++
    const stored = sending.last.then(() => this.#send(sending, topic, partition, encode()))
    sending.last = stored.catch(() => {})
    try {
      return await stored
    } finally {
      this.#pending--
    }
  }

  async #send(
    sending: Sending,
    topic: string,
    partition: number,
    payload: Uint8Array | undefined,
  ): Promise<number> {
    if (payload === undefined) {
      const { value } = await this.#log.request('offsets', { topic })
      return (value as PartitionOffsets[])[partition].latest
    }
    if (sending.producerId === undefined) {
      sending.producerId = (await this.#log.request('producerId', null)).value as number
      sending.sequence = 0
    }
    try {
      stampProducer(payload, sending.producerId, 0, sending.sequence)
      const { value } = await this.#log.request('append', { topic, partition }, { payload })
      sending.sequence = (sending.sequence + recordCountOf(payload)) % 2 ** 31
      return value as number
    } catch (error) {
      sending.producerId = undefined
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#sending.values()].map(({ last }) => last))
    this.#onClosed()
  }
}
