// The order of packed rows by their keys, good enough for a memtable: neighbours come together, and
// rows of one key stay in their order. Used by loads of stores that take rows one by one.
import assert from 'node:assert/strict'
import { ROW_HEADER_BYTES } from '../batch/rows.ts'

/** Most rows that are ordered at once: an index and 31 bits of a key are one exact double. */
const ORDERED_ROWS_MAX = 1 << 22
const KEY_BYTES = 4
/** Of them that the 31 bits have whole. */
const WHOLE_BYTES = 3
/** So few rows with the same bytes need no further look. */
const RUN_ROWS = 24
/** Keys that differ only far behind stay as they came. */
const DEPTH_MAX = 16

/** Places of the rows. About 0.3 µs a row; no object per row. */
export function rowsByKey(rows: Uint8Array): Uint32Array {
  const places = placesOf(rows)
  const order: Order = { rows, places, moved: new Uint32Array(places.length) }
  if (places.length > 0) arrange(order, 0, places.length, 0, 0)
  return places
}

interface Order {
  readonly rows: Uint8Array
  readonly places: Uint32Array
  /** Room for places that change theirs. */
  readonly moved: Uint32Array
}

function placesOf(rows: Uint8Array): Uint32Array {
  let places = new Uint32Array(Math.max(16, rows.length >>> 6))
  let count = 0
  for (let at = 0; at < rows.length; at = rowEnd(rows, at)) {
    if (count === places.length) {
      const larger = new Uint32Array(2 * count)
      larger.set(places)
      places = larger
    }
    places[count++] = at
  }
  assert(count <= ORDERED_ROWS_MAX, 'too many rows to be ordered')
  return places.subarray(0, count)
}

/** Where the row at `at` ends. */
export function rowEnd(rows: Uint8Array, at: number): number {
  const key = rows[at + 2] | (rows[at + 3] << 8)
  const low = rows[at + 4] | (rows[at + 5] << 8) | (rows[at + 6] << 16)
  return at + ROW_HEADER_BYTES + key + low + rows[at + 7] * 0x1000000
}

function keyLength(rows: Uint8Array, place: number): number {
  return rows[place + 2] | (rows[place + 3] << 8)
}

/** Orders places[from … to), whose keys are the same in their first `skip` bytes. */
function arrange(order: Order, from: number, to: number, skip: number, depth: number): void {
  const { rows, places, moved } = order
  const shared = sharedBytes(order, from, to, skip)
  if (shared === undefined) return
  const codes = new Float64Array(to - from)
  for (let i = from; i < to; i++)
    codes[i - from] = code(rows, places[i], shared) * ORDERED_ROWS_MAX + (i - from)
  codes.sort()
  for (let i = from; i < to; i++) moved[i] = places[from + (codes[i - from] % ORDERED_ROWS_MAX)]
  places.set(moved.subarray(from, to), from)
  if (depth === DEPTH_MAX) return
  let start = from
  let last = Math.floor(codes[0] / ORDERED_ROWS_MAX)
  for (let i = from + 1; i <= to; i++) {
    const next = i < to ? Math.floor(codes[i - from] / ORDERED_ROWS_MAX) : -1
    if (next === last) continue
    if (i - start > RUN_ROWS) arrange(order, start, i, shared + WHOLE_BYTES, depth + 1)
    start = i
    last = next
  }
}

/** How many bytes all the keys share, at least `skip`; undefined where they are all one key. */
function sharedBytes(order: Order, from: number, to: number, skip: number): number | undefined {
  const { rows, places } = order
  const first = places[from] + ROW_HEADER_BYTES
  const firstLength = keyLength(rows, places[from])
  let shared = firstLength
  let differ = false
  for (let i = from + 1; i < to; i++) {
    const key = places[i] + ROW_HEADER_BYTES
    const length = keyLength(rows, places[i])
    const most = Math.min(shared, length)
    let same = skip
    while (same < most && rows[first + same] === rows[key + same]) same++
    differ ||= length !== firstLength || same < shared
    shared = Math.min(shared, same)
  }
  return differ ? Math.max(shared, skip) : undefined
}

/** The first 31 bits of four bytes of a key; zeros behind its end. */
function code(rows: Uint8Array, place: number, skip: number): number {
  const key = place + ROW_HEADER_BYTES
  const end = key + keyLength(rows, place)
  let value = 0
  for (let at = key + skip; at < key + skip + KEY_BYTES; at++)
    value = value * 256 + (at < end ? rows[at] : 0)
  return Math.floor(value / 2)
}
