// The records that a kernel kept for the host, as its lane's buffer has them. Read by lanes and by
// the extraction of columns.
import type { SharedMemory } from '../batch/memory.ts'
import { decodeRecord } from '../wire/record_batch.ts'
import type { Rejected } from './lane.ts'
import { REJECT_HEADER_BYTES } from './lane_block.ts'
import { reasonName } from './plan.ts'

/** Copies what stands in [start, start + bytes). */
export function readRejects(memory: SharedMemory, start: number, bytes: number): Rejected[] {
  const { view } = memory
  const rejects: Rejected[] = []
  for (let at = start; at < start + bytes; at += view.getUint32(at, true)) {
    const record = memory.span(at + REJECT_HEADER_BYTES, view.getUint32(at + 24, true))
    const offset = Number(view.getBigInt64(at + 8, true))
    const timestamp = Number(view.getBigInt64(at + 16, true))
    const reason = reasonName(view.getUint32(at + 4, true))
    rejects.push({
      ...decodeRecord(Uint8Array.from(record), 0, offset, timestamp),
      offset,
      timestamp,
      reason,
    })
  }
  return rejects
}
