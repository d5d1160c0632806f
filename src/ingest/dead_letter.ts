// What happens to a record that cannot be read: dead-letter, skip or stop. One per app; lanes and
// agents report to it, and a cut flushes it before offsets are committed.
import { type Clock, systemClock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { LogHeader, LogRecord } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import { PendingSends } from './pending_sends.ts'
import { type RowSink, rowOf } from './rows.ts'
import type { Sender } from './sender.ts'

export interface BadRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly LogHeader[]
  /** A word or two: 'invalid-json'. */
  readonly reason: string
  /** What an agent's function threw on it. */
  readonly failure?: HandlerFailure
}

export interface HandlerFailure {
  readonly agent: string
  /** The code of the error, or its name. */
  readonly error: string
  readonly message: string
  /** Times that the event was handed out. */
  readonly attempts: number
}

export interface DeadLetterOptions {
  readonly topic: string
  /** Partitions of the dead-letter topic. */
  readonly partitions: number
  readonly sender: Sender
  readonly clock?: Clock
}

/** Records of a partition that were sent, for metrics. */
export interface DeadLetterCount {
  readonly topic: string
  readonly partition: number
  records: number
}

/** Offsets of a partition that are remembered; readers of it are never so far apart. */
const SENT_MAX = 100_000

/**
 * Sends bad records, bytes untouched, to the dead-letter topic: same partition number (modulo),
 * same timestamp unless it lies in the future (a broker may refuse that), own headers kept, plus
 * euphorion.reason, .topic, .partition, .offset and .timestamp; also .agent, .error, .message and
 * .attempts where an agent has failed on it.
 */
export class DeadLetters {
  readonly topic: string
  readonly #options: DeadLetterOptions
  readonly #pending = new PendingSends()
  /** Those that go elsewhere than to the sender. */
  readonly #diverted = new PendingSends()
  /** Offsets sent since the last cut, by partition. */
  readonly #sent = new Map<string, Set<number>>()
  readonly #added = new Map<string, DeadLetterCount>()

  constructor(options: DeadLetterOptions) {
    this.topic = options.topic
    this.#options = options
  }

  /** By the partitions that they came from. */
  added(): Iterable<DeadLetterCount> {
    return this.#added.values()
  }

  /** Forgets which records below that offset were sent: nobody reads them again. */
  forget(topic: string, partition: number, below: number): void {
    const sent = this.#sent.get(partitionKey({ topic, partition }))
    for (const offset of sent ?? []) if (offset < below) sent?.delete(offset)
  }

  /**
   * Takes copies. A record that several readers refuse is sent once; one that agents fail on, for
   * each of them. Waits while too many are on
   * their way; rejects once one could not be stored. `to`: elsewhere than the sender does.
   */
  async add(bad: BadRecord, to?: RowSink): Promise<void> {
    if (bad.failure === undefined && !this.#isFirst(bad)) return
    this.#countAdded(bad)
    const { sender, partitions, clock = systemClock } = this.#options
    const record = rejectedRecord(bad)
    const letter = { ...record, timestamp: Math.min(record.timestamp, clock.now()) }
    const bytes = (letter.key?.length ?? 0) + (letter.value?.length ?? 0)
    const partition = bad.partition % partitions
    // Bounded here: what the program sends may not crowd them out.
    const send = () =>
      to?.storeRow(this.topic, rowOf(letter, partition)) ??
      sender.send(this.topic, partition, letter, Infinity)
    const pending = to === undefined ? this.#pending : this.#diverted
    await pending.add(bytes, send).catch((error) => this.#fail(error))
  }

  /** The partition is read from its last cut again, and what was sent since counts nowhere. */
  reopened(topic: string, partition: number): void {
    this.#sent.delete(partitionKey({ topic, partition }))
  }

  /**
   * Resolves when all added are stored; rejects if one could not be (then nothing may be
   * committed).
   */
  async flush(): Promise<void> {
    await this.#pending.flush().catch((error) => this.#fail(error))
    await this.flushDiverted()
  }

  /** The same of those that do not go to the sender, which a cut may have made wait for itself. */
  async flushDiverted(): Promise<void> {
    await this.#diverted.flush().catch((error) => this.#fail(error))
  }

  #countAdded({ topic, partition }: BadRecord): void {
    const key = partitionKey({ topic, partition })
    const count = this.#added.get(key)
    if (count === undefined) this.#added.set(key, { topic, partition, records: 1 })
    else count.records++
  }

  #isFirst({ topic, partition, offset }: BadRecord): boolean {
    const key = partitionKey({ topic, partition })
    let sent = this.#sent.get(key)
    if (sent === undefined) this.#sent.set(key, (sent = new Set()))
    if (sent.has(offset)) return false
    sent.add(offset)
    // A reader that has stopped holds the group's offset while others go on.
    if (sent.size > SENT_MAX) sent.delete(sent.values().next().value!)
    return true
  }

  #fail(cause: unknown): never {
    throw new EuphorionError('LOG_FAILED', `cannot write to dead-letter topic ${this.topic}`, {
      cause,
      place: { topic: this.topic },
    })
  }
}

/** The record as it was, with why and where it was rejected in its headers. */
export function rejectedRecord(
  bad: BadRecord,
): LogRecord & { readonly headers: readonly LogHeader[] } {
  const header = (name: string, value: string | number): LogHeader => ({
    key: `euphorion.${name}`,
    value: Buffer.from(String(value)),
  })
  return {
    key: copy(bad.key),
    value: copy(bad.value),
    timestamp: bad.timestamp,
    headers: [
      ...(bad.headers ?? []).map(({ key, value }) => ({ key, value: copy(value) })),
      header('reason', bad.reason),
      header('topic', bad.topic),
      header('partition', bad.partition),
      header('offset', bad.offset),
      header('timestamp', bad.timestamp),
      ...Object.entries(bad.failure ?? {}).map(([name, value]) => header(name, value)),
    ],
  }
}

/** Not slice(): a Buffer's shares its memory. */
function copy(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes)
}

/** The error of policy 'stop'. */
export function badRecordError(bad: BadRecord): EuphorionError {
  const { topic, partition, offset } = bad
  return new EuphorionError('RECORD_BAD', `a record cannot be read: ${bad.reason}`, {
    place: { topic, partition, offset },
  })
}
