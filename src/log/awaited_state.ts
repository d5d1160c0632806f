// Waits for a state that callbacks bring about. Used by consumers whose subscription changes.

export class AwaitedState {
  #waiting: { readonly isReached: () => boolean; readonly resolve: () => void }[] = []

  /** Resolves once `isReached` is true, which is looked at after each change(). */
  until(isReached: () => boolean): Promise<void> {
    if (isReached()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ isReached, resolve }))
  }

  changed(): void {
    const waiting = this.#waiting
    this.#waiting = waiting.filter(({ isReached }) => !isReached())
    for (const each of waiting) if (!this.#waiting.includes(each)) each.resolve()
  }
}
