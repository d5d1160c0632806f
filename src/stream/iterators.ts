// Iterators of the user's, of either kind. Used by operators and streams over iterables.

export type Values<T> = Iterable<T> | AsyncIterable<T>

export function iteratorOf<T>(values: Values<T>): Iterator<T> | AsyncIterator<T> {
  if (Symbol.asyncIterator in values) return values[Symbol.asyncIterator]()
  return values[Symbol.iterator]()
}

/** Whoever left does not wait for it, and has no use for how it ends. */
export function leave(iterator: Iterator<unknown> | AsyncIterator<unknown>): void {
  void Promise.resolve()
    .then(() => iterator.return?.())
    .catch(() => undefined)
}
