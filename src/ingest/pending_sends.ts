// Records on their way to a topic that a cut has to wait for: a bounded number, and the first
// failure is kept for the flush. Used for dead letters and for late records.

const PENDING_MAX = 1000

export class PendingSends {
  readonly #max: number
  readonly #pending = new Set<Promise<void>>()
  #failed = false
  #failure: unknown

  constructor(max = PENDING_MAX) {
    this.#max = max
  }

  /** Waits while too many are on their way; rejects with what made an earlier one fail. */
  async add(send: () => Promise<unknown>): Promise<void> {
    while (this.#pending.size >= this.#max) await Promise.race(this.#pending)
    this.#throwFailure()
    const sent = send().then(
      () => undefined,
      (error: unknown) => {
        if (!this.#failed) this.#failure = error
        this.#failed = true
      },
    )
    this.#pending.add(sent)
    void sent.then(() => this.#pending.delete(sent))
  }

  /** Resolves when all added are stored; rejects if one could not be. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending)
    this.#throwFailure()
  }

  #throwFailure(): void {
    if (this.#failed) throw this.#failure
  }
}
