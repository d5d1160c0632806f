// The plan block: an aggregation's plan as the kernels read it; relocatable (offsets from its own
// start), written once by src/kernel/plan_block.ts, shared by all lanes of the aggregation.

/** u32: number of the table in row keys. */
export const TABLE: usize = 0
export const PLAN_FLAGS: usize = 4
/** u32 count and u32 offset of key columns: (slot offset u32, type u32) each. */
export const KEY_COUNT: usize = 8
export const KEY_COLUMNS: usize = 12
/** u32: slot offset of the time column. */
export const TIME_SLOT: usize = 16
/** u32: offset of the predicate's program, 0 for none. */
export const WHERE: usize = 20
export const WINDOW_SIZE: usize = 24
export const WINDOW_STEP: usize = 32
export const WINDOW_GRACE: usize = 40
export const STATE_BYTES: usize = 48
/** u32 count and offset of aggregates: (kind u32, slot offset u32, state offset u32, 0) each. */
export const AGGREGATE_COUNT: usize = 52
export const AGGREGATES: usize = 56
/** u32: offset of the state of a cell that has seen nothing. */
export const EMPTY_STATE: usize = 60

/** Bits of PLAN_FLAGS. */
export const WINDOWED: u32 = 1
export const KEY_IS_RECORD_KEY: u32 = 2
export const TIME_IS_COLUMN: u32 = 4
/** The key is one string column: its bytes are taken where they lie. */
export const KEY_IS_ONE_STRING: u32 = 8
/** The record's key has to be UTF-8. */
export const KEY_IS_TEXT: u32 = 16
/** It is no plan but a columns block (columns.ts). */
export const INTO_COLUMNS: u32 = 32
/** The record's key has to be there. */
export const KEY_IS_NEEDED: u32 = 64

/** Column types in key columns and predicates. */
export const TYPE_NUMBER: u32 = 0
export const TYPE_INT64: u32 = 1
export const TYPE_STRING: u32 = 2
export const TYPE_BOOLEAN: u32 = 3

/** A slot: what extraction found of one column. */
export const SLOT_STATE: usize = 0
export const SLOT_POINTER: usize = 4
export const SLOT_LENGTH: usize = 8
export const SLOT_VALUE: usize = 16
export const SLOT_PRESENT: u32 = 2
