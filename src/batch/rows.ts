// Packed rows: how drained cells travel from a kernel to the store. Little-endian, unaligned, one
// row after the other:
//
//   ┌────┬─────┬────────────┬──────────────┬───────────┬─────────────┐
//   │ op │  0  │ key length │ value length │ key bytes │ value bytes │
//   │ u8 │ u8  │    u16     │     u32      │           │             │
//   └────┴─────┴────────────┴──────────────┴───────────┴─────────────┘

/** Bytes before the key of a packed row. */
export const ROW_HEADER_BYTES = 8

export const ROW_PUT = 1
export const ROW_DELETE = 2
/** The value is a difference to what the store holds: merge before it is written. */
export const ROW_DELTA = 3

/** Calls `visit` with the spans of every row; no object per row. */
export function eachRow(
  rows: Uint8Array,
  visit: (op: number, keyStart: number, keyEnd: number, valueEnd: number) => void,
): void {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
  let at = 0
  while (at < rows.length) {
    const keyStart = at + ROW_HEADER_BYTES
    const keyEnd = keyStart + view.getUint16(at + 2, true)
    const valueEnd = keyEnd + view.getUint32(at + 4, true)
    visit(rows[at], keyStart, keyEnd, valueEnd)
    at = valueEnd
  }
}

/** Appends one row at `at`; returns the offset behind it. The caller has checked the room. */
export function writeRow(
  target: Uint8Array,
  at: number,
  op: number,
  key: Uint8Array,
  value: Uint8Array,
): number {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength)
  target[at] = op
  target[at + 1] = 0
  view.setUint16(at + 2, key.length, true)
  view.setUint32(at + 4, value.length, true)
  target.set(key, at + ROW_HEADER_BYTES)
  target.set(value, at + ROW_HEADER_BYTES + key.length)
  return at + ROW_HEADER_BYTES + key.length + value.length
}
