// Batches on their way through a kernel, in order: while it runs on one, the next is made ready,
// and the loop's body has the one before. Made by Stream.mapBatch().
//
//   take ──▶ prepared ──▶ runs, `concurrency` at most ──▶ in the loop's hands ──▶ acknowledged
import { EuphorionError } from '../errors.ts'
import type { Batch, BatchLimits } from './agent_records.ts'
import type { StreamSource } from './stream_source.ts'

/** A batch, and what the kernel made of it. */
export interface MappedBatch<Of, Out> {
  readonly batch: Of
  readonly result: Out
}

export interface MappedBatchesOptions<K, V, Out> {
  readonly source: StreamSource<K, V>
  readonly limits: BatchLimits
  readonly concurrency: number
  readonly run: (batch: Batch<K, V>, signal: AbortSignal) => Promise<Out>
}

type Mapped<K, V, Out> = MappedBatch<Batch<K, V>, Out>

const done = { done: true, value: undefined } as const

export class MappedBatches<K, V, Out> implements AsyncIterableIterator<Mapped<K, V, Out>> {
  readonly #options: MappedBatchesOptions<K, V, Out>
  /** Oldest first; what nobody has waited for yet may have failed. */
  readonly #runs: { readonly batch: Batch<K, V>; readonly result: Promise<Out> }[] = []
  #prepared: Batch<K, V> | undefined
  #taking: Promise<void> | undefined
  /** Aborted when the loop is left, or nothing more is to be taken. */
  readonly #leaving = new AbortController()
  readonly #left: Promise<void>
  #isAsked = false
  /** No more can be taken. */
  #hasEnded = false
  #failure: { readonly error: unknown } | undefined

  constructor(options: MappedBatchesOptions<K, V, Out>) {
    this.#options = options
    const { signal } = this.#leaving
    this.#left = new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    options.source.ending.addEventListener('abort', () => this.#leaving.abort(), { signal })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Acknowledges what the loop had. Rejects with what the kernel says of the next batch. */
  async next(): Promise<IteratorResult<Mapped<K, V, Out>, undefined>> {
    if (this.#isAsked) {
      const message = 'next() of a stream was called again before it had answered'
      throw new EuphorionError('APP_INVALID', message)
    }
    if (this.#leaving.signal.aborted) return this.#leave()
    this.#isAsked = true
    try {
      this.#options.source.release()
      return await this.#next()
    } catch (error) {
      const wasLeft = this.#leaving.signal.aborted
      this.#leave()
      if (wasLeft) return done
      throw error
    } finally {
      this.#isAsked = false
    }
  }

  /** What was taken and not handed out is there again for who asks next. */
  async return(): Promise<IteratorResult<Mapped<K, V, Out>, undefined>> {
    return this.#leave()
  }

  async #next(): Promise<IteratorResult<Mapped<K, V, Out>, undefined>> {
    this.#advance()
    while (this.#runs.length === 0 && !this.#hasEnded) await this.#taking
    const [run] = this.#runs
    if (run === undefined && this.#failure !== undefined) throw this.#failure.error
    if (run === undefined) return this.#leave()
    const result = await Promise.race([run.result, this.#left])
    const { source } = this.#options
    for (let paused = source.paused(); paused !== undefined; paused = source.paused()) {
      if (this.#leaving.signal.aborted) break
      await Promise.race([paused, this.#left])
    }
    if (this.#leaving.signal.aborted) return this.#leave()
    this.#runs.shift()
    source.hand()
    this.#advance()
    return { done: false, value: { batch: run.batch, result: result as Out } }
  }

  /** Starts what may run, and takes one batch ahead of it. */
  #advance(): void {
    const { concurrency, run } = this.#options
    if (this.#leaving.signal.aborted) return
    if (this.#prepared !== undefined && this.#runs.length < concurrency) {
      const batch = this.#prepared
      this.#prepared = undefined
      const result = run(batch, this.#leaving.signal)
      result.catch(() => undefined)
      this.#runs.push({ batch, result })
    }
    if (this.#prepared === undefined && !this.#hasEnded)
      this.#taking ??= this.#take().catch((error: unknown) => {
        this.#failure = { error }
        this.#hasEnded = true
      })
  }

  async #take(): Promise<void> {
    const { source, limits } = this.#options
    const taken = await source.takeAhead(limits)
    this.#taking = undefined
    if (taken.done) this.#hasEnded = true
    else if (this.#leaving.signal.aborted) source.giveBack()
    else {
      this.#prepared = taken.value
      this.#advance()
    }
  }

  #leave() {
    this.#leaving.abort()
    this.#hasEnded = true
    this.#runs.length = 0
    this.#prepared = undefined
    this.#options.source.giveBack()
    return done
  }
}
