// Records on their way to a topic that a cut has to wait for: a bounded number of bounded size, and
// the first failure is kept for the flush. Used for dead letters and for late records.

const PENDING_MAX = 1000
const PENDING_BYTES_MAX = 16 * 1024 ** 2

export class PendingSends {
  readonly #max: number
  readonly #bytesMax: number
  readonly #pending = new Set<Promise<void>>()
  #bytes = 0
  #waiting: (() => void)[] = []
  #failed = false
  #failure: unknown

  constructor(max = PENDING_MAX, bytesMax = PENDING_BYTES_MAX) {
    this.#max = max
    this.#bytesMax = bytesMax
  }

  /**
   * Waits while too many, or too many bytes, are on their way; rejects with what made an earlier
   * one fail.
   */
  async add(bytes: number, send: () => Promise<unknown>): Promise<void> {
    while (this.#isFull(bytes)) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.#failed) throw this.#failure
    this.#bytes += bytes
    const sent = send().then(
      () => undefined,
      (error: unknown) => {
        if (!this.#failed) this.#failure = error
        this.#failed = true
      },
    )
    this.#pending.add(sent)
    void sent.then(() => {
      this.#pending.delete(sent)
      this.#bytes -= bytes
      for (const resolve of this.#waiting.splice(0)) resolve()
    })
  }

  /** Resolves when all added are stored; rejects, once, if one could not be. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending)
    const [hasFailed, failure] = [this.#failed, this.#failure]
    this.#failed = false
    this.#failure = undefined
    if (hasFailed) throw failure
  }

  /** One record alone may be larger. */
  #isFull(bytes: number): boolean {
    const { size } = this.#pending
    return size >= this.#max || (size > 0 && this.#bytes + bytes > this.#bytesMax)
  }
}
