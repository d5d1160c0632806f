// From where a table is copied: from where its store stands in the changelog, or all of it, because
// what the store holds does not belong to this changelog. Called by recovery and standbys.
import type { PartitionOffsets } from '../log/log.ts'
import { TOMBSTONES_KEPT_MS } from '../table/changelog_topics.ts'
import type { ChangelogPosition } from '../table/meta.ts'

/** One partition of a changelog, as it is in the log. */
export interface ChangelogExtent extends Pick<PartitionOffsets, 'earliest' | 'latest'> {
  readonly topicId: string | undefined
}

export interface CopyPlan {
  readonly from: number
  /** Why what the store holds is to be dropped first; undefined where it is to be kept. */
  readonly drop: string | undefined
  /** What is kept is younger than the group's offsets. */
  readonly isBehind?: boolean | undefined
}

/** `holds`: the store has rows or a position of the table. */
export function planCopy(
  stored: ChangelogPosition | undefined,
  holds: boolean,
  { earliest, latest, topicId }: ChangelogExtent,
  nowMs: number,
): CopyPlan {
  const anew = (drop: string | undefined): CopyPlan => ({ from: earliest, drop })
  if (stored === undefined) return anew(holds ? 'it was written with changelog: false' : undefined)
  const { nextOffset, state, atMs } = stored
  if (state === 'stale') return anew('it was about to be dropped when the worker ended')
  if (topicId !== undefined && stored.topicId !== undefined && stored.topicId !== topicId)
    return anew('the changelog was made anew')
  if (nextOffset > latest)
    return anew(`it is at offset ${nextOffset}, but the changelog ends at ${latest}`)
  if (nextOffset < earliest)
    return anew(`it is at offset ${nextOffset}, but the changelog begins at ${earliest}`)
  if (nextOffset < latest && nowMs - atMs >= TOMBSTONES_KEPT_MS) {
    const hours = Math.floor((nowMs - atMs) / 3_600_000)
    return anew(`it is ${hours} hours old, and the changelog may have let go of deletions`)
  }
  return { from: nextOffset, drop: undefined, isBehind: stored.isBehind }
}
