// The block of a task on a changelog: where it reads, writes, and stands. The host writes it
// (src/kernel/changelog/block.ts has the same offsets); fields are u32.

/** Encoding: the next row, and the byte behind the last. */
export const ROW: usize = 0
export const ROWS_END: usize = 4
/** The next byte of the batch, and the byte behind its room. */
export const AT: usize = 8
export const END: usize = 12
/** Records of the batch, or rows that were decoded. */
export const COUNT: usize = 16

/** Decoding; fields from NEED on are those of a lane (lane.ts). INPUT are bare RecordBatches. */
export const ROWS: usize = 0
export const ROWS_CAPACITY: usize = 4
export const ROWS_LENGTH: usize = 8
/** Number of the table in the rows. */
export const TABLE: usize = 20
/** Value of the last record with the key "cut". */
export const CUT: usize = 24
export const CUT_CAPACITY: usize = 28
/** NO_CUT: none. */
export const CUT_LENGTH: usize = 32

export const NO_CUT: u32 = 0xffffffff

/** Number of every table in the keys of its changelog, as the first two bytes have it. */
export const CHANGELOG_TABLE: u16 = 0x0100
/** The bytes 00 00 c u t. */
export const CUT_KEY_LOW: u32 = 0x75630000
export const CUT_KEY_HIGH: u8 = 0x74
export const CUT_KEY_BYTES: i32 = 5

export const ROW_PUT: u16 = 1
export const ROW_DELETE: u16 = 2
export const ROW_HEADER_BYTES: usize = 8
