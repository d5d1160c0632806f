// From what the processes of a copying group said: how long partitions stood still while they were
// held, and how long they lay idle between two owners. Used by tests of rebalances.
import type { CopyLife, Span } from './copy_life.ts'
import { partitionsOf } from './copy_life.ts'
import type { CopyLine } from './copy_worker.ts'

/** A partition that was not taken away stood still. */
export interface Pause extends Span {
  readonly life: number
  readonly partition: number
  readonly ms: number
  /** Something moved in the group then. */
  readonly isInRebalance: boolean
}

const MOVES = ['partitions assigned', 'partitions revoked', 'partitions lost', 'joined the group']
/** Before and after what a rebalance is heard of. */
const AROUND_MS = 1000

type LogLine = CopyLine & { readonly kind: 'log' }

/** Longest first; without those of a process that was itself stopped or blocked. */
export function pausesOf(lives: readonly CopyLife[]): Pause[] {
  const moves = lives.flatMap(({ lines }) =>
    lines.filter((line) => line.kind === 'log' && MOVES.includes(line.message)),
  )
  const overlaps = (a: Span, b: Span): boolean => a.fromMs <= b.toMs && b.fromMs <= a.toMs
  const pauses = lives.flatMap((life) =>
    life.lines.flatMap((line): Pause[] => {
      if (line.kind !== 'gap') return []
      const { atMs: toMs, ms, partition } = line
      const span = { fromMs: toMs - ms, toMs }
      if (life.stops.some((stop) => overlaps(stop, span))) return []
      const isInRebalance = moves.some(({ atMs }) =>
        overlaps(span, { fromMs: atMs - AROUND_MS, toMs: atMs + AROUND_MS }),
      )
      return [{ ...span, ms, partition, life: life.number, isInRebalance }]
    }),
  )
  return pauses.sort((a, b) => b.ms - a.ms)
}

/**
 * Of what happened at `sinceMs`: ms until all that moved between then and `untilMs` was copied
 * again, by whoever has it now; undefined where nothing moved.
 */
export function handoverMs(
  lives: readonly CopyLife[],
  sinceMs: number,
  untilMs: number,
): number | undefined {
  let slowest: number | undefined
  for (const { lines } of lives) {
    const moved = lines.filter(
      (line): line is LogLine =>
        line.kind === 'log' &&
        line.message === 'partitions assigned' &&
        line.atMs >= sinceMs &&
        line.atMs < untilMs,
    )
    for (const line of moved) {
      for (const partition of partitionsOf(line)) {
        const first = lines.find(
          (each) => each.kind === 'first' && each.partition === partition && each.atMs >= line.atMs,
        )
        if (first !== undefined) slowest = Math.max(slowest ?? 0, first.atMs - sinceMs)
      }
    }
  }
  return slowest
}

/** The longest pauses, for people. */
export function describePauses(lives: readonly CopyLife[]): string[] {
  const pauses = pausesOf(lives)
  const longest = (isInRebalance: boolean): string => {
    const pause = pauses.find((each) => each.isInRebalance === isInRebalance)
    return pause === undefined ? 'less than 50 ms' : `${pause.ms} ms`
  }
  const held = 'partitions that were held stood still for at most'
  return [`${held} ${longest(true)} in rebalances, ${longest(false)} otherwise`]
}
