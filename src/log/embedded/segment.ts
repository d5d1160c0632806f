// One file of a partition: RecordBatches one behind the other, named by the first offset. Knows its
// facts and index; reading and writing go through the descriptors of the file cache.
import * as fs from 'node:fs'
import { join } from 'node:path'
import { BatchCursor } from '../../wire/batch_header.ts'
import { replaceFile } from './files.ts'
import type { TransactionSnapshot } from './partition_transactions.ts'
import { type SegmentFacts, SegmentIndex } from './segment_index.ts'

/** A segment holds fewer offsets than this, so that relative offsets fit the index. */
export const segmentOffsetsMax = 2 ** 31

export class Segment {
  readonly directory: string
  readonly baseOffset: number
  /** Bytes that were written as a whole and may be read. */
  size = 0
  nextOffset: number
  maxTimestamp = Number.NEGATIVE_INFINITY
  lastAppendMs = 0
  index = new SegmentIndex()
  /** Bytes covered by the index file on disk; -1 when there is none. */
  indexedBytes = -1
  /** Deleted, or replaced by compaction: who reads it looks its offset up again. */
  dropped = false
  /** Of the partition, when the segment was ended. */
  transactionsAtEnd: TransactionSnapshot | undefined

  constructor(directory: string, baseOffset: number) {
    this.directory = directory
    this.baseOffset = baseOffset
    this.nextOffset = baseOffset
  }

  get path(): string {
    return join(this.directory, segmentFile(this.baseOffset, 'log'))
  }
  get indexPath(): string {
    return join(this.directory, segmentFile(this.baseOffset, 'index'))
  }

  /** Takes in whole batches that were written behind `size`, and counts them in. */
  append(bytes: Uint8Array): void {
    const batch = new BatchCursor(bytes)
    while (batch.next()) this.note(batch, this.size + batch.start)
    this.size += bytes.length
  }

  /**
   * Takes in a batch that begins at `position`; `size` is set by the caller when it may be read.
   */
  note(batch: BatchCursor, position: number): void {
    this.index.add(batch.baseOffset - this.baseOffset, position)
    this.nextOffset = batch.lastOffset + 1
    if (batch.maxTimestamp > this.maxTimestamp) this.maxTimestamp = batch.maxTimestamp
  }

  /** Facts and index of a decoded index file. */
  adopt({ index, facts }: { index: SegmentIndex; facts: SegmentFacts }): void {
    this.index = index
    this.size = facts.size
    this.nextOffset = facts.nextOffset
    this.maxTimestamp = facts.maxTimestamp
    this.lastAppendMs = facts.lastAppendMs
    this.indexedBytes = facts.size
  }

  /** The facts as they are now. */
  facts(): SegmentFacts {
    const { baseOffset, nextOffset, size, maxTimestamp, lastAppendMs } = this
    return { baseOffset, nextOffset, size, maxTimestamp, lastAppendMs }
  }

  /** Writes the index file for the bytes that the facts cover. */
  async saveIndex(facts: SegmentFacts, sync: boolean): Promise<void> {
    await replaceFile(this.indexPath, this.index.encode(facts), sync)
    this.indexedBytes = facts.size
  }

  async remove(): Promise<void> {
    await fs.promises.rm(this.indexPath, { force: true })
    await fs.promises.rm(this.path, { force: true })
  }
}

/** An offset with 20 digits, as Kafka names files. */
export function offsetName(offset: number): string {
  return String(offset).padStart(20, '0')
}

export function segmentFile(baseOffset: number, extension: string): string {
  return `${offsetName(baseOffset)}.${extension}`
}

/** Base offsets of the segments in a partition's directory, ascending. */
export async function listSegments(directory: string): Promise<number[]> {
  const names = await fs.promises.readdir(directory)
  return names
    .filter((name) => /^\d{20}\.log$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b)
}
