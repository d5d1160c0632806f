// The block of a task on a changelog as the host sees it: the offsets of assembly/changelog.ts. A
// task is its address plus what to do (lane_block.ts).

/** Encoding and sealing; u32, but timeMs, which is f64. */
export const blockField = {
  row: 0,
  rowsEnd: 4,
  at: 8,
  end: 12,
  count: 16,
  start: 20,
  codec: 24,
  timeMs: 32,
} as const

/** Decoding, u32; the other fields are those of a lane. */
export const decodeField = {
  rows: 0,
  rowsCapacity: 4,
  rowsLength: 8,
  count: 16,
  table: 20,
  cut: 24,
  cutCapacity: 28,
  cutLength: 32,
} as const

/** Of a block for encoding. */
export const BLOCK_BYTES = 64
/** In place of a length: none was found. */
export const NO_CUT = 0xffffffff
