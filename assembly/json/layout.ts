// The constants that the JSON kernel's files share: characters, the bytes of a schema block (drawn
// in src/kernel/schema_block.ts), of a slot and of the scratch before the slots.

export const TAB: u32 = 0x09
export const LINE: u32 = 0x0a
export const RETURN: u32 = 0x0d
export const SPACE: u32 = 0x20
export const QUOTE: u32 = 0x22
export const PLUS: u32 = 0x2b
export const COMMA: u32 = 0x2c
export const MINUS: u32 = 0x2d
export const DOT: u32 = 0x2e
export const ZERO: u32 = 0x30
export const COLON: u32 = 0x3a
export const OPEN_ARRAY: u32 = 0x5b
export const BACKSLASH: u32 = 0x5c
export const CLOSE_ARRAY: u32 = 0x5d
export const LOWER_E: u32 = 0x65
export const LOWER_U: u32 = 0x75
export const OPEN_OBJECT: u32 = 0x7b
export const CLOSE_OBJECT: u32 = 0x7d
/** `null`, `true` and `alse` as they lie in memory. */
export const NULL_WORD: u32 = 0x6c6c756e
export const TRUE_WORD: u32 = 0x65757274
export const ALSE_WORD: u32 = 0x65736c61

// Schema block.
export const BLOCK_ROOT: usize = 4
export const BLOCK_COLUMNS: usize = 8

// Page: up to 64 fields of a record, then the fields.
export const PAGE_FIELDS: usize = 0
export const PAGE_HINT: usize = 2
export const PAGE_NEXT: usize = 4
export const PAGE_REQUIRED: usize = 8
export const PAGE_LENGTHS: usize = 16
export const PAGE_BYTES: usize = 24

// Field.
export const FIELD_TYPE: usize = 0
export const FIELD_NULLABLE: usize = 1
export const FIELD_INDEX: usize = 2
export const FIELD_HINT: usize = 3
export const FIELD_SLOT: usize = 4
export const FIELD_LENGTH: usize = 8
export const FIELD_NAME: usize = 12
export const FIELD_PREFIX: usize = 16
export const FIELD_MASK: usize = 32
export const FIELD_DETAIL: usize = 36
export const FIELD_CLEAR: usize = 40
export const FIELD_CLEARS: usize = 44
export const FIELD_BYTES: usize = 48

// Types of a field.
export const STRING: u32 = 1
export const FLOAT64: u32 = 2
export const FLOAT32: u32 = 3
export const INTEGER: u32 = 4
export const TIMESTAMP: u32 = 5
export const INT64: u32 = 6
export const BOOLEAN: u32 = 7
export const RECORD: u32 = 8
/** A float that no column reads: only its syntax matters. */
export const NUMBER: u32 = 9
/** Checked by the host unless it is written as one of the texts in the block. */
export const LITERAL: u32 = 10

// Slot.
export const SLOT_BYTES: usize = 24
export const SLOT_STATE: usize = 0
export const SLOT_POINTER: usize = 4
export const SLOT_LENGTH: usize = 8
export const SLOT_VALUE: usize = 16
export const ABSENT: u32 = 0
export const NULL: u32 = 1
export const PRESENT: u32 = 2

// Scratch: the 64 bytes before the slots. Its last 24 are the slot of every field that no column
// reads, so that nothing has to ask whether there is a column.
export const SCRATCH_BYTES: usize = 64
/** i32: what a failed parse means, INVALID_JSON or TEXT_TOO_SMALL. */
export const SCRATCH_FAILURE: usize = 0
/** u32: a byte above 0x7f was met. */
export const SCRATCH_NON_ASCII: usize = 4
/** u32: a backslash was met; who wants to know clears it before. */
export const SCRATCH_ESCAPED: usize = 8
/** u32 pointer: where the next unescaped string goes. */
export const SCRATCH_TEXT: usize = 12
export const SCRATCH_TEXT_END: usize = 16
/** u32 pointer: the schema block. */
export const SCRATCH_SCHEMA: usize = 20
/**
 * u8 each, kept from record to record: index of the field that followed last time. Only guesses.
 */
export const SCRATCH_HINTS: usize = 24
export const HINTS: u32 = 16

export const TEXT_TOO_SMALL: i32 = -1
