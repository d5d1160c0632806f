// Abort signals that many tasks share: one listener for each signal, however many tasks wait for
// it, so that Node does not suspect a leak. Used by pool.ts.

interface Watched {
  readonly calls: Set<() => void>
  readonly listener: () => void
}

export class Signals {
  /** Only signals that a task waits for. */
  readonly #watched = new Map<AbortSignal, Watched>()

  /** Calls when the signal is aborted, unless the returned function was called before. */
  watch(signal: AbortSignal, call: () => void): () => void {
    const { calls } = this.#watched.get(signal) ?? this.#listen(signal)
    calls.add(call)
    return () => {
      if (calls.delete(call) && calls.size === 0) this.#forget(signal)
    }
  }

  #listen(signal: AbortSignal): Watched {
    const calls = new Set<() => void>()
    const listener = (): void => {
      this.#forget(signal)
      for (const call of calls) call()
    }
    const watched = { calls, listener }
    this.#watched.set(signal, watched)
    signal.addEventListener('abort', listener)
    return watched
  }

  #forget(signal: AbortSignal): void {
    const watched = this.#watched.get(signal)
    if (watched === undefined) return
    this.#watched.delete(signal)
    signal.removeEventListener('abort', watched.listener)
  }
}
