// Compaction by key: rewrites ended segments without the records whose key has a later one, and
// without what aborted transactions left. Offsets stay; batches that lose records keep their
// bounds. Nothing at or above the last stable offset is touched. Run by the log's maintenance.
import * as fs from 'node:fs'
import { join } from 'node:path'
import {
  attribute,
  type BatchCursor,
  batchHeaderBytes,
  batchPrefixBytes,
  headerAt,
  stampProducer,
  writeInt16,
  writeInt32,
} from '../../wire/batch_header.ts'
import { BatchWriter } from '../../wire/batch_writer.ts'
import { codecNames, prepareCompression } from '../../wire/compression.ts'
import { batchRecords } from '../../wire/record_batch.ts'
import type { StoredRecord } from '../log.ts'
import type { FileCache } from './file_cache.ts'
import { closeFile, datasync, openFile, writeAt } from './files.ts'
import type { ResolvedOptions } from './options.ts'
import type { Partition } from './partition.ts'
import { isAborted } from './partition_transactions.ts'
import { scanBatches } from './scan.ts'
import { Segment, segmentOffsetsMax } from './segment.ts'
import { cleanedFile, swapIn } from './swap.ts'

/** Share of the bytes that must be new before the schedule compacts. */
const dirtyShare = 0.5
const writeBytes = 1024 * 1024

interface Pass {
  readonly partition: Partition
  readonly files: FileCache
  readonly options: ResolvedOptions
  /** Offset of the last record of each key below `to`. */
  readonly last: Map<string, number>
  readonly to: number
  /** Tombstones in segments last written before this, and seen by a pass before, go. */
  readonly tombstonesBefore: number
  readonly aborted: Partition['transactions']['aborted']
  /** Producers of which a transaction has records left, and no end yet. */
  readonly unended: Set<number>
}

/**
 * Compacts the ended segments, in passes of at most compactionKeysMax keys. Unless `now`, only when
 * half of the bytes are new. A damaged batch is LOG_CORRUPT and nothing of its segment changes.
 */
export async function compact(
  partition: Partition,
  files: FileCache,
  options: ResolvedOptions,
  now: boolean,
): Promise<void> {
  if (partition.config.cleanup === 'delete') return
  const { segments, stableOffset } = partition
  const ended = segments.slice(0, -1).filter(({ nextOffset }) => nextOffset <= stableOffset)
  const isNew = (segment: Segment): boolean => segment.nextOffset > partition.cleanedTo
  const bytes = (some: readonly Segment[]): number => some.reduce((sum, { size }) => sum + size, 0)
  const dirty = bytes(ended.filter(isNew))
  if (dirty === 0 || (!now && dirty < dirtyShare * bytes(ended))) return
  const end = ended[ended.length - 1].nextOffset
  while (partition.cleanedTo < end && !partition.stopping)
    await partition.clean(() => onePass(partition, files, options, end))
}

async function onePass(
  partition: Partition,
  files: FileCache,
  options: ResolvedOptions,
  end: number,
): Promise<void> {
  const segments = partition.segments.filter((segment) => segment.nextOffset <= end)
  const last = new Map<string, number>()
  const to = await collectKeys(partition, files, segments, last, options.compactionKeysMax)
  const { aborted } = partition.transactions
  const pass: Pass = {
    partition,
    files,
    options,
    last,
    to,
    tombstonesBefore: options.clock.now() - partition.config.deleteRetentionMs,
    aborted,
    unended: new Set(),
  }
  let rest = segments.filter((segment) => segment.baseOffset < to)
  while (rest.length > 0 && !partition.stopping) rest = rest.slice(await rewrite(pass, rest))
  if (partition.stopping) return
  partition.cleanedTo = to
  partition.transactions.forget(to)
}

/**
 * Fills `last` from where compaction has come to; returns the offset up to which it is complete.
 */
async function collectKeys(
  partition: Partition,
  files: FileCache,
  segments: readonly Segment[],
  last: Map<string, number>,
  keysMax: number,
): Promise<number> {
  let to = partition.cleanedTo
  const { aborted } = partition.transactions
  for (const segment of segments) {
    if (segment.nextOffset <= to) continue
    const from = segment.index.find(Math.max(0, to - segment.baseOffset))
    await eachBatch(partition, files, segment, from, (batch) => {
      if (batch.lastOffset < to) return true
      for (const { key, offset } of isAborted(batch, aborted) ? [] : batchRecords(batch))
        if (key !== null && offset >= partition.cleanedTo) last.set(keyName(key), offset)
      to = batch.lastOffset + 1
      return last.size < keysMax && !partition.stopping
    })
    if (last.size >= keysMax || partition.stopping) return to
    to = segment.nextOffset
  }
  return to
}

/** One character a byte. */
function keyName(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}

/**
 * Rewrites the first of the segments, and neighbours as long as they still make one segment with
 * what stays of those before. Returns how many that were.
 */
async function rewrite(pass: Pass, segments: readonly Segment[]): Promise<number> {
  const { partition, files } = pass
  const made = new Segment(partition.directory, segments[0].baseOffset)
  const path = join(partition.directory, cleanedFile(made.baseOffset))
  const fd = await openFile(path, 'w')
  const group: Segment[] = []
  let removed = 0
  /** Stands for the last batch where nothing of it stays, so that readers get to its end. */
  let tail: Uint8Array | undefined
  let wasEmpty = false
  let whole = false
  try {
    const output = new Output(fd, made)
    for (const segment of segments) {
      if (group.length > 0 && !fits(partition, segment, made, output)) break
      await eachBatch(partition, files, segment, 0, async (batch) => {
        const kept = await keptOf(pass, segment, batch)
        if (kept !== 'all') removed++
        if (kept === 'all') await output.write(batch.bytes.slice(batch.start, batch.at))
        else if (kept) await output.write(kept)
        tail = kept ? undefined : emptied(batch)
        wasEmpty = batch.size === batchHeaderBytes
        return !partition.stopping
      })
      made.lastAppendMs = Math.max(made.lastAppendMs, segment.lastAppendMs)
      group.push(segment)
    }
    if (tail) await output.write(tail)
    if (tail && wasEmpty) removed--
    await output.flush()
    made.nextOffset = group[group.length - 1].nextOffset
    await datasync(fd)
    whole = true
  } finally {
    await closeFile(fd)
    // On a full disk what was written must not stay in the way.
    if (!whole) await fs.promises.rm(path, { force: true })
  }
  if (partition.stopping || (removed === 0 && group.length === 1)) {
    await fs.promises.rm(path, { force: true })
    return group.length
  }
  const lastBase = group[group.length - 1].baseOffset
  await partition.replace(group, made, () => swapIn(partition.directory, made.baseOffset, lastBase))
  await made.saveIndex(made.facts(), true)
  return group.length
}

function fits(partition: Partition, segment: Segment, made: Segment, output: Output): boolean {
  if (segment.nextOffset - made.baseOffset >= segmentOffsetsMax) return false
  return made.size + output.bytes + segment.size <= partition.config.segmentBytes
}

/** What stays of a batch: all of it, fewer records in bytes of their own, or nothing. */
async function keptOf(
  pass: Pass,
  segment: Segment,
  batch: BatchCursor,
): Promise<'all' | Uint8Array | undefined> {
  const { attributes, producerId } = batch
  if (isAborted(batch, pass.aborted)) return undefined
  if ((attributes & attribute.control) !== 0)
    // Without it what stays of its transaction would seem to be open.
    return pass.unended.delete(producerId) ? 'all' : undefined
  const records = batchRecords(batch)
  const kept = records.filter((record) => stays(pass, segment, record))
  if (kept.length === 0) return undefined
  if ((attributes & attribute.transactional) !== 0) pass.unended.add(producerId)
  return kept.length === records.length ? 'all' : shrunkBatch(batch, kept)
}

/** A batch without records in the place of one; nobody's, so that it ends no transaction. */
function emptied(batch: BatchCursor): Uint8Array {
  const bytes = batch.bytes.slice(batch.start, batch.start + batchHeaderBytes)
  writeInt32(bytes, headerAt.length, batchHeaderBytes - batchPrefixBytes)
  writeInt16(bytes, headerAt.attributes, 0)
  writeInt32(bytes, headerAt.recordCount, 0)
  stampProducer(bytes, -1, -1, -1)
  return bytes
}

function stays(pass: Pass, segment: Segment, { key, value, offset }: StoredRecord): boolean {
  if (key === null || offset >= pass.to) return true
  const last = pass.last.get(keyName(key))
  if (last !== undefined && last > offset) return false
  const seenBefore = offset < pass.partition.cleanedTo
  return value !== null || !seenBefore || segment.lastAppendMs >= pass.tombstonesBefore
}

/** The batch with fewer records: same bounds, codec and producer. */
async function shrunkBatch(batch: BatchCursor, kept: readonly StoredRecord[]): Promise<Uint8Array> {
  const { baseOffset, lastOffset, producerId, producerEpoch, baseSequence } = batch
  const compression = codecNames[batch.codec]!
  await prepareCompression(compression)
  const writer = new BatchWriter(batch.size)
  for (const { offset, key, value, timestamp, headers = [] } of kept)
    writer.appendWithDelta(offset - baseOffset, key, value, timestamp, headers)
  return writer.finish(
    {
      baseOffset,
      compression,
      producerId,
      producerEpoch,
      baseSequence,
      attributes: batch.attributes & attribute.transactional,
    },
    lastOffset - baseOffset,
  )
}

async function eachBatch(
  partition: Partition,
  files: FileCache,
  segment: Segment,
  from: number,
  visit: (batch: BatchCursor) => boolean | Promise<boolean>,
): Promise<void> {
  const fd = await files.take(segment)
  try {
    let stopped = false
    const options = { checkCrc: true, minOffset: 0, maxBatchBytes: segment.size }
    const end = await scanBatches(fd, from, segment.size, options, async (batch) => {
      const goOn = await visit(batch)
      stopped = !goOn
      return goOn
    })
    if (!stopped && end < segment.size) throw partition.corrupt(segment, end)
  } finally {
    files.release(segment)
  }
}

/** Collects batches of the new segment and writes them in large pieces. */
class Output {
  readonly #fd: number
  readonly #segment: Segment
  #waiting: Uint8Array[] = []
  /** Waiting to be written. */
  bytes = 0

  constructor(fd: number, segment: Segment) {
    this.#fd = fd
    this.#segment = segment
  }

  /** Takes a whole batch, to keep. */
  async write(batch: Uint8Array): Promise<void> {
    this.#waiting.push(batch)
    this.bytes += batch.length
    if (this.bytes >= writeBytes) await this.flush()
  }

  async flush(): Promise<void> {
    await writeAt(this.#fd, this.#waiting, this.#segment.size)
    for (const bytes of this.#waiting) this.#segment.append(bytes)
    this.#waiting = []
    this.bytes = 0
  }
}
