// The transaction of a worker: everything between two cuts that has to count together, in one after
// the other. Cuts append changelogs and commit; under exactly_once what the running app sends goes
// through it too, and waits while a cut commits. Made by the engine.
//
//   sends ──(gate)──┐
//                   ├─▶ TransactionalProducer ─▶ offsets ─▶ commit
//   cuts ───────────┘
import assert from 'node:assert'
import { type Deferred, deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import { isRefusedAlone } from '../log/failures.ts'
import type {
  Log,
  LogConsumer,
  LogProducer,
  StartPosition,
  StoredBatch,
  TransactionalProducer,
} from '../log/log.ts'
import type { Logger } from '../logger.ts'

export interface TransactionsOptions {
  readonly log: Log
  readonly logger: Logger
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  /** What was sent since the last commit is lost: a cut should find out soon. */
  readonly broken: () => void
}

interface Refusal {
  readonly error: EuphorionError
  /** Those whose senders have not all gone back. */
  aborts: number
  /** Resolved when there is none of them. */
  readonly over: Deferred<void>
}

export class Transactions {
  readonly #options: TransactionsOptions
  #producer: Promise<TransactionalProducer> | undefined
  /** The one that `#producer` has made. */
  #made: TransactionalProducer | undefined
  /** While it is there, sends wait for it. */
  #gate: Deferred<void> | undefined
  /** While it is there, sends are refused. */
  #refusal: Refusal | undefined
  /** So far: what was begun before the last one and fails is not of this transaction. */
  #aborts = 0
  #underWay = 0
  #whenNone: (() => void) | undefined
  /** What an append has failed of since the last end. */
  #failure: unknown
  /** It may have been committed, or another has the id: the producer is of no use any more. */
  #isDoubtful = false
  /** What the app sends. */
  readonly sends: LogProducer
  /** What cuts append. */
  readonly own: LogProducer

  constructor(options: TransactionsOptions) {
    this.#options = options
    this.own = this.#port((append) => this.#append(append))
    this.sends = this.#port((append) => this.#send(append))
  }

  get id(): string {
    return this.#options.transactionalId
  }

  /** Something was appended since the last end. */
  get isOpen(): boolean {
    return this.#failure !== undefined || this.#made?.isOpen === true
  }

  /** Makes the producer, which fences one of the same id that came before. */
  async start(): Promise<void> {
    await this.#ready()
  }

  /** Sends wait from now on; resolves when none is under way. */
  async closeGate(): Promise<void> {
    assert(this.#gate === undefined, 'the gate is closed already')
    this.#gate = deferred()
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#whenNone = resolve))
  }

  /** Sends go on, in the next transaction; those that are refused stay so. */
  openGate(): void {
    this.#gate?.resolve()
    this.#gate = undefined
  }

  /** Throws what an append has failed of. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Everything so far counts, with the offsets. When it rejects, `abort` must follow. */
  async commit(consumer: LogConsumer, offsets: readonly StartPosition[]): Promise<void> {
    this.check()
    const producer = await this.#ready()
    try {
      if (offsets.length > 0) await producer.commitOffsets(consumer, offsets)
      await producer.commit()
    } catch (error) {
      this.#failure = error
      this.#isDoubtful = codeOf(error) !== 'TRANSACTION_ABORTED'
      throw error
    }
  }

  /**
   * Nothing since the last commit counts, and sends are refused until allowSends(): who sent them
   * has to go back first, and other cuts may be made meanwhile. Never rejects: a producer that
   * cannot abort is replaced, which aborts what it has left open.
   */
  async abort(reason: unknown): Promise<void> {
    this.#aborts++
    const message = 'the cut could not be committed'
    const error = new EuphorionError('TRANSACTION_ABORTED', message, { cause: reason })
    const { aborts, over } = this.#refusal ?? { aborts: 0, over: deferred() }
    this.#refusal = { error, aborts: aborts + 1, over }
    this.openGate()
    this.#failure = undefined
    const producer = this.#made
    if (producer === undefined) return
    const mustReplace = this.#isDoubtful || codeOf(reason) === 'FENCED'
    this.#isDoubtful = false
    try {
      if (mustReplace) await this.#replace()
      else await producer.abort()
    } catch {
      await this.#replace().catch((error: unknown) => {
        this.#options.logger.warn({ err: error }, 'a transaction is left to the log to abort')
      })
    }
  }

  /** Once for each abort: who sent what does not count has gone back. Resolves when all have. */
  async allowSends(): Promise<void> {
    const refusal = this.#refusal
    assert(refusal !== undefined, 'sends are allowed already')
    if (--refusal.aborts > 0) return refusal.over.promise
    this.#refusal = undefined
    refusal.over.resolve()
  }

  async close(): Promise<void> {
    this.openGate()
    const producer = await this.#producer?.catch(() => undefined)
    await producer?.close()
  }

  #ready(): Promise<TransactionalProducer> {
    if (this.#producer === undefined) {
      const { log, transactionalId, transactionTimeoutMs } = this.#options
      const making = log.transactionalProducer({ transactionalId, transactionTimeoutMs })
      this.#producer = making
      making.then(
        (made) => {
          this.#made = made
        },
        () => {
          this.#producer = undefined
        },
      )
    }
    return this.#producer
  }

  async #replace(): Promise<void> {
    const old = this.#made
    this.#made = undefined
    this.#producer = undefined
    await old?.close().catch(() => undefined)
    await this.#ready()
  }

  #port(
    run: <T>(append: (producer: TransactionalProducer) => Promise<T>) => Promise<T>,
  ): LogProducer {
    return {
      append: (topic, partition, records) =>
        run((producer) => producer.append(topic, partition, records)),
      appendBatch: (topic, partition, batch): Promise<StoredBatch> =>
        run((producer) => producer.appendBatch(topic, partition, batch)),
      close: async () => undefined,
    }
  }

  async #send<T>(append: (producer: TransactionalProducer) => Promise<T>): Promise<T> {
    while (this.#gate !== undefined) await this.#gate.promise
    if (this.#refusal !== undefined) throw this.#refusal.error
    this.#underWay++
    const aborts = this.#aborts
    try {
      return await this.#append(append)
    } catch (error) {
      if (this.#failure === undefined && aborts === this.#aborts) throw error
      const message = 'what was sent since the last cut does not count'
      throw new EuphorionError('TRANSACTION_ABORTED', message, { cause: error })
    } finally {
      if (--this.#underWay === 0) this.#whenNone?.()
    }
  }

  async #append<T>(append: (producer: TransactionalProducer) => Promise<T>): Promise<T> {
    this.check()
    const producer = this.#made ?? (await this.#ready())
    const aborts = this.#aborts
    try {
      return await append(producer)
    } catch (error) {
      const isPast = aborts !== this.#aborts
      if (!isRefusedAlone(error) && !isPast && this.#failure === undefined) {
        this.#failure = error
        this.#options.broken()
      }
      throw error
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof EuphorionError ? error.code : ''
}
