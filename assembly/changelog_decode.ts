// RecordBatches of a changelog as packed rows: what src/kernel/changelog/decode.ts does. May stop
// for want of room and be called again: records below NEXT_OFFSET are passed over.
import * as batch from './batch'
import * as frame from './frame'
import * as lane from './lane'
import {
  CHANGELOG_TABLE, COUNT, CUT, CUT_CAPACITY, CUT_KEY_BYTES, CUT_KEY_HIGH, CUT_KEY_LOW, CUT_LENGTH,
  ROW_DELETE, ROW_HEADER_BYTES, ROW_PUT, ROWS, ROWS_CAPACITY, ROWS_LENGTH, TABLE,
} from './changelog'
import { inflate } from './consume'
import { copyShort } from './copy'
import { crc32c } from './crc32c'

const TABLE_BYTES: i32 = 2
const KEY_BYTES_MAX: i32 = 0xffff

/** The record at hand belongs to no table. Returns a status. */
function takeCut(block: usize): i32 {
  if (frame.keyLength != CUT_KEY_BYTES || frame.valueLength < 0) return lane.DONE
  if (load<u32>(frame.key) != CUT_KEY_LOW || load<u8>(frame.key, 4) != CUT_KEY_HIGH) {
    return lane.DONE
  }
  if (<u32>frame.valueLength > load<u32>(block, CUT_CAPACITY)) return lane.TEXT_FULL
  memory.copy(load<u32>(block, CUT), frame.value, <usize>frame.valueLength)
  store<u32>(block, <u32>frame.valueLength, CUT_LENGTH)
  return lane.DONE
}

/** Decodes the records in [from, end), which `header` describes. Returns a status. */
function decodeRecords(block: usize, header: usize, from: usize, end: usize): i32 {
  const position = load<i64>(block, lane.NEXT_OFFSET)
  const table = bswap<u16>(<u16>load<u32>(block, TABLE))
  const rows: usize = load<u32>(block, ROWS)
  const rowsEnd = rows + load<u32>(block, ROWS_CAPACITY)
  let out = rows + load<u32>(block, ROWS_LENGTH)
  let count = load<u32>(block, COUNT)
  let next = position
  let record = from
  let status = lane.DONE
  for (let left = batch.recordCount(header); left > 0; left--) {
    record = frame.readFrame(record, end, header)
    if (record == 0) return lane.CORRUPT
    if (frame.offset < position) continue
    const keyLength = frame.keyLength
    if (keyLength < TABLE_BYTES || keyLength > KEY_BYTES_MAX) return lane.CORRUPT
    const number = load<u16>(frame.key)
    if (number == CHANGELOG_TABLE) {
      const valueBytes = <usize>max<i32>(frame.valueLength, 0)
      const key = out + ROW_HEADER_BYTES
      const value = key + <usize>keyLength
      if (value + valueBytes > rowsEnd) {
        status = lane.FULL
        break
      }
      store<u16>(out, frame.valueLength < 0 ? ROW_DELETE : ROW_PUT)
      store<u16>(out, <u16>keyLength, 2)
      store<u32>(out, <u32>valueBytes, 4)
      copyShort(key, frame.key, <usize>keyLength, rowsEnd)
      store<u16>(key, table)
      copyShort(value, frame.value, valueBytes, rowsEnd)
      out = value + valueBytes
      count++
    } else {
      if (number != 0) return lane.CORRUPT
      status = takeCut(block)
      if (status != lane.DONE) break
    }
    next = frame.offset + 1
  }
  store<i64>(block, next, lane.NEXT_OFFSET)
  store<u32>(block, <u32>(out - rows), ROWS_LENGTH)
  store<u32>(block, count, COUNT)
  if (status != lane.DONE) return status
  return record == end ? lane.DONE : lane.CORRUPT
}

function decodeBatch(block: usize, header: usize, end: usize): i32 {
  if (batch.isControl(header)) return lane.DONE
  if (batch.codecOf(header) == batch.CODEC_NONE) {
    return decodeRecords(block, header, header + batch.HEADER_BYTES, end)
  }
  const bytes = inflate(block, header, end)
  if (bytes < 0) return -bytes
  const scratch: usize = load<u32>(block, lane.SCRATCH)
  return decodeRecords(block, header, scratch, scratch + bytes)
}

/**
 * Decodes the RecordBatches at INPUT. Returns a status; on any other than DONE, STOPPED_AT is the
 * RecordBatch. TEXT_FULL: no room for the value of a cut.
 */
export function decodeChangelog(block: usize, checkCrc: u32): i32 {
  let header: usize = load<u32>(block, lane.INPUT)
  const end = header + load<u32>(block, lane.INPUT_LENGTH)
  while (header < end) {
    store<u32>(block, <u32>header, lane.STOPPED_AT)
    const bytes = batch.batchBytes(header, end)
    if (bytes == 0) return lane.CORRUPT
    const next = batch.nextOffset(header)
    if (next > load<i64>(block, lane.NEXT_OFFSET)) {
      if (load<u32>(block, lane.DAMAGED) == <u32>header) return lane.CORRUPT
      if (checkCrc && crc32c(header + 21, <u32>(bytes - 21)) != batch.storedCrc(header)) {
        return lane.CORRUPT
      }
      const status = decodeBatch(block, header, header + bytes)
      if (status != lane.DONE) return status
      store<i64>(block, next, lane.NEXT_OFFSET)
    }
    header += bytes
  }
  store<u32>(block, 0, lane.INFLATED)
  return lane.DONE
}
