// Reads the topic that replies come by, from its end on, without a group. Owned by AskClient.
import { type Clock, pause } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { FetchResult, Log, LogReader } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import { decodeReply, type ReplyMessage } from '../stream/reply_message.ts'
import { decodeBatches } from '../wire/record_batch.ts'

export interface ReplyReaderOptions {
  readonly log: Log
  readonly topic: string
  readonly clock: Clock
  readonly logger: Logger
  /** Largest batch that is read. */
  readonly largestBatchBytes: number
  readonly onReply: (reply: ReplyMessage) => void
  /** It cannot go on, or some replies are lost. */
  readonly onFailed: (error: unknown) => void
}

const TARGET_BYTES = 256 * 1024
const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 5000

export class ReplyReader {
  readonly #options: ReplyReaderOptions
  readonly #stopping = new AbortController()
  #target = new Uint8Array(TARGET_BYTES)
  /** Records before it are older than this reader, or were read. */
  #position = 0
  #reader: LogReader | undefined
  #running: Promise<void> | undefined
  #failures = 0

  constructor(options: ReplyReaderOptions) {
    this.#options = options
  }

  /** Resolves when every reply from now on will be read. */
  async start(): Promise<void> {
    const { log, topic, logger } = this.#options
    const [{ latest }] = await log.offsets(topic)
    const reader = await log.reader({ maxBytes: TARGET_BYTES, logger })
    this.#position = latest
    reader.add(topic, 0, latest)
    this.#reader = reader
    this.#running = this.#run(reader)
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#reader?.close()
    await this.#running
  }

  async #run(reader: LogReader): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const result = await reader.fetch(this.#target, () => true, signal)
        if (result.kind === 'closed') return
        await this.#take(reader, result)
        this.#failures = 0
      } catch (error) {
        if (!(await this.#goesOn(reader, error))) return
      }
    }
  }

  async #take(reader: LogReader, result: FetchResult): Promise<void> {
    if (result.kind === 'batches') {
      for (const { offset, value } of decodeBatches(this.#target.subarray(0, result.bytes))) {
        if (offset < this.#position) continue
        this.#position = offset + 1
        const reply = decodeReply(value)
        if (reply !== undefined) this.#options.onReply(reply)
      }
    } else if (result.kind === 'too-small') {
      const { largestBatchBytes } = this.#options
      if (result.neededBytes <= largestBatchBytes) this.#target = new Uint8Array(result.neededBytes)
      else await this.#skip(reader, tooLarge(result.neededBytes))
    }
  }

  /** What is there now is lost. */
  async #skip(reader: LogReader, error: unknown): Promise<void> {
    const { log, topic, onFailed } = this.#options
    const [{ latest }] = await log.offsets(topic)
    this.#position = latest
    reader.add(topic, 0, latest)
    onFailed(error)
  }

  /** False where there is nothing more to read. */
  async #goesOn(reader: LogReader, error: unknown): Promise<boolean> {
    const { signal } = this.#stopping
    if (signal.aborted) return false
    const { topic, logger, clock, onFailed } = this.#options
    const code = error instanceof EuphorionError ? error.code : undefined
    try {
      if (code === 'OFFSET_OUT_OF_RANGE' || code === 'BATCH_CORRUPT') {
        await this.#skip(reader, error)
        return true
      }
    } catch {
      // asked again below
    }
    if (!(error instanceof EuphorionError) || !error.retriable) {
      onFailed(error)
      return false
    }
    if (this.#failures === 0) logger.warn({ topic, err: error }, 'replies cannot be read')
    const ms = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(this.#failures++, 10))
    await pause(clock, ms, signal)
    return !signal.aborted
  }
}

function tooLarge(bytes: number): EuphorionError {
  const message = `a batch of replies of ${bytes} bytes is larger than maxRecordBytes allows`
  return new EuphorionError('RECORD_TOO_LARGE', message)
}
