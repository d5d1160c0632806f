// Where the values go that an agent's function yields: topics, agents, functions, and who asked.
// Called by agents.

/** A topic, an agent, or a function that is awaited for each value. */
export type Sink<R> = SinkTopic<R> | SinkFunction<R>['call']

/** A method, which the compiler lets take less than all values while it looks for what R is. */
interface SinkFunction<R> {
  call(value: R): unknown
}

/** The part of a topic that a sink needs. */
export interface SinkTopic<R> {
  send(message: { readonly value: R }): Promise<unknown>
}

/** Outputs on their way for one partition of an agent; more wait. */
const PENDING_MAX = 1000

/**
 * The outputs of one partition of an agent. An event counts as acknowledged only once what was
 * yielded for it is stored.
 */
export class Outputs<R> {
  readonly #sinks: readonly Sink<R>[]
  readonly #onFailed: (offset: number, error: unknown) => void
  /** Each output on its way, with the offset of its event. */
  readonly #pending = new Map<Promise<void>, number>()

  constructor(sinks: readonly Sink<R>[], onFailed: (offset: number, error: unknown) => void) {
    this.#sinks = sinks
    this.#onFailed = onFailed
  }

  /**
   * Waits for functions, and for room; rejects with what a function throws. `asker`: who asked for
   * the value, and gets it last.
   */
  async put(value: R, offset: number, asker?: SinkTopic<R>): Promise<void> {
    for (const sink of this.#sinks) {
      if (typeof sink === 'function') await sink(value)
      else await this.send(() => sink.send({ value }), offset)
    }
    if (asker !== undefined) await this.send(() => asker.send({ value }), offset)
  }

  /** Waits for room only. The event counts as acknowledged only once what is sent is stored. */
  async send(send: () => Promise<unknown>, offset: number): Promise<void> {
    while (this.#pending.size >= PENDING_MAX) await Promise.race(this.#pending.keys())
    const sent = send().then(
      () => void this.#pending.delete(sent),
      (error: unknown) => {
        // First the failure, so that acknowledged() never passes the offset in between.
        this.#onFailed(offset, error)
        this.#pending.delete(sent)
      },
    )
    this.#pending.set(sent, offset)
  }

  /** Smallest offset whose outputs are not all stored; Infinity where all are. */
  firstPending(): number {
    let first = Number.POSITIVE_INFINITY
    for (const offset of this.#pending.values()) if (offset < first) first = offset
    return first
  }

  /** Resolves when nothing is on its way. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending.keys())
  }
}
