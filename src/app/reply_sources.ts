// The two ways to read a topic of replies: by a reader of the log, which waits for what comes, or,
// where the driver has none, by looking again and again. Used by ReplyReader.
import { type Clock, pause } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { Log, LogReader, StoredRecord } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import { decodeBatches } from '../wire/record_batch.ts'

export interface ReplySource {
  /** The next records, some of which may be older than what was sought; undefined: closed. */
  next(signal: AbortSignal): Promise<readonly StoredRecord[] | undefined>
  /** Goes on from there. */
  seek(offset: number): void
  close(): Promise<void>
}

export interface SourceOptions {
  readonly log: Log
  readonly topic: string
  readonly clock: Clock
  readonly logger: Logger
  /** Largest batch that is read. */
  readonly largestBatchBytes: number
}

const TARGET_BYTES = 256 * 1024
/** Between two looks. */
const LOOK_MS = 10

export async function openReplies(options: SourceOptions): Promise<ReplySource> {
  const { log, logger } = options
  try {
    return new Fetched(await log.reader({ maxBytes: TARGET_BYTES, logger }), options)
  } catch (error) {
    if (!(error instanceof EuphorionError) || error.code !== 'CAPABILITY_MISSING') throw error
    return new Polled(options)
  }
}

class Fetched implements ReplySource {
  readonly #reader: LogReader
  readonly #options: SourceOptions
  #target = new Uint8Array(TARGET_BYTES)

  constructor(reader: LogReader, options: SourceOptions) {
    this.#reader = reader
    this.#options = options
  }

  seek(offset: number): void {
    this.#reader.add(this.#options.topic, 0, offset)
  }

  async next(signal: AbortSignal): Promise<readonly StoredRecord[] | undefined> {
    const result = await this.#reader.fetch(this.#target, () => true, signal)
    if (result.kind === 'closed') return undefined
    if (result.kind === 'batches') return decodeBatches(this.#target.subarray(0, result.bytes))
    const { neededBytes } = result
    if (neededBytes > this.#options.largestBatchBytes) throw tooLarge(neededBytes)
    this.#target = new Uint8Array(neededBytes)
    return []
  }

  close(): Promise<void> {
    return this.#reader.close()
  }
}

class Polled implements ReplySource {
  readonly #options: SourceOptions
  #position = 0

  constructor(options: SourceOptions) {
    this.#options = options
  }

  seek(offset: number): void {
    this.#position = offset
  }

  async next(signal: AbortSignal): Promise<readonly StoredRecord[] | undefined> {
    const { log, topic, clock } = this.#options
    const records = await log.read(topic, 0, this.#position)
    if (records.length === 0) await pause(clock, LOOK_MS, signal)
    else this.#position = records[records.length - 1].offset + 1
    return signal.aborted ? undefined : records
  }

  async close(): Promise<void> {}
}

function tooLarge(bytes: number): EuphorionError {
  const message = `a batch of replies of ${bytes} bytes is larger than maxRecordBytes allows`
  return new EuphorionError('RECORD_TOO_LARGE', message)
}
