// Adds one record's columns to a cell's state. Layout of states: src/kernel/state.ts.
import { AGGREGATES, AGGREGATE_COUNT, SLOT_PRESENT, SLOT_STATE, SLOT_VALUE } from './plan'

const COUNT: u32 = 1
const SUM_FLOAT: u32 = 2
const SUM_INTEGER: u32 = 3
const MIN_FLOAT: u32 = 4
const MAX_FLOAT: u32 = 5
const MIN_INTEGER: u32 = 6
const MAX_INTEGER: u32 = 7
const MEAN_FLOAT: u32 = 8

/** Set in the kind of an integer sum or mean whose column is int64 (its slot holds an i64). */
const EXACT: u32 = 256

/**
 * Double-double += double, bit for bit as addDouble of src/kernel/aggregates.ts does it. A sum that
 * has left the finite numbers is what plain addition gives.
 */
// @ts-ignore: decorator
@inline
function addFloat(state: usize, value: f64): void {
  const high = load<f64>(state)
  const sum = high + value
  const part = sum - high
  const error = high - (sum - part) + (value - part) + load<f64>(state, 8)
  const near = sum + error
  const rest = error - (near - sum)
  const total = near + rest
  if (total - total == 0) {
    store<f64>(state, total)
    store<f64>(state, rest - (total - near), 8)
  } else {
    store<f64>(state, sum - sum != 0 ? sum : near - near != 0 ? near : total)
    store<f64>(state, 0, 8)
  }
}

/** i128 += i64. */
// @ts-ignore: decorator
@inline
function addInteger(state: usize, value: i64): void {
  const low = load<u64>(state)
  const sum = low + <u64>value
  store<u64>(state, sum)
  store<i64>(state, load<i64>(state, 8) + (value >> 63) + <i64>(sum < low), 8)
}

// @ts-ignore: decorator
@inline
function integerOf(kind: u32, slot: usize): i64 {
  return kind & EXACT ? load<i64>(slot, SLOT_VALUE) : <i64>load<f64>(slot, SLOT_VALUE)
}

function extreme(kind: u32, state: usize, slot: usize): void {
  if (kind == MIN_FLOAT || kind == MAX_FLOAT) {
    const value = load<f64>(slot, SLOT_VALUE)
    const old = load<f64>(state)
    if (old != old) store<f64>(state, value)
    else store<f64>(state, kind == MIN_FLOAT ? min<f64>(old, value) : max<f64>(old, value))
    return
  }
  const value = load<i64>(slot, SLOT_VALUE)
  const old = load<i64>(state)
  const seen = load<u64>(state, 8)
  if (seen == 0 || (kind == MIN_INTEGER ? value < old : value > old)) store<i64>(state, value)
  store<u64>(state, seen + 1, 8)
}

/** Adds the record in `slots` to the aggregates in `state`. */
export function accumulate(plan: usize, slots: usize, state: usize): void {
  const count = load<u32>(plan, AGGREGATE_COUNT)
  let aggregate: usize = plan + load<u32>(plan, AGGREGATES)
  for (let i: u32 = 0; i < count; i++, aggregate += 16) {
    const kind = load<u32>(aggregate)
    const at: usize = state + load<u32>(aggregate, 8)
    if (kind == COUNT) {
      store<u64>(at, load<u64>(at) + 1)
      continue
    }
    const slot: usize = slots + load<u32>(aggregate, 4)
    if (load<u32>(slot, SLOT_STATE) != SLOT_PRESENT) continue
    const plain = kind & ~EXACT
    if (plain == SUM_FLOAT) addFloat(at, load<f64>(slot, SLOT_VALUE))
    else if (plain == SUM_INTEGER) addInteger(at, integerOf(kind, slot))
    else if (plain >= MEAN_FLOAT) {
      if (plain == MEAN_FLOAT) addFloat(at, load<f64>(slot, SLOT_VALUE))
      else addInteger(at, integerOf(kind, slot))
      store<u64>(at, load<u64>(at, 16) + 1, 16)
    } else extreme(plain, at, slot)
  }
}
