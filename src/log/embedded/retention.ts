// Removes ended segments that a topic's settings no longer keep: all of their records too old, or
// the partition larger than it may be. What an open transaction holds back stays. Run by the log's
// maintenance.
import type { Clock } from '../../clock.ts'
import type { Partition } from './partition.ts'

/**
 * Not with `cleanup: 'compact'`. An active segment whose records are all too old is ended first.
 */
export async function applyRetention(partition: Partition, clock: Clock): Promise<void> {
  const { cleanup, retentionMs, retentionBytes } = partition.config
  if (cleanup === 'compact' || (retentionMs < 0 && retentionBytes < 0)) return
  const oldest = retentionMs < 0 ? Number.NEGATIVE_INFINITY : clock.now() - retentionMs
  const { active } = partition
  if (active.size > 0 && active.maxTimestamp < oldest) await partition.roll()
  const removable = (): number => {
    let bytes = partition.bytes
    let count = 0
    for (const segment of partition.segments.slice(0, -1)) {
      if (segment.nextOffset > partition.stableOffset) break
      const tooMuch = retentionBytes >= 0 && bytes - segment.size >= retentionBytes
      if (segment.maxTimestamp >= oldest && !tooMuch) break
      bytes -= segment.size
      count++
    }
    return count
  }
  // Counted again when its turn has come: who cleaned before may have removed them.
  if (removable() > 0) await partition.clean(() => partition.removeOldest(removable()))
}
