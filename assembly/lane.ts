// The lane descriptor: where everything of one lane lies in shared memory, and where it stands. The
// host writes it (src/kernel/lane_block.ts has the same offsets); any thread may run the lane,
// one at a time. Fields are u32 up to TASK, i64 from NEXT_OFFSET on.

export const SCHEMA: usize = 0
export const PLAN: usize = 4
/** Hash index: entries of 8 bytes (hash u32, cell u32; cell 0: free), a power of two many. */
export const INDEX: usize = 8
export const INDEX_MASK: usize = 12
export const CELL_COUNT: usize = 16
/** Cells at which the index counts as full; also the capacity of the dirty list. */
export const CELL_LIMIT: usize = 20
export const HEAP: usize = 24
export const HEAP_TOP: usize = 28
export const HEAP_END: usize = 32
/** Addresses of the cells that changed since they were drained. */
export const DIRTY: usize = 36
export const DIRTY_COUNT: usize = 40
/** How many of the dirty list the running drain has written. */
export const DRAINED: usize = 44
export const ROWS: usize = 48
export const ROWS_CAPACITY: usize = 52
export const ROWS_LENGTH: usize = 56
export const REJECTS: usize = 60
export const REJECTS_CAPACITY: usize = 64
export const REJECTS_LENGTH: usize = 68
/** 24 bytes a column; the 64 bytes before belong to the lane too (json/extract.ts). */
export const SLOTS: usize = 72
export const TEXT: usize = 76
export const TEXT_CAPACITY: usize = 80
/** Room for one composite key. */
export const KEY: usize = 84
/** Bytes that a status asks for. */
export const NEED: usize = 88
export const FLAGS: usize = 92
/** Address of the Batch (FlatBuffer) to consume, or of the rows to absorb. */
export const INPUT: usize = 96
export const INPUT_LENGTH: usize = 100
export const SCRATCH: usize = 104
export const SCRATCH_CAPACITY: usize = 108
/** Header of the RecordBatch that the host has decompressed into scratch, 0 for none. */
export const INFLATED: usize = 112
export const INFLATED_LENGTH: usize = 116
/** The RecordBatch at which a status other than DONE was returned. */
export const STOPPED_AT: usize = 120
/** A RecordBatch that the host found to be damaged, 0 for none. */
export const DAMAGED: usize = 124

export const NEXT_OFFSET: usize = 128
/** Largest time counted so far; -1 before the first. */
export const STREAM_TIME: usize = 136
/** The store may hold cells of slices up to this start: new cells there are deltas. */
export const STORED_THROUGH: usize = 144
/** A record later than this is bad. */
export const TIME_LIMIT: usize = 152
export const COUNTED: usize = 160
export const LATE: usize = 168
export const BAD: usize = 176
export const FILTERED: usize = 184
/** u32: how many of the rows of the last drain are deltas. */
export const DELTAS: usize = 192
// from 200 to 223: what the host's threads note of their work
export const LANE_BYTES: usize = 256

export const NO_TIME: i64 = -1

/** Bits of FLAGS. */
export const KEEP_BAD: u32 = 1
export const STOP_AT_BAD: u32 = 2
export const KEEP_LATE: u32 = 4
export const CHECK_CRC: u32 = 8

/** What a call came to. */
export const DONE: i32 = 0
/** No room for another cell. */
export const FULL: i32 = 1
/** No room for another reject (NEED bytes for one). */
export const REJECTS_FULL: i32 = 2
/** A bad record, and the policy is to stop. */
export const STOPPED: i32 = 3
/** CRC, framing or compressed data of the RecordBatch at STOPPED_AT is wrong. */
export const CORRUPT: i32 = 4
/** TEXT needs NEED bytes. */
export const TEXT_FULL: i32 = 5
/** The host has to decompress the RecordBatch at STOPPED_AT (gzip, zstd) into scratch. */
export const INFLATE: i32 = 6
/** The RecordBatch at STOPPED_AT does not fit into scratch when decompressed. */
export const SCRATCH_FULL: i32 = 7
