// Results of several partitions as one sequence in the order (start, key bytes). Called by
// table.ts.
import type { StateLayout } from '../kernel/state.ts'
import { Merged, type WindowState } from './cell.ts'

interface Head {
  readonly source: AsyncIterator<WindowState>
  value: WindowState
}

function compare(a: WindowState, b: WindowState): number {
  return (a.start ?? 0) - (b.start ?? 0) || Buffer.compare(a.key, b.key)
}

/** Restores the heap (smallest first) after its entry `at` has grown. */
function siftDown(heap: Head[], at: number): void {
  for (;;) {
    let least = at
    for (let child = 2 * at + 1; child <= 2 * at + 2 && child < heap.length; child++)
      if (compare(heap[child].value, heap[least].value) < 0) least = child
    if (least === at) return
    const moved = heap[at]
    heap[at] = heap[least]
    heap[least] = moved
    at = least
  }
}

/** The smallest head's value; its source moves on. */
async function take(heap: Head[]): Promise<WindowState> {
  const head = heap[0]
  const { value } = head
  const next = await head.source.next()
  if (next.done) {
    const last = heap.pop()!
    if (last !== head) heap[0] = last
  } else {
    head.value = next.value
  }
  siftDown(heap, 0)
  return value
}

/**
 * Merges sources that are each in order. What several of them hold of one key and window is one
 * result: its states are merged. Cost: one row of each source in memory, log2(sources) comparisons.
 */
export async function* mergeSources(
  layout: StateLayout,
  sources: readonly AsyncIterable<WindowState>[],
): AsyncGenerator<WindowState, void> {
  if (sources.length === 1) {
    yield* sources[0]
    return
  }
  const iterators = sources.map((source) => source[Symbol.asyncIterator]())
  const heap: Head[] = []
  try {
    for (const source of iterators) {
      const first = await source.next()
      if (!first.done) heap.push({ source, value: first.value })
    }
    for (let at = (heap.length >>> 1) - 1; at >= 0; at--) siftDown(heap, at)
    while (heap.length > 0) {
      const least = await take(heap)
      if (heap.length === 0 || compare(heap[0].value, least) !== 0) {
        yield least
        continue
      }
      const sum = new Merged(layout, least.state)
      while (heap.length > 0 && compare(heap[0].value, least) === 0)
        sum.add((await take(heap)).state)
      yield { ...least, state: sum.state }
    }
  } finally {
    for (const iterator of iterators) await iterator.return?.()
  }
}
