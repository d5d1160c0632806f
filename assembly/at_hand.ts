// What can happen to the record at hand (frame.ts) whoever reads it: its columns are extracted, or
// it is refused, and kept for the host. Called by consume and columns.
import * as frame from './frame'
import * as lane from './lane'
import { extractJson } from './json/extract'
import { LATE, NULL_VALUE } from './reasons'

/**
 * Entry of the rejects buffer: bytes u32, reason u32, offset i64, timestamp i64, record bytes u32,
 * 0, the record.
 */
const REJECT_HEADER_BYTES: usize = 32

/** Keeps the record at hand for the host, if the policy wants it. Returns a status. */
function keep(at: usize, reason: i32): i32 {
  const flags = load<u32>(at, lane.FLAGS)
  const late = reason == LATE
  const wanted: u32 = late ? lane.KEEP_LATE : lane.KEEP_BAD | lane.STOP_AT_BAD
  if (!(flags & wanted)) return lane.DONE
  const length = frame.end - frame.body
  const bytes = (REJECT_HEADER_BYTES + length + 7) & ~7
  const used: usize = load<u32>(at, lane.REJECTS_LENGTH)
  if (used + bytes > <usize>load<u32>(at, lane.REJECTS_CAPACITY)) {
    store<u32>(at, <u32>bytes, lane.NEED)
    return lane.REJECTS_FULL
  }
  const entry = <usize>load<u32>(at, lane.REJECTS) + used
  store<u32>(entry, <u32>bytes)
  store<u32>(entry, <u32>reason, 4)
  store<i64>(entry, frame.offset, 8)
  store<i64>(entry, frame.timestamp, 16)
  store<u32>(entry, <u32>length, 24)
  store<u32>(entry, 0, 28)
  memory.copy(entry + REJECT_HEADER_BYTES, frame.body, length)
  store<u32>(at, <u32>(used + bytes), lane.REJECTS_LENGTH)
  return !late && flags & lane.STOP_AT_BAD ? lane.STOPPED : lane.DONE
}

/** The record at hand is not counted: kept, tallied, passed. Returns a status. */
export function refuse(at: usize, reason: i32): i32 {
  const status = keep(at, reason)
  if (status != lane.DONE) return status
  const tally = at + (reason == LATE ? lane.LATE : lane.BAD)
  store<u64>(tally, load<u64>(tally) + 1)
  store<i64>(at, frame.offset + 1, lane.NEXT_OFFSET)
  return lane.DONE
}

/**
 * Extracts the columns of the record at hand. Returns a reason, 0, or -1 when the text buffer is
 * too small.
 */
// @ts-ignore: decorator
@inline
export function extract(at: usize, schema: usize): i32 {
  if (frame.valueLength < 0) return NULL_VALUE
  const slots: usize = load<u32>(at, lane.SLOTS)
  const text: usize = load<u32>(at, lane.TEXT)
  const capacity = load<u32>(at, lane.TEXT_CAPACITY)
  return extractJson(schema, frame.value, <u32>frame.valueLength, slots, text, capacity)
}
