// The part of an app that asks agents: its topic of replies, who waits, and what comes. Made with
// the first ask, or by startClient(); an app has one at a time, whether it runs or not.
import type { Clock, Random } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { RowSink } from '../ingest/rows.ts'
import type { Logger } from '../logger.ts'
import type { Settings } from '../settings.ts'
import type { ReplyMessage } from '../stream/reply_message.ts'
import type { AskLimits, AskPort, SendRequest } from '../stream/request.ts'
import type { Connection } from './connection.ts'
import { ReplyReader } from './reply_reader.ts'
import { type ReplyStatistics, ReplyWaiters } from './reply_waiters.ts'
import { ensureTopics } from './topics.ts'

export interface AskClientOptions {
  readonly connection: Connection
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** The way of requests. */
  readonly requests: RowSink
}

export class AskClient implements AskPort {
  readonly #options: AskClientOptions
  readonly #waiters: ReplyWaiters
  readonly #topic: string
  #opening: Promise<ReplyReader> | undefined
  #isOpen = false
  #isClosed = false

  constructor(options: AskClientOptions) {
    const { settings, clock, random } = options
    const id = idOf(random)
    this.#options = options
    this.#topic = settings.replyTo ?? `${settings.replyToPrefix}${id}`
    this.#waiters = new ReplyWaiters({
      clock,
      waitersMax: settings.replyWaitersMax,
      timeoutMs: settings.replyTimeoutMs,
      prefix: id,
    })
  }

  get statistics(): ReplyStatistics {
    return this.#waiters.statistics
  }

  /** Rejects with TOPIC_UNKNOWN where createTopics is off and the topic of replies is missing. */
  async open(): Promise<void> {
    if (this.#isClosed) throw stopped()
    this.#opening ??= this.#open()
    await this.#opening
  }

  async ask(send: SendRequest, limits: AskLimits): Promise<ReplyMessage> {
    const waiter = this.#waiters.add(limits)
    const { correlationId, refuse } = waiter
    const request = (): void => {
      if (waiter.isOver) return
      send({ replyTo: this.#topic, correlationId }, this.#options.requests).catch(refuse)
    }
    if (this.#isOpen) request()
    else this.open().then(request, refuse)
    return waiter.promise
  }

  room(): Promise<void> {
    return this.#waiters.room()
  }

  /** Whoever waits hears that the app was stopped. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#isOpen = false
    const isAnswered = this.#waiters.statistics.waiting === 0
    this.#waiters.refuseAll(stopped())
    const reader = await this.#opening?.catch(() => undefined)
    await reader?.close()
    const { settings, connection, logger } = this.#options
    if (reader === undefined || !isAnswered || settings.replyTo !== undefined) return
    await connection.log.deleteTopic(this.#topic).catch((error: unknown) => {
      logger.debug({ topic: this.#topic, err: error }, 'the topic of replies is left to expire')
    })
  }

  async #open(): Promise<ReplyReader> {
    const { connection, settings, clock, logger } = this.#options
    const topic = this.#topic
    try {
      const config = { cleanup: 'delete', retentionMs: settings.replyExpiresMs } as const
      await ensureTopics(connection.log, [{ name: topic, partitions: 1, config }], {
        create: settings.createTopics,
        partitions: 1,
      })
      const reader = new ReplyReader({
        log: connection.log,
        topic,
        clock,
        logger,
        largestBatchBytes: settings.maxRecordBytes,
        onReply: (reply) => this.#waiters.answer(reply),
        onFailed: (error, isOver) => this.#failed(error, isOver),
      })
      await reader.start()
      this.#isOpen = !this.#isClosed
      return reader
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /** Replies are lost; the next call opens it anew where it has ended. */
  #failed(error: unknown, isOver: boolean): void {
    const { logger } = this.#options
    logger.error({ topic: this.#topic, err: error }, 'replies are lost')
    this.#waiters.refuseAll(error)
    if (!isOver || this.#isClosed) return
    const opening = this.#opening
    this.#opening = undefined
    this.#isOpen = false
    void opening?.then((reader) => reader.close())
  }
}

function stopped(): EuphorionError {
  return new EuphorionError('ASK_CANCELLED', 'the app was stopped')
}

/** 96 random bits. */
function idOf(random: Random): string {
  const part = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  return `${part()}${part()}${part()}`
}
