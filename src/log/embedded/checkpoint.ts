// The small file of a partition that saves work when the log is opened: producers and transactions
// as of an offset, and how far compaction has come. It may be missing or old; the segments alone
// are the truth.
import { join } from 'node:path'
import { readIfThere, replaceFile } from './files.ts'
import type { TransactionSnapshot } from './partition_transactions.ts'
import type { ProducerSnapshot } from './producer_states.ts'

export interface Checkpoint {
  /** `producers` and `transactions` cover the batches below this offset. */
  readonly offset: number
  readonly producers: ProducerSnapshot
  readonly transactions: TransactionSnapshot
  /** Compaction has seen the records below this offset. */
  readonly cleanedTo: number
  /** First offset that can be read; retention may have removed every segment before it. */
  readonly startOffset: number
}

const nothing: Checkpoint = {
  offset: 0,
  producers: [],
  transactions: { open: [], aborted: [] },
  cleanedTo: 0,
  startOffset: 0,
}

function checkpointPath(directory: string): string {
  return join(directory, 'checkpoint.json')
}

export async function readCheckpoint(directory: string): Promise<Checkpoint> {
  const bytes = await readIfThere(checkpointPath(directory))
  if (bytes === undefined) return nothing
  try {
    return { ...nothing, ...(JSON.parse(bytes.toString('utf8')) as Checkpoint) }
  } catch {
    return nothing
  }
}

export function writeCheckpoint(
  directory: string,
  checkpoint: Checkpoint,
  sync: boolean,
): Promise<void> {
  return replaceFile(checkpointPath(directory), JSON.stringify(checkpoint), sync)
}
