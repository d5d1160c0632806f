// Opens the directory of a partition: index files where they hold, else a scan of the segment; cuts
// off a torn tail, and refuses damage before it.
import * as fs from 'node:fs'
import { EuphorionError } from '../../errors.ts'
import { type Checkpoint, readCheckpoint } from './checkpoint.ts'
import type { FileCache } from './file_cache.ts'
import { readIfThere, truncate } from './files.ts'
import { PartitionTransactions } from './partition_transactions.ts'
import { ProducerStates } from './producer_states.ts'
import { goodBatchFollows, scanBatches } from './scan.ts'
import { listSegments, Segment } from './segment.ts'
import { SegmentIndex } from './segment_index.ts'
import { finishSwaps } from './swap.ts'

export interface RecoveredPartition {
  /** Ascending, at least one; the last is the one to append to. */
  readonly segments: Segment[]
  readonly producers: ProducerStates
  readonly transactions: PartitionTransactions
  readonly checkpoint: Checkpoint
}

interface Place {
  readonly topic: string
  readonly partition: number
}

/** LOG_CORRUPT names the file and position of damage before the tail. */
export async function recoverPartition(
  directory: string,
  place: Place,
  files: FileCache,
  producersMax: number,
): Promise<RecoveredPartition> {
  await finishSwaps(directory)
  const checkpoint = await readCheckpoint(directory)
  const bases = await listSegments(directory)
  const segments = bases.map((base) => new Segment(directory, base))
  if (segments.length === 0) segments.push(await createSegment(directory, checkpoint.startOffset))
  let minOffset = 0
  for (const [i, segment] of segments.entries()) {
    await openSegment(segment, i === segments.length - 1, Math.max(minOffset, segment.baseOffset), {
      place,
      files,
    })
    minOffset = segment.nextOffset
  }
  const producers = new ProducerStates(producersMax)
  producers.restore(checkpoint.producers)
  const transactions = new PartitionTransactions(checkpoint.transactions)
  for (const segment of segments)
    if (segment.nextOffset > checkpoint.offset)
      await recoverProducers(segment, checkpoint.offset, { producers, transactions, files })
  return { segments, producers, transactions, checkpoint }
}

/** A new empty segment file. */
export async function createSegment(directory: string, baseOffset: number): Promise<Segment> {
  const segment = new Segment(directory, baseOffset)
  const handle = await fs.promises.open(segment.path, 'w')
  await handle.close()
  return segment
}

async function openSegment(
  segment: Segment,
  last: boolean,
  minOffset: number,
  { place, files }: { place: Place; files: FileCache },
): Promise<void> {
  const stat = await fs.promises.stat(segment.path)
  const indexBytes = await readIfThere(segment.indexPath)
  const decoded = indexBytes && SegmentIndex.decode(indexBytes)
  if (decoded && decoded.facts.baseOffset === segment.baseOffset && decoded.facts.size <= stat.size)
    segment.adopt(decoded)
  if (segment.size === stat.size && segment.indexedBytes >= 0) return
  const fd = await files.take(segment)
  try {
    const options = {
      checkCrc: true,
      minOffset: Math.max(minOffset, segment.nextOffset),
      contiguous: last,
      maxBatchBytes: stat.size,
    }
    const end = await scanBatches(fd, segment.size, stat.size, options, (batch, position) => {
      segment.note(batch, position)
    })
    if (end < stat.size) {
      if (!last || (await goodBatchFollows(fd, end, stat.size, segment.nextOffset)))
        throw new EuphorionError(
          'LOG_CORRUPT',
          `${segment.path} is damaged at byte ${end}, before its tail`,
          { place: { ...place, offset: segment.nextOffset, path: segment.path } },
        )
      await truncate(fd, end)
    }
    segment.size = end
    segment.lastAppendMs = Math.max(segment.lastAppendMs, stat.mtimeMs)
  } finally {
    files.release(segment)
  }
}

async function recoverProducers(
  segment: Segment,
  from: number,
  {
    producers,
    transactions,
    files,
  }: { producers: ProducerStates; transactions: PartitionTransactions; files: FileCache },
): Promise<void> {
  const fd = await files.take(segment)
  try {
    const position = segment.index.find(from - segment.baseOffset)
    const options = { checkCrc: false, minOffset: 0, maxBatchBytes: segment.size }
    await scanBatches(fd, position, segment.size, options, (batch) => {
      if (batch.producerId < 0 || batch.baseOffset < from) return
      transactions.note(batch)
      if (batch.baseSequence < 0) return
      const { producerId, producerEpoch, baseSequence, baseOffset, lastOffset } = batch
      producers.note(
        producerId,
        producerEpoch,
        baseSequence,
        lastOffset - baseOffset + 1,
        baseOffset,
        false,
      )
    })
  } finally {
    files.release(segment)
  }
}
