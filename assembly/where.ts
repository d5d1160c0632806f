// Predicates of `where`: a postfix program over the slots of one record. Truth values are bits of
// one register used as a stack, so nothing is allocated; the encoder bounds the depth to 64.
import {
  SLOT_LENGTH, SLOT_POINTER, SLOT_PRESENT, SLOT_STATE, SLOT_VALUE, TYPE_INT64, TYPE_STRING,
} from './plan'
import { equalBytes } from './bytes'

/**
 * An instruction: op u32, slot offset or operand count u32, type u32, string length u32, value 8
 * bytes.
 */
const INSTRUCTION_BYTES: usize = 24

const END: u32 = 0
const AND: u32 = 1
const OR: u32 = 2
const NOT: u32 = 3
const PRESENT: u32 = 4
const EQ: u32 = 10
const NE: u32 = 11
const LT: u32 = 12
const LE: u32 = 13
const GT: u32 = 14

// @ts-ignore: decorator
@inline
function ordered<T>(op: u32, left: T, right: T): bool {
  if (op == EQ) return left == right
  if (op == NE) return left != right
  if (op == LT) return left < right
  if (op == LE) return left <= right
  if (op == GT) return left > right
  return left >= right
}

function compare(at: usize, op: u32, slot: usize, program: usize): bool {
  if (load<u32>(slot, SLOT_STATE) != SLOT_PRESENT) return false
  const type = load<u32>(at, 8)
  if (type == TYPE_STRING) {
    const length = load<u32>(at, 12)
    const same =
      load<u32>(slot, SLOT_LENGTH) == length &&
      equalBytes(load<u32>(slot, SLOT_POINTER), program + load<u32>(at, 16), length)
    return op == EQ ? same : !same
  }
  if (type == TYPE_INT64) return ordered<i64>(op, load<i64>(slot, SLOT_VALUE), load<i64>(at, 16))
  return ordered<f64>(op, load<f64>(slot, SLOT_VALUE), load<f64>(at, 16))
}

/**
 * Does the record whose columns are in `slots` pass? String constants lie relative to the program.
 */
export function passes(program: usize, slots: usize): bool {
  let truths: u64 = 0
  let at = program
  while (true) {
    const op = load<u32>(at)
    if (op == END) return (truths & 1) != 0
    const operand = load<u32>(at, 4)
    if (op == AND || op == OR) {
      const mask: u64 = operand == 64 ? u64.MAX_VALUE : (<u64>1 << operand) - 1
      const bits = truths & mask
      const truth = op == AND ? bits == mask : bits != 0
      truths = operand == 64 ? <u64>truth : ((truths >> operand) << 1) | <u64>truth
    } else if (op == NOT) {
      truths ^= 1
    } else if (op == PRESENT) {
      truths = (truths << 1) | <u64>(load<u32>(slots + operand, SLOT_STATE) == SLOT_PRESENT)
    } else {
      truths = (truths << 1) | <u64>compare(at, op, slots + operand, program)
    }
    at += INSTRUCTION_BYTES
  }
}
