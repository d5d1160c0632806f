// What the processes of the long test of agents tell their parent. Used by asking_worker.ts and
// asking_client.ts; asking_process.ts hears it.

export type AskingNews =
  /** An unhandled rejection, or an error in the log. */
  | { readonly kind: 'trouble'; readonly text: string }
  /** Partitions came or went; `isComplete`: all that came are open. Wall clock. */
  | { readonly kind: 'moved'; readonly atMs: number; readonly isComplete: boolean }
  | { readonly kind: 'memory'; readonly residentBytes: number; readonly heapBytes: number }
  /** The first question has been answered by each agent. */
  | { readonly kind: 'asking' }
  | { readonly kind: 'figures'; readonly figures: AskingFigures }

/** What the client has seen, once all its questions are answered. */
export interface AskingFigures {
  readonly asked: number
  readonly right: number
  readonly wrong: number
  /** Calls that were rejected, by code. */
  readonly rejected: Readonly<Record<string, number>>
  /** Replies that nobody waited for: those of requests that were handled once more. */
  readonly unclaimed: number
  /** From when a question was due to its answer; outside of rebalances, and in them. */
  readonly quiet: Latencies
  readonly moving: Latencies
}

export interface Latencies {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Wall clock. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** Says so to the parent, also what nobody has caught; ends with it. */
export function tellParent(): (news: AskingNews) => void {
  const tell = (news: AskingNews): void => {
    if (process.connected) process.send?.(news)
  }
  process.on('unhandledRejection', (error) => {
    const text = error instanceof Error ? error.stack : String(error)
    tell({ kind: 'trouble', text: `unhandled: ${text}` })
  })
  process.once('disconnect', () => process.exit())
  return tell
}

const MEMORY_MS = 1000

/** Tells the parent each second what memory the process has, until it is called. */
export function tellMemory(tell: (news: AskingNews) => void): () => void {
  const sample = (): void => {
    const { rss, heapUsed } = process.memoryUsage()
    tell({ kind: 'memory', residentBytes: rss, heapBytes: heapUsed })
  }
  sample()
  const timer = setInterval(sample, MEMORY_MS)
  return () => clearInterval(timer)
}
