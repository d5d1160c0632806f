// The lane descriptor as the host sees it: the offsets of assembly/lane.ts, and the statuses that a
// kernel returns. Fields are u32 unless said; those from nextOffset on are i64.

export const laneField = {
  schema: 0,
  plan: 4,
  index: 8,
  indexMask: 12,
  cellCount: 16,
  cellLimit: 20,
  heap: 24,
  heapTop: 28,
  heapEnd: 32,
  dirty: 36,
  dirtyCount: 40,
  drained: 44,
  rows: 48,
  rowsCapacity: 52,
  rowsLength: 56,
  rejects: 60,
  rejectsCapacity: 64,
  rejectsLength: 68,
  slots: 72,
  text: 76,
  textCapacity: 80,
  key: 84,
  need: 88,
  flags: 92,
  input: 96,
  inputLength: 100,
  scratch: 104,
  scratchCapacity: 108,
  inflated: 112,
  inflatedLength: 116,
  stoppedAt: 120,
  damaged: 124,
  nextOffset: 128,
  streamTime: 136,
  storedThrough: 144,
  timeLimit: 152,
  counted: 160,
  late: 168,
  bad: 176,
  filtered: 184,
  deltas: 192,
} as const

/** What threads note of their work in the descriptor, beside the kernels' fields; f64. */
export const laneWork = { consumes: 200, consumeMs: 208, otherMs: 216 } as const

export const LANE_BYTES = 256
/** The kernels' part of the descriptor. */
export const LANE_KERNEL_BYTES = 200
/** The part of the lane's memory before its slots that extraction may keep notes in. */
export const SLOT_NOTES_BYTES = 64
export const SLOT_BYTES = 24

export const laneFlag = { keepBad: 1, stopAtBad: 2, keepLate: 4, checkCrc: 8 } as const

export const laneStatus = {
  done: 0,
  full: 1,
  rejectsFull: 2,
  stopped: 3,
  corrupt: 4,
  textFull: 5,
  inflate: 6,
  scratchFull: 7,
  /** Of threads, not of kernels: the batch is not damaged, but cannot be decompressed here. */
  refused: 8,
} as const

/** What a task does with its lane; added to the lane's address, which is a multiple of 64. */
export const laneTask = {
  consume: 0,
  drain: 1,
  absorb: 2,
  evictClosed: 3,
  evictAll: 4,
  moveHeap: 5,
  /** Of changelogs: the address is that of a block (changelog/block.ts). */
  decodeChangelog: 6,
  encodeChangelog: 7,
  sealChangelog: 8,
} as const

/**
 * A rejected record in the lane's buffer: entry bytes u32, reason u32, offset i64, timestamp i64,
 * record bytes u32, 0 u32.
 */
export const REJECT_HEADER_BYTES = 32
