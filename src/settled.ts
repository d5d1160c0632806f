// Several promises awaited together. Used where what one of them works on must not go away under
// it.

/** Rejects like Promise.all, but not before every one of them is settled. */
export async function allSettled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results: T[] = []
  for (const each of await Promise.allSettled(promises)) {
    if (each.status === 'rejected') throw each.reason
    results.push(each.value)
  }
  return results
}
