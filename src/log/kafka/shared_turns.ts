// A question that is under way once at a time: those who come meanwhile share the next one. Used by
// Cluster for metadata.
import { type Deferred, deferred } from '../../deferred.ts'

export class SharedTurns {
  readonly #ask: (names: ReadonlySet<string>) => Promise<void>
  /** Of the next turn. */
  #names = new Set<string>()
  #next: Deferred<void> | undefined
  #isRunning = false

  constructor(ask: (names: ReadonlySet<string>) => Promise<void>) {
    this.#ask = ask
  }

  /**
   * Settles as the first turn that begins after this call does: what is under way may be older than
   * what the caller has just learnt.
   */
  run(names: readonly string[]): Promise<void> {
    for (const name of names) this.#names.add(name)
    this.#next ??= deferred()
    const { promise } = this.#next
    if (!this.#isRunning) void this.#runAll()
    return promise
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true
    while (this.#next !== undefined) {
      const { resolve, reject } = this.#next
      const names = this.#names
      this.#next = undefined
      this.#names = new Set()
      await this.#ask(names).then(resolve, reject)
    }
    this.#isRunning = false
  }
}
