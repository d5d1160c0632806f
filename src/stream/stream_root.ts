// The beginning of a chain of operators, as those behind it know it: an agent's partition, a
// channel, an iterable, or several of them. Made by each kind of stream.
import type { Clock } from '../clock.ts'

export interface StreamRoot {
  readonly clock: Clock
  /** Bytes of the records are kept, for rawOf(). */
  wantRaw(): void
  /** Loops over the stream end, with the error where there is one. */
  interrupt(failure: { readonly error: unknown } | undefined): void
}

export function rootOfAll(roots: readonly StreamRoot[]): StreamRoot {
  return {
    clock: roots[0].clock,
    wantRaw() {
      for (const root of roots) root.wantRaw()
    },
    interrupt(failure) {
      for (const root of roots) root.interrupt(failure)
    },
  }
}
