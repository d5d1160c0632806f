// Drain and what follows it: dirty cells out as packed rows, merged states back in, cells dropped.
import * as lane from './lane'
import {
  CELL_BYTES, CELL_DELTA, CELL_DIRTY, CELL_FLAGS, CELL_KEY_LENGTH, CELL_SKIPPED, CELL_SLICE,
  CELL_STATE, findCell, rebuildIndex,
} from './cells'
import {
  PLAN_FLAGS, STATE_BYTES, TABLE, WINDOWED, WINDOW_GRACE, WINDOW_SIZE, WINDOW_STEP,
} from './plan'
import { closedWindows } from './window'

const ROW_PUT: u8 = 1
const ROW_DELTA: u8 = 3
const ROW_HEADER_BYTES: usize = 8
/** Bytes of a row's key before the cell's key: src/batch/keys.ts. */
const PLAIN_PREFIX: usize = 2
const WINDOW_PREFIX: usize = 12
const SIGN: u64 = 0x8000000000000000

/**
 * Writes dirty cells into the rows buffer until it is full (FULL: call again) or all are out
 * (DONE).
 */
export function drain(at: usize): i32 {
  const plan: usize = load<u32>(at, lane.PLAN)
  const windowed = (load<u32>(plan, PLAN_FLAGS) & WINDOWED) != 0
  const prefix = windowed ? WINDOW_PREFIX : PLAIN_PREFIX
  const stateBytes: usize = load<u32>(plan, STATE_BYTES)
  const table = load<u32>(plan, TABLE)
  const rows: usize = load<u32>(at, lane.ROWS)
  const end = rows + load<u32>(at, lane.ROWS_CAPACITY)
  const list: usize = load<u32>(at, lane.DIRTY)
  const count = load<u32>(at, lane.DIRTY_COUNT)
  let row = rows
  let done = load<u32>(at, lane.DRAINED)
  let deltas: u32 = 0
  for (; done < count; done++) {
    const cell: usize = load<u32>(list + (<usize>done << 2))
    const keyLength: usize = load<u16>(cell, CELL_KEY_LENGTH)
    const bytes = ROW_HEADER_BYTES + prefix + keyLength + stateBytes
    if (row + bytes > end) break
    const flags = load<u32>(cell, CELL_FLAGS)
    const isDelta = (flags & CELL_DELTA) != 0
    if (isDelta) deltas++
    store<u16>(row, isDelta ? ROW_DELTA : ROW_PUT)
    store<u16>(row, <u16>(prefix + keyLength), 2)
    store<u32>(row, <u32>stateBytes, 4)
    store<u16>(row, bswap<u16>(<u16>table), 8)
    if (windowed) {
      store<u64>(row, bswap<u64>(load<u64>(cell, CELL_SLICE) ^ SIGN), 10)
      store<u16>(row, bswap<u16>(load<u16>(cell, CELL_SKIPPED)), 18)
    }
    const key = row + ROW_HEADER_BYTES + prefix
    memory.copy(key, cell + CELL_STATE + stateBytes, keyLength)
    memory.copy(key + keyLength, cell + CELL_STATE, stateBytes)
    store<u32>(cell, flags & ~CELL_DIRTY, CELL_FLAGS)
    row += bytes
  }
  store<u32>(at, <u32>(row - rows), lane.ROWS_LENGTH)
  store<u32>(at, deltas, lane.DELTAS)
  if (done < count) {
    store<u32>(at, done, lane.DRAINED)
    return lane.FULL
  }
  store<u32>(at, 0, lane.DRAINED)
  store<u32>(at, 0, lane.DIRTY_COUNT)
  return lane.DONE
}

/** Takes merged states of cells that were drained as deltas: they are whole from now on. */
export function absorb(at: usize): i32 {
  const plan: usize = load<u32>(at, lane.PLAN)
  const windowed = (load<u32>(plan, PLAN_FLAGS) & WINDOWED) != 0
  const prefix = windowed ? WINDOW_PREFIX : PLAIN_PREFIX
  let row: usize = load<u32>(at, lane.INPUT)
  const end = row + load<u32>(at, lane.INPUT_LENGTH)
  while (row < end) {
    const keyLength: usize = load<u16>(row, 2)
    const stateBytes: usize = load<u32>(row, 4)
    const key = row + ROW_HEADER_BYTES
    const slice = windowed ? <i64>(bswap<u64>(load<u64>(key, 2)) ^ SIGN) : 0
    const skipped: u32 = windowed ? bswap<u16>(load<u16>(key, 10)) : 0
    const cell = findCell(at, key + prefix, <u32>(keyLength - prefix), slice, skipped)
    if (cell != 0) {
      memory.copy(cell + CELL_STATE, key + keyLength, stateBytes)
      store<u32>(cell, load<u32>(cell, CELL_FLAGS) & ~CELL_DELTA, CELL_FLAGS)
    }
    row = key + keyLength + stateBytes
  }
  return lane.DONE
}

/** Drops cells whose windows are all closed; keeps the order of the others. All cells are clean. */
function dropClosed(at: usize, plan: usize): void {
  const size = load<i64>(plan, WINDOW_SIZE)
  const step = load<i64>(plan, WINDOW_STEP)
  const grace = load<i64>(plan, WINDOW_GRACE)
  const streamTime = load<i64>(at, lane.STREAM_TIME)
  const end: usize = load<u32>(at, lane.HEAP_TOP)
  let from: usize = load<u32>(at, lane.HEAP)
  let to = from
  let kept: u32 = 0
  while (from < end) {
    const bytes: usize = load<u32>(from, CELL_BYTES)
    if (closedWindows(load<i64>(from, CELL_SLICE), size, step, grace, streamTime) >= 0) {
      if (to != from) memory.copy(to, from, bytes)
      to += bytes
      kept++
    }
    from += bytes
  }
  store<u32>(at, <u32>to, lane.HEAP_TOP)
  store<u32>(at, kept, lane.CELL_COUNT)
}

/** Drops every cell; new cells of slices up to the newest dropped one are deltas. */
function dropAll(at: usize): void {
  const end: usize = load<u32>(at, lane.HEAP_TOP)
  let cell: usize = load<u32>(at, lane.HEAP)
  let through = load<i64>(at, lane.STORED_THROUGH)
  while (cell < end) {
    through = max<i64>(through, load<i64>(cell, CELL_SLICE))
    cell += load<u32>(cell, CELL_BYTES)
  }
  store<i64>(at, through, lane.STORED_THROUGH)
  store<u32>(at, load<u32>(at, lane.HEAP), lane.HEAP_TOP)
  store<u32>(at, 0, lane.CELL_COUNT)
}

/**
 * Makes room after a complete drain: drops cells of closed windows; where `all` is not 0 and more
 * than half of the arena stays in use, drops the others too.
 */
export function evict(at: usize, all: u32): i32 {
  const plan: usize = load<u32>(at, lane.PLAN)
  const half: usize = ((<usize>load<u32>(at, lane.HEAP_END) - <usize>load<u32>(at, lane.HEAP)) >> 1)
  if (load<u32>(plan, PLAN_FLAGS) & WINDOWED && load<i64>(at, lane.STREAM_TIME) != lane.NO_TIME) {
    dropClosed(at, plan)
  }
  const used: usize = <usize>load<u32>(at, lane.HEAP_TOP) - <usize>load<u32>(at, lane.HEAP)
  const many = load<u32>(at, lane.CELL_COUNT) > load<u32>(at, lane.CELL_LIMIT) >> 1
  if (all && (used > half || many)) dropAll(at)
  rebuildIndex(at)
  return lane.DONE
}
