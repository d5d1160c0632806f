// Whether changelogs hold the tables that a program declares: looked up when it starts, before it
// joins its group. A member that cannot read the state would take partitions from those who can.

import { CUT_KEY } from '../kernel/changelog/kernels.ts'
import type { Log } from '../log/log.ts'
import { parseMeta } from './changelog.ts'
import { shapesFit, tableChanged } from './shape_change.ts'

export interface DeclaredShape {
  readonly name: string
  readonly changelog: string
  readonly shape: string
}

/** A cut ends with what it says of its table; markers of transactions may follow. */
const TAIL_RECORDS = 64
/** Partitions looked into; one that has something is enough. */
const PARTITIONS_MAX = 8

/** Rejects with TABLE_CHANGED. What recovery finds later it says itself. */
export async function checkShapes(log: Log, tables: readonly DeclaredShape[]): Promise<void> {
  await Promise.all(tables.map((table) => checkShape(log, table)))
}

async function checkShape(log: Log, { name, changelog, shape }: DeclaredShape): Promise<void> {
  const offsets = await log.offsets(changelog)
  const filled = offsets.filter(({ earliest, latest }) => latest > earliest)
  for (const { partition, earliest, latest } of filled.slice(0, PARTITIONS_MAX)) {
    const from = Math.max(earliest, latest - TAIL_RECORDS)
    const records = await log.read(changelog, partition, from)
    const cut = records.findLast(({ key }) => key !== null && Buffer.compare(key, CUT_KEY) === 0)
    if (!cut?.value) continue
    const before = parseMeta(cut.value).shape
    if (!shapesFit(before, shape))
      throw tableChanged(name, `the changelog ${changelog}`, before, shape)
    return
  }
}
