// Packed rows as records of a RecordBatch: what src/kernel/changelog/encode.ts does, byte by byte.
import {
  AT, CHANGELOG_TABLE, COUNT, END, ROW, ROW_DELETE, ROW_HEADER_BYTES, ROWS_END,
} from './changelog'
import { copyShort } from './copy'
import { unsignedVarintBytes, writeUnsignedVarint } from './varint'

/** Attributes, difference of the time, count of headers. */
const FIXED_BYTES: u32 = 3
const NULL_VARINT: u32 = 1

/** Appends rows until the next one does not fit; where it begins is ROW then. */
export function encodeChangelog(block: usize): void {
  let row: usize = load<u32>(block, ROW)
  const rowsEnd: usize = load<u32>(block, ROWS_END)
  let out: usize = load<u32>(block, AT)
  const end: usize = load<u32>(block, END)
  let count = load<u32>(block, COUNT)
  while (row < rowsEnd) {
    const keyBytes: u32 = load<u16>(row, 2)
    const rowValueBytes = load<u32>(row, 4)
    const isDelete = load<u8>(row) == ROW_DELETE
    const valueBytes: u32 = isDelete ? 0 : rowValueBytes
    const valueVarint: u32 = isDelete ? NULL_VARINT : valueBytes << 1
    const body =
      FIXED_BYTES + unsignedVarintBytes(count << 1) + unsignedVarintBytes(keyBytes << 1) +
      keyBytes + unsignedVarintBytes(valueVarint) + valueBytes
    if (end - out < <usize>(unsignedVarintBytes(body << 1) + body)) break
    out = writeUnsignedVarint(out, body << 1)
    store<u16>(out, 0)
    out = writeUnsignedVarint(out + 2, count << 1)
    out = writeUnsignedVarint(out, keyBytes << 1)
    const key = row + ROW_HEADER_BYTES
    copyShort(out, key, keyBytes, end)
    store<u16>(out, CHANGELOG_TABLE)
    out = writeUnsignedVarint(out + keyBytes, valueVarint)
    copyShort(out, key + keyBytes, valueBytes, end)
    out += valueBytes
    store<u8>(out++, 0)
    row = key + keyBytes + rowValueBytes
    count++
  }
  store<u32>(block, <u32>row, ROW)
  store<u32>(block, <u32>out, AT)
  store<u32>(block, count, COUNT)
}
