// Puts a compacted file in the place of the segments that it was made from, so that a crash at any
// moment leaves the old ones or the new one. `FIRST-LAST.swap` is the moment it counts.
import * as fs from 'node:fs'
import { join } from 'node:path'
import { listSegments, offsetName, segmentFile } from './segment.ts'

/** Where compaction writes the new segment before it counts. */
export function cleanedFile(baseOffset: number): string {
  return segmentFile(baseOffset, 'cleaned')
}

/** Makes the written and synced cleaned file count for the segments with these base offsets. */
export async function swapIn(directory: string, first: number, last: number): Promise<void> {
  const swap = `${offsetName(first)}-${offsetName(last)}.swap`
  await fs.promises.rename(join(directory, cleanedFile(first)), join(directory, swap))
  await finishSwap(directory, swap, first, last)
}

/**
 * Ends swaps that a crash interrupted, and removes files that never counted. For a log being
 * opened.
 */
export async function finishSwaps(directory: string): Promise<void> {
  for (const name of await fs.promises.readdir(directory)) {
    if (name.endsWith('.cleaned') || name.endsWith('.tmp'))
      await fs.promises.rm(join(directory, name), { force: true })
    const swap = /^(\d{20})-(\d{20})\.swap$/.exec(name)
    if (swap !== null) await finishSwap(directory, name, Number(swap[1]), Number(swap[2]))
  }
}

async function finishSwap(
  directory: string,
  name: string,
  first: number,
  last: number,
): Promise<void> {
  for (const base of await listSegments(directory)) {
    if (base < first || base > last) continue
    await fs.promises.rm(join(directory, segmentFile(base, 'index')), { force: true })
    if (base !== first) await fs.promises.rm(join(directory, segmentFile(base, 'log')))
  }
  await fs.promises.rename(join(directory, name), join(directory, segmentFile(first, 'log')))
}
