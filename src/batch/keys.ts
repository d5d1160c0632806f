// Keys of rows in a store; order-preserving, so that a table, a slice of time and an expiry are
// each one range of keys. Integers are big-endian, the slice start has its sign flipped:
//
//   windowed   table u16 │ slice start i64 │ skipped u16 │ key bytes
//   plain      table u16 │ key bytes
//   reserved   0 u16     │ text            (cuts, table numbers: table/meta.ts)
//
// `skipped` is how many of the windows that share the slice, oldest first, were closed already for
// the records of the cell: 0 unless they were late for some. Tumbling windows have one slice a
// window.
//
// Key bytes: the record's key as it is, or for keyBy on one string field its UTF-8 (a lone
// surrogate as its three-byte form, WTF-8). Other fields in order-preserving form: numbers
// (integer, float64, float32, timestamp) 8 bytes, big-endian IEEE with the sign bit flipped, or all
// bits if negative (-0 is stored as 0); int64 8 bytes with the sign flipped; boolean one byte. With
// several fields, strings are ended by 00 00 and a zero byte inside is written 00 FF.

export const KEY_TABLE_BYTES = 2
export const KEY_WINDOW_BYTES = 2 + 8 + 2
/** Longest key of a cell; a longer one makes a bad record. */
export const KEY_BYTES_MAX = 32768

const SIGN = 1n << 63n

export function writeWindowPrefix(
  view: DataView,
  at: number,
  table: number,
  sliceStart: bigint,
  skipped: number,
): void {
  view.setUint16(at, table)
  view.setBigUint64(at + 2, BigInt.asUintN(64, sliceStart) ^ SIGN)
  view.setUint16(at + 10, skipped)
}

export function readSliceStart(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
  return Number(BigInt.asIntN(64, view.getBigUint64(2) ^ SIGN))
}

export function readSkipped(key: Uint8Array): number {
  return (key[10] << 8) | key[11]
}
