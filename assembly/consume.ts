// The main task of a lane: goes through the RecordBatches of one Batch, and counts each record into
// its cell, or appends it to columns. It may stop anywhere (no room, a reject too many) and be
// called again with the same batch: records below NEXT_OFFSET are passed over, and everything that
// one record changes is changed only after nothing can stop it any more.
import * as batch from './batch'
import * as frame from './frame'
import * as lane from './lane'
import { accumulate } from './aggregate'
import { extract, refuse } from './at_hand'
import { CELL_STATE, markDirty, takeCell } from './cells'
import { appendRow } from './columns'
import { crc32c } from './crc32c'
import { validUtf8 } from './json/utf8'
import { composeKey, KEY_BYTES_MAX } from './key'
import { lz4Decode } from './lz4'
import {
  INTO_COLUMNS, KEY_COLUMNS, KEY_IS_ONE_STRING, KEY_IS_RECORD_KEY, KEY_IS_TEXT, PLAN_FLAGS,
  SLOT_LENGTH, SLOT_POINTER, SLOT_PRESENT, SLOT_STATE, SLOT_VALUE, TIME_IS_COLUMN, TIME_SLOT, WHERE,
  WINDOWED, WINDOW_GRACE, WINDOW_SIZE, WINDOW_STEP,
} from './plan'
import {
  INVALID_UTF8, KEY_TOO_LONG, LATE, MISSING_FIELD, NULL_KEY, TIME_IN_FUTURE, TIME_NEGATIVE,
} from './reasons'
import { snappyDecode } from './snappy'
import { passes } from './where'
import { closedWindows, sliceEnd, sliceStart } from './window'

const TOO_SMALL: i32 = -2

/** The key of the record at hand, as scratch: bytes of the record, of the value, or composed. */
let key: usize = 0
let keyLength: i32 = 0

/** Finds the key of the record at hand. Returns a reason or 0. */
// @ts-ignore: decorator
@inline
function findKey(at: usize, plan: usize, planFlags: u32): i32 {
  if (planFlags & KEY_IS_RECORD_KEY) {
    key = frame.key
    keyLength = frame.keyLength
    if (keyLength < 0) return NULL_KEY
    if (planFlags & KEY_IS_TEXT && !validUtf8(key, <usize>keyLength)) return INVALID_UTF8
  } else {
    const slots: usize = load<u32>(at, lane.SLOTS)
    if (planFlags & KEY_IS_ONE_STRING) {
      const slot: usize = slots + load<u32>(plan + load<u32>(plan, KEY_COLUMNS))
      if (load<u32>(slot, SLOT_STATE) != SLOT_PRESENT) return NULL_KEY
      key = load<u32>(slot, SLOT_POINTER)
      keyLength = load<u32>(slot, SLOT_LENGTH)
    } else {
      key = load<u32>(at, lane.KEY)
      keyLength = composeKey(plan, slots, key)
      if (keyLength < 0) return -keyLength
    }
  }
  return <u32>keyLength > KEY_BYTES_MAX ? KEY_TOO_LONG : 0
}

/** Event time of the record at hand, as scratch. */
let time: i64 = 0

/** Finds the event time of the record at hand. Returns a reason or 0. */
// @ts-ignore: decorator
@inline
function findTime(at: usize, plan: usize, planFlags: u32): i32 {
  time = frame.timestamp
  if (planFlags & TIME_IS_COLUMN) {
    const slot: usize = <usize>load<u32>(at, lane.SLOTS) + load<u32>(plan, TIME_SLOT)
    if (load<u32>(slot, SLOT_STATE) != SLOT_PRESENT) return MISSING_FIELD
    time = <i64>load<f64>(slot, SLOT_VALUE)
  }
  if (time < 0) return TIME_NEGATIVE
  return time > load<i64>(at, lane.TIME_LIMIT) ? TIME_IN_FUTURE : 0
}

/** The slice of the last record, as scratch: most records fall into the same one. */
let slice: i64 = 0
let sliceLimit: i64 = 0

/** Windows of the slice that are closed for the record; -1: all, it is late. */
// @ts-ignore: decorator
@inline
function placeInWindows(plan: usize, streamTime: i64): i32 {
  const size = load<i64>(plan, WINDOW_SIZE)
  const step = load<i64>(plan, WINDOW_STEP)
  if (time < slice || time >= sliceLimit) {
    slice = sliceStart(time, size, step)
    sliceLimit = sliceEnd(slice, size, step)
  }
  return closedWindows(slice, size, step, load<i64>(plan, WINDOW_GRACE), streamTime)
}

/** Counts the record at hand. Returns a status; nothing has changed where it is not DONE. */
function consumeRecord(at: usize, plan: usize, planFlags: u32): i32 {
  const schema: usize = load<u32>(at, lane.SCHEMA)
  const where: usize = load<u32>(plan, WHERE)
  const slots: usize = load<u32>(at, lane.SLOTS)
  let reason: i32 = schema != 0 ? extract(at, schema) : 0
  if (reason < 0) {
    store<u32>(at, <u32>frame.valueLength, lane.NEED)
    return lane.TEXT_FULL
  }
  if (reason == 0 && where != 0 && !passes(plan + where, slots)) {
    store<u64>(at, load<u64>(at, lane.FILTERED) + 1, lane.FILTERED)
    store<i64>(at, frame.offset + 1, lane.NEXT_OFFSET)
    return lane.DONE
  }
  if (reason == 0) reason = findKey(at, plan, planFlags)
  if (reason == 0) reason = findTime(at, plan, planFlags)
  const streamTime = max<i64>(load<i64>(at, lane.STREAM_TIME), time)
  let skipped: i32 = 0
  if (reason == 0 && planFlags & WINDOWED) {
    skipped = placeInWindows(plan, streamTime)
    if (skipped < 0) reason = LATE
  }
  if (reason != 0) return refuse(at, reason)
  const cell = takeCell(at, key, keyLength, slice, skipped)
  if (cell == 0) return lane.FULL
  accumulate(plan, slots, cell + CELL_STATE)
  markDirty(at, cell)
  store<i64>(at, streamTime, lane.STREAM_TIME)
  store<u64>(at, load<u64>(at, lane.COUNTED) + 1, lane.COUNTED)
  store<i64>(at, frame.offset + 1, lane.NEXT_OFFSET)
  return lane.DONE
}

/**
 * Counts the records in [from, end), which `header` describes. Returns a status; the caller moves
 * NEXT_OFFSET behind the whole RecordBatch (compaction may have removed its last records).
 */
function consumeRecords(at: usize, header: usize, from: usize, end: usize): i32 {
  const plan: usize = load<u32>(at, lane.PLAN)
  const planFlags = load<u32>(plan, PLAN_FLAGS)
  const position = load<i64>(at, lane.NEXT_OFFSET)
  let record = from
  slice = 0
  sliceLimit = i64.MIN_VALUE
  for (let left = batch.recordCount(header); left > 0; left--) {
    record = frame.readFrame(record, end, header)
    if (record == 0) return lane.CORRUPT
    if (frame.offset < position) continue
    const status = planFlags & INTO_COLUMNS
      ? appendRow(at, plan, planFlags)
      : consumeRecord(at, plan, planFlags)
    if (status != lane.DONE) return status
  }
  return record == end ? lane.DONE : lane.CORRUPT
}

/** Decompresses into scratch; returns the number of bytes, or minus a status. */
export function inflate(at: usize, header: usize, end: usize): i32 {
  if (load<u32>(at, lane.INFLATED) == <u32>header) return <i32>load<u32>(at, lane.INFLATED_LENGTH)
  const codec = batch.codecOf(header)
  const from = header + batch.HEADER_BYTES
  const scratch: usize = load<u32>(at, lane.SCRATCH)
  const capacity = load<u32>(at, lane.SCRATCH_CAPACITY)
  let bytes: i32
  const packed = <u32>(end - from)
  if (codec == batch.CODEC_LZ4) bytes = lz4Decode(from, packed, scratch, capacity)
  else if (codec == batch.CODEC_SNAPPY) bytes = snappyDecode(from, packed, scratch, capacity)
  else return -lane.INFLATE
  if (bytes == TOO_SMALL) return -lane.SCRATCH_FULL
  return bytes < 0 ? -lane.CORRUPT : bytes
}

function consumeBatch(at: usize, header: usize, end: usize): i32 {
  if (batch.isControl(header)) return lane.DONE
  if (batch.codecOf(header) == batch.CODEC_NONE) {
    return consumeRecords(at, header, header + batch.HEADER_BYTES, end)
  }
  const bytes = inflate(at, header, end)
  if (bytes < 0) return -bytes
  const scratch: usize = load<u32>(at, lane.SCRATCH)
  return consumeRecords(at, header, scratch, scratch + bytes)
}

/**
 * Consumes the Batch at INPUT. Returns a status; on any other than DONE, STOPPED_AT is the
 * RecordBatch.
 */
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
      if (check && crc32c(header + 21, <u32>(bytes - 21)) != batch.storedCrc(header)) {
        return lane.CORRUPT
      }
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
