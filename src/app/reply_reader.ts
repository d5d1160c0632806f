// Reads the topic that replies come by, from its end on, without a group. Owned by AskClient.
import { pause } from '../clock.ts'
import { type ErrorCode, EuphorionError } from '../errors.ts'
import { decodeReply, type ReplyMessage } from '../stream/reply_message.ts'
import { openReplies, type ReplySource, type SourceOptions } from './reply_sources.ts'

export interface ReplyReaderOptions extends SourceOptions {
  readonly onReply: (reply: ReplyMessage) => void
  /** Some replies are lost; `isOver`: there will be no more. */
  readonly onFailed: (error: unknown, isOver: boolean) => void
}

const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 5000

/** What is passed over: the reader goes on at the topic's end. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'OFFSET_OUT_OF_RANGE',
  'BATCH_CORRUPT',
  'RECORD_TOO_LARGE',
])

export class ReplyReader {
  readonly #options: ReplyReaderOptions
  readonly #stopping = new AbortController()
  /** Records before it are older than this reader, or were read. */
  #position = 0
  #source: ReplySource | undefined
  #running: Promise<void> | undefined
  #failures = 0

  constructor(options: ReplyReaderOptions) {
    this.#options = options
  }

  /** Resolves when every reply from now on will be read. */
  async start(): Promise<void> {
    const source = await openReplies(this.#options)
    this.#source = source
    await this.#toEnd(source)
    this.#running = this.#run(source)
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#source?.close()
    await this.#running
  }

  async #toEnd(source: ReplySource): Promise<void> {
    const { log, topic } = this.#options
    const [{ latest }] = await log.offsets(topic)
    this.#position = latest
    source.seek(latest)
  }

  async #run(source: ReplySource): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const records = await source.next(signal)
        if (records === undefined) return
        for (const { offset, value } of records) {
          if (offset < this.#position) continue
          this.#position = offset + 1
          const reply = decodeReply(value)
          if (reply !== undefined) this.#options.onReply(reply)
        }
        this.#failures = 0
      } catch (error) {
        if (!(await this.#goesOn(source, error))) return
      }
    }
  }

  /** False where there is nothing more to read. */
  async #goesOn(source: ReplySource, error: unknown): Promise<boolean> {
    const { signal } = this.#stopping
    const { topic, logger, clock, onFailed } = this.#options
    const isCoded = error instanceof EuphorionError
    let isPassed = isCoded && passing.has(error.code)
    if (signal.aborted) return false
    if (isPassed)
      isPassed = await this.#toEnd(source).then(
        () => true,
        () => false,
      )
    const isOver = !isPassed && !(isCoded && (error.retriable || passing.has(error.code)))
    if (isPassed || isOver) onFailed(error, isOver)
    if (isPassed || isOver) return isPassed
    if (this.#failures === 0) logger.warn({ topic, err: error }, 'replies cannot be read')
    const ms = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(this.#failures++, 10))
    await pause(clock, ms, signal)
    return !signal.aborted
  }
}
