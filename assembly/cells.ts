// The hash table of a lane: an open-addressed index over a heap of cells, both in the lane's arena.
//
//   index   [hash, cell][hash, cell][0, 0]…          linear probing, a power of two entries
//   heap    ┌ cell ─────────────────────────────────────────────────────────┐┌ cell …
//           │ slice i64 │ hash u32 │ skipped u16 │ key length u16 │ flags u32 │
//           │ bytes u32 │ state … │ key bytes … │ padding to 8                 │
//
// Nothing is freed one by one: evict drops cells and slides the others together.
import * as lane from './lane'
import { equalBytes, hashBytes } from './bytes'
import { EMPTY_STATE, STATE_BYTES } from './plan'

export const CELL_SLICE: usize = 0
export const CELL_HASH: usize = 8
export const CELL_SKIPPED: usize = 12
export const CELL_KEY_LENGTH: usize = 14
export const CELL_FLAGS: usize = 16
export const CELL_BYTES: usize = 20
export const CELL_STATE: usize = 24

/** The cell changed since it was drained (and stands in the dirty list). */
export const CELL_DIRTY: u32 = 1
/** The state is a difference to what the store holds. */
export const CELL_DELTA: u32 = 2

// @ts-ignore: decorator
@inline
function cellHash(key: usize, length: u32, slice: i64, skipped: u32): u32 {
  return hashBytes(key, length, <u64>slice * 0x9e3779b97f4a7c15 + <u64>skipped)
}

/** The cell, or 0. */
export function findCell(at: usize, key: usize, length: u32, slice: i64, skipped: u32): usize {
  const hash = cellHash(key, length, slice, skipped)
  const index: usize = load<u32>(at, lane.INDEX)
  const mask = load<u32>(at, lane.INDEX_MASK)
  const keyOffset = CELL_STATE + load<u32>(load<u32>(at, lane.PLAN), STATE_BYTES)
  let place = hash & mask
  while (true) {
    const entry = index + (<usize>place << 3)
    const cell: usize = load<u32>(entry, 4)
    if (cell == 0) return 0
    if (
      load<u32>(entry) == hash &&
      load<i64>(cell) == slice &&
      load<u32>(cell, CELL_SKIPPED) == (skipped | (length << 16)) &&
      equalBytes(cell + keyOffset, key, length)
    ) {
      return cell
    }
    place = (place + 1) & mask
  }
}

/** The cell, made if it is new; 0 when there is no room for it. */
export function takeCell(at: usize, key: usize, length: u32, slice: i64, skipped: u32): usize {
  const hash = cellHash(key, length, slice, skipped)
  const index: usize = load<u32>(at, lane.INDEX)
  const mask = load<u32>(at, lane.INDEX_MASK)
  const plan: usize = load<u32>(at, lane.PLAN)
  const keyOffset = CELL_STATE + load<u32>(plan, STATE_BYTES)
  let place = hash & mask
  let entry: usize
  while (true) {
    entry = index + (<usize>place << 3)
    const cell: usize = load<u32>(entry, 4)
    if (cell == 0) break
    if (
      load<u32>(entry) == hash &&
      load<i64>(cell) == slice &&
      load<u32>(cell, CELL_SKIPPED) == (skipped | (length << 16)) &&
      equalBytes(cell + keyOffset, key, length)
    ) {
      return cell
    }
    place = (place + 1) & mask
  }
  const bytes = (keyOffset + length + 7) & ~7
  const cell: usize = load<u32>(at, lane.HEAP_TOP)
  const count = load<u32>(at, lane.CELL_COUNT)
  if (count >= load<u32>(at, lane.CELL_LIMIT)) return 0
  if (cell + bytes > <usize>load<u32>(at, lane.HEAP_END)) return 0
  store<u32>(at, <u32>(cell + bytes), lane.HEAP_TOP)
  store<u32>(at, count + 1, lane.CELL_COUNT)
  store<i64>(cell, slice)
  store<u32>(cell, hash, CELL_HASH)
  store<u32>(cell, skipped | (length << 16), CELL_SKIPPED)
  store<u32>(cell, slice <= load<i64>(at, lane.STORED_THROUGH) ? CELL_DELTA : 0, CELL_FLAGS)
  store<u32>(cell, <u32>bytes, CELL_BYTES)
  memory.copy(cell + CELL_STATE, plan + load<u32>(plan, EMPTY_STATE), keyOffset - CELL_STATE)
  memory.copy(cell + keyOffset, key, length)
  store<u32>(entry, hash)
  store<u32>(entry, <u32>cell, 4)
  return cell
}

/** Puts the cell on the dirty list, once. The list has room for every cell. */
// @ts-ignore: decorator
@inline
export function markDirty(at: usize, cell: usize): void {
  const flags = load<u32>(cell, CELL_FLAGS)
  if (flags & CELL_DIRTY) return
  store<u32>(cell, flags | CELL_DIRTY, CELL_FLAGS)
  const count = load<u32>(at, lane.DIRTY_COUNT)
  store<u32>(<usize>load<u32>(at, lane.DIRTY) + (<usize>count << 2), <u32>cell)
  store<u32>(at, count + 1, lane.DIRTY_COUNT)
}

/** Enters every cell of the heap into the index, which may be a new and larger one. */
export function rebuildIndex(at: usize): void {
  const index: usize = load<u32>(at, lane.INDEX)
  const mask = load<u32>(at, lane.INDEX_MASK)
  memory.fill(index, 0, (<usize>mask + 1) << 3)
  const end: usize = load<u32>(at, lane.HEAP_TOP)
  let cell: usize = load<u32>(at, lane.HEAP)
  while (cell < end) {
    const hash = load<u32>(cell, CELL_HASH)
    let place = hash & mask
    while (load<u32>(index + (<usize>place << 3), 4) != 0) place = (place + 1) & mask
    store<u32>(index + (<usize>place << 3), hash)
    store<u32>(index + (<usize>place << 3), <u32>cell, 4)
    cell += load<u32>(cell, CELL_BYTES)
  }
}

/** Moves the heap to a larger place (the host has allocated it) and rebuilds the index. */
export function moveHeap(at: usize, heap: usize, heapEnd: usize): void {
  const from: usize = load<u32>(at, lane.HEAP)
  const used: usize = <usize>load<u32>(at, lane.HEAP_TOP) - from
  memory.copy(heap, from, used)
  const list: usize = load<u32>(at, lane.DIRTY)
  const count = load<u32>(at, lane.DIRTY_COUNT)
  for (let i: u32 = 0; i < count; i++) {
    const entry = list + (<usize>i << 2)
    store<u32>(entry, <u32>(<usize>load<u32>(entry) - from + heap))
  }
  store<u32>(at, <u32>heap, lane.HEAP)
  store<u32>(at, <u32>(heap + used), lane.HEAP_TOP)
  store<u32>(at, <u32>heapEnd, lane.HEAP_END)
  rebuildIndex(at)
}
