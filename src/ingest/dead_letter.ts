// What happens to a record that cannot be read: dead-letter, skip or stop. One per app; lanes and
// agents report to it, and a cut flushes it before offsets are committed.
import { EuphorionError } from '../errors.ts'
import type { LogHeader, LogRecord } from '../log/log.ts'
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
}

export interface DeadLetterOptions {
  readonly topic: string
  /** Partitions of the dead-letter topic. */
  readonly partitions: number
  readonly sender: Sender
  /** Records on their way to the topic; more wait. */
  readonly pendingMax?: number
}

const PENDING_MAX = 1000

/**
 * Sends bad records, bytes untouched, to the dead-letter topic: same partition number (modulo),
 * same timestamp, own headers kept, plus euphorion.reason, .topic, .partition, .offset and
 * .timestamp.
 */
export class DeadLetters {
  readonly topic: string
  readonly #options: DeadLetterOptions
  readonly #pendingMax: number
  readonly #pending = new Set<Promise<void>>()
  /** Offsets sent since the last cut, by partition. */
  readonly #sent = new Map<string, Set<number>>()
  #failure: unknown

  constructor(options: DeadLetterOptions) {
    this.topic = options.topic
    this.#options = options
    this.#pendingMax = options.pendingMax ?? PENDING_MAX
  }

  /** Forgets which records below that offset were sent: nobody reads them again. */
  forget(topic: string, partition: number, below: number): void {
    const sent = this.#sent.get(`${topic} ${partition}`)
    for (const offset of sent ?? []) if (offset < below) sent?.delete(offset)
  }

  /**
   * Takes copies. A record that several readers refuse is sent once. Waits while too many are on
   * their way; rejects once one could not be stored.
   */
  async add(bad: BadRecord): Promise<void> {
    if (!this.#isFirst(bad)) return
    while (this.#pending.size >= this.#pendingMax) await Promise.race(this.#pending)
    this.#throwFailure()
    const { sender, partitions } = this.#options
    const sent = sender.send(this.topic, bad.partition % partitions, deadLetter(bad)).then(
      () => undefined,
      (error: unknown) => {
        this.#failure ??= error
      },
    )
    this.#pending.add(sent)
    void sent.then(() => this.#pending.delete(sent))
  }

  /**
   * Resolves when all added are stored; rejects if one could not be (then nothing may be
   * committed).
   */
  async flush(): Promise<void> {
    await Promise.all(this.#pending)
    this.#throwFailure()
  }

  #isFirst({ topic, partition, offset }: BadRecord): boolean {
    const key = `${topic} ${partition}`
    let sent = this.#sent.get(key)
    if (sent === undefined) this.#sent.set(key, (sent = new Set()))
    if (sent.has(offset)) return false
    sent.add(offset)
    return true
  }

  #throwFailure(): void {
    if (this.#failure === undefined) return
    throw new EuphorionError('LOG_FAILED', `cannot write to dead-letter topic ${this.topic}`, {
      cause: this.#failure,
      place: { topic: this.topic },
    })
  }
}

function deadLetter(bad: BadRecord): LogRecord {
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
