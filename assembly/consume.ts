// The main task of a lane: goes through the RecordBatches of one Batch, and counts each record into
// its cell. It may stop anywhere (no room, a reject too many) and be called again with the same batch:
// records below NEXT_OFFSET are passed over, and everything that one record changes is changed only
// after nothing can stop it any more.
import * as batch from './batch'
import * as lane from './lane'
import { accumulate } from './aggregate'
import { CELL_STATE, markDirty, takeCell } from './cells'
import { crc32c } from './crc32c'
import { extractJson } from './json/extract'
import { composeKey, KEY_BYTES_MAX } from './key'
import { lz4Decode } from './lz4'
import {
  KEY_COLUMNS, KEY_IS_ONE_STRING, KEY_IS_RECORD_KEY, PLAN_FLAGS, SLOT_LENGTH, SLOT_POINTER, SLOT_PRESENT,
  SLOT_STATE, SLOT_VALUE, TIME_IS_COLUMN, TIME_SLOT, WHERE, WINDOWED, WINDOW_GRACE, WINDOW_SIZE, WINDOW_STEP,
} from './plan'
import {
  KEY_TOO_LONG, LATE, MISSING_FIELD, NULL_KEY, NULL_VALUE, TIME_IN_FUTURE, TIME_NEGATIVE,
} from './reasons'
import { snappyDecode } from './snappy'
import { varint, varintBytes } from './varint'
import { passes } from './where'
import { closedWindows, sliceEnd, sliceStart } from './window'

/** Entry of the rejects buffer: bytes u32, reason u32, offset i64, timestamp i64, record bytes u32, 0, the record. */
const REJECT_HEADER_BYTES: usize = 32
const TOO_SMALL: i32 = -2

/** Keeps the record [at, end) for the host, if the policy wants it. Returns a status. */
function reject(at: usize, reason: i32, offset: i64, timestamp: i64, from: usize, end: usize): i32 {
  const flags = load<u32>(at, lane.FLAGS)
  const late = reason == LATE
  if (late ? !(flags & lane.KEEP_LATE) : !(flags & (lane.KEEP_BAD | lane.STOP_AT_BAD))) return lane.DONE
  const bytes = (REJECT_HEADER_BYTES + (end - from) + 7) & ~7
  const used: usize = load<u32>(at, lane.REJECTS_LENGTH)
  if (used + bytes > <usize>load<u32>(at, lane.REJECTS_CAPACITY)) {
    store<u32>(at, <u32>bytes, lane.NEED)
    return lane.REJECTS_FULL
  }
  const entry = <usize>load<u32>(at, lane.REJECTS) + used
  store<u32>(entry, <u32>bytes)
  store<u32>(entry, <u32>reason, 4)
  store<i64>(entry, offset, 8)
  store<i64>(entry, timestamp, 16)
  store<u32>(entry, <u32>(end - from), 24)
  store<u32>(entry, 0, 28)
  memory.copy(entry + REJECT_HEADER_BYTES, from, end - from)
  store<u32>(at, <u32>(used + bytes), lane.REJECTS_LENGTH)
  return !late && flags & lane.STOP_AT_BAD ? lane.STOPPED : lane.DONE
}

/** A record that is not counted: rejected, tallied, passed. Returns a status. */
function refuse(at: usize, reason: i32, offset: i64, timestamp: i64, from: usize, end: usize): i32 {
  const status = reject(at, reason, offset, timestamp, from, end)
  if (status != lane.DONE) return status
  const tally = reason == LATE ? lane.LATE : lane.BAD
  store<u64>(at + tally, load<u64>(at + tally) + 1)
  store<i64>(at, offset + 1, lane.NEXT_OFFSET)
  return lane.DONE
}

/**
 * Counts the records in [from, end), which `header` describes. Returns a status; the caller moves
 * NEXT_OFFSET behind the whole RecordBatch (compaction may have removed its last records).
 */
function consumeRecords(at: usize, header: usize, from: usize, end: usize): i32 {
  const plan: usize = load<u32>(at, lane.PLAN)
  const planFlags = load<u32>(plan, PLAN_FLAGS)
  const schema: usize = load<u32>(at, lane.SCHEMA)
  const slots: usize = load<u32>(at, lane.SLOTS)
  const where: usize = load<u32>(plan, WHERE)
  const size = load<i64>(plan, WINDOW_SIZE)
  const step = load<i64>(plan, WINDOW_STEP)
  const grace = load<i64>(plan, WINDOW_GRACE)
  const timeLimit = load<i64>(at, lane.TIME_LIMIT)
  const first = batch.baseOffset(header)
  const appendTime = batch.isLogAppendTime(header)
  const timeBase = appendTime ? batch.maxTimestamp(header) : batch.baseTimestamp(header)
  const position = load<i64>(at, lane.NEXT_OFFSET)
  let slice: i64 = 0
  let sliceLimit: i64 = i64.MIN_VALUE
  let record = from
  let left = batch.recordCount(header)
  for (; left > 0; left--) {
    // the frame: every span is checked against `end`, which is inside the batch
    let bytes = varintBytes(record)
    const length = varint(record, bytes)
    const body = record + bytes
    if (bytes > 5 || length < 4 || length > <i64>(end - body)) return lane.CORRUPT
    const next = body + <usize>length
    let p = body + 1
    bytes = varintBytes(p)
    const timestamp = appendTime ? timeBase : timeBase + varint(p, bytes)
    if (bytes > 10) return lane.CORRUPT
    p += bytes
    bytes = varintBytes(p)
    const offset = first + varint(p, bytes)
    if (bytes > 5) return lane.CORRUPT
    p += bytes
    record = next
    if (offset < position) continue
    bytes = varintBytes(p)
    const keyLength = varint(p, bytes)
    p += bytes
    if (bytes > 5 || p > next || keyLength < -1 || keyLength > <i64>(next - p)) return lane.CORRUPT
    let key = p
    if (keyLength > 0) p += <usize>keyLength
    bytes = varintBytes(p)
    const valueLength = varint(p, bytes)
    p += bytes
    if (bytes > 5 || p > next || valueLength < -1 || valueLength > <i64>(next - p)) return lane.CORRUPT

    let reason: i32 = 0
    if (schema != 0) {
      if (valueLength < 0) reason = NULL_VALUE
      else {
        reason = extractJson(schema, p, <u32>valueLength, slots, load<u32>(at, lane.TEXT), load<u32>(at, lane.TEXT_CAPACITY))
        if (reason < 0) {
          store<u32>(at, <u32>valueLength, lane.NEED)
          return lane.TEXT_FULL
        }
      }
    }
    if (reason == 0 && where != 0 && !passes(plan + where, slots)) {
      store<u64>(at, load<u64>(at, lane.FILTERED) + 1, lane.FILTERED)
      store<i64>(at, offset + 1, lane.NEXT_OFFSET)
      continue
    }
    let keyBytes: i32 = 0
    if (reason == 0) {
      if (planFlags & KEY_IS_RECORD_KEY) {
        if (keyLength < 0) reason = NULL_KEY
        else keyBytes = <i32>keyLength
      } else if (planFlags & KEY_IS_ONE_STRING) {
        const slot: usize = slots + load<u32>(plan + load<u32>(plan, KEY_COLUMNS))
        if (load<u32>(slot, SLOT_STATE) != SLOT_PRESENT) reason = NULL_KEY
        key = load<u32>(slot, SLOT_POINTER)
        keyBytes = load<u32>(slot, SLOT_LENGTH)
      } else {
        key = load<u32>(at, lane.KEY)
        keyBytes = composeKey(plan, slots, key)
        if (keyBytes < 0) reason = -keyBytes
      }
      if (reason == 0 && <u32>keyBytes > KEY_BYTES_MAX) reason = KEY_TOO_LONG
    }
    let time = timestamp
    if (reason == 0 && planFlags & TIME_IS_COLUMN) {
      const slot: usize = slots + load<u32>(plan, TIME_SLOT)
      if (load<u32>(slot, SLOT_STATE) != SLOT_PRESENT) reason = MISSING_FIELD
      else time = <i64>load<f64>(slot, SLOT_VALUE)
    }
    if (reason == 0) {
      if (time < 0) reason = TIME_NEGATIVE
      else if (time > timeLimit) reason = TIME_IN_FUTURE
    }
    let streamTime = load<i64>(at, lane.STREAM_TIME)
    let skipped: i32 = 0
    if (reason == 0) {
      if (time > streamTime) streamTime = time
      if (planFlags & WINDOWED) {
        if (time < slice || time >= sliceLimit) {
          slice = sliceStart(time, size, step)
          sliceLimit = sliceEnd(slice, size, step)
        }
        skipped = closedWindows(slice, size, step, grace, streamTime)
        if (skipped < 0) reason = LATE
      }
    }
    if (reason != 0) {
      const status = refuse(at, reason, offset, timestamp, body, next)
      if (status != lane.DONE) return status
      continue
    }
    const cell = takeCell(at, key, keyBytes, slice, skipped)
    if (cell == 0) return lane.FULL
    accumulate(plan, slots, cell + CELL_STATE)
    markDirty(at, cell)
    store<i64>(at, streamTime, lane.STREAM_TIME)
    store<u64>(at, load<u64>(at, lane.COUNTED) + 1, lane.COUNTED)
    store<i64>(at, offset + 1, lane.NEXT_OFFSET)
  }
  return lane.DONE
}

/** Decompresses into scratch; returns the number of bytes, or minus a status. */
function inflate(at: usize, header: usize, end: usize): i32 {
  if (load<u32>(at, lane.INFLATED) == <u32>header) return <i32>load<u32>(at, lane.INFLATED_LENGTH)
  const codec = batch.codecOf(header)
  const from = header + batch.HEADER_BYTES
  const scratch: usize = load<u32>(at, lane.SCRATCH)
  const capacity = load<u32>(at, lane.SCRATCH_CAPACITY)
  let bytes: i32
  if (codec == batch.CODEC_LZ4) bytes = lz4Decode(from, <u32>(end - from), scratch, capacity)
  else if (codec == batch.CODEC_SNAPPY) bytes = snappyDecode(from, <u32>(end - from), scratch, capacity)
  else return -lane.INFLATE
  if (bytes == TOO_SMALL) return -lane.SCRATCH_FULL
  return bytes < 0 ? -lane.CORRUPT : bytes
}

function consumeBatch(at: usize, header: usize, end: usize): i32 {
  if (batch.isControl(header)) return lane.DONE
  if (batch.codecOf(header) == batch.CODEC_NONE) return consumeRecords(at, header, header + batch.HEADER_BYTES, end)
  const bytes = inflate(at, header, end)
  if (bytes < 0) return -bytes
  const scratch: usize = load<u32>(at, lane.SCRATCH)
  return consumeRecords(at, header, scratch, scratch + bytes)
}

/** Consumes the Batch at INPUT. Returns a status; on any other than DONE, STOPPED_AT is the RecordBatch. */
export function consume(at: usize, checkCrc: u32): i32 {
  const vector = payloadOf(at)
  let header = vector + 4
  const end = header + load<u32>(vector)
  const check = checkCrc != 0
  while (header < end) {
    store<u32>(at, <u32>header, lane.STOPPED_AT)
    const bytes = batch.batchBytes(header, end)
    if (bytes == 0) return lane.CORRUPT
    const next = batch.nextOffset(header)
    if (next > load<i64>(at, lane.NEXT_OFFSET)) {
      if (load<u32>(at, lane.DAMAGED) == <u32>header) return lane.CORRUPT
      if (check && crc32c(header + 21, <u32>(bytes - 21)) != batch.storedCrc(header)) return lane.CORRUPT
      const status = consumeBatch(at, header, header + bytes)
      if (status != lane.DONE) return status
      store<i64>(at, next, lane.NEXT_OFFSET)
    }
    header += bytes
  }
  store<u32>(at, 0, lane.INFLATED)
  return lane.DONE
}

// @ts-ignore: decorator
@inline
function payloadOf(at: usize): usize {
  return batch.payloadVector(load<u32>(at, lane.INPUT))
}
