// Writes an AggregationPlan as the bytes that kernels read (assembly/plan.ts has the offsets, with
// the same names). The block is relocatable: every offset in it counts from its own start.
import assert from 'node:assert'
import { encodeCellKey } from '../record/cell_key.ts'
import { SLOT_BYTES } from './lane_block.ts'
import type { AggregationPlan, ColumnType, Predicate } from './plan.ts'
import { emptyState, stateKinds, stateLayout } from './state.ts'

const HEADER_BYTES = 64
const INSTRUCTION_BYTES = 24
/** The kernel keeps truth values in the bits of one u64. */
const PREDICATE_DEPTH_MAX = 64

/** What the first words of a plan block, or of a columns block, say. */
export const planFlag = {
  windowed: 1,
  keyIsRecordKey: 2,
  timeIsColumn: 4,
  keyIsOneString: 8,
  keyIsText: 16,
  /** A columns block (extract/columns_block.ts). */
  intoColumns: 32,
  keyIsNeeded: 64,
} as const
/** Added to the kind of an integer sum or mean over an int64 column. */
const EXACT = 256

const operations = {
  and: 1,
  or: 2,
  not: 3,
  present: 4,
  eq: 10,
  ne: 11,
  lt: 12,
  le: 13,
  gt: 14,
  ge: 15,
} as const

function typeCode(type: ColumnType): number {
  if (type === 'int64') return 1
  if (type === 'string') return 2
  return type === 'boolean' ? 3 : 0
}

/** A growing little-endian buffer. */
class Block {
  bytes = Buffer.alloc(1024)
  length = 0

  /** Reserves zeroed bytes at a multiple of 8; returns their offset. */
  reserve(bytes: number): number {
    const at = Math.ceil(this.length / 8) * 8
    this.length = at + bytes
    while (this.length > this.bytes.length)
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(this.bytes.length)])
    return at
  }

  u32(at: number, value: number): void {
    this.bytes.writeUInt32LE(value, at)
  }

  i64(at: number, value: number): void {
    this.bytes.writeBigInt64LE(BigInt(value), at)
  }
}

interface Instruction {
  readonly op: number
  readonly operand: number
  readonly type: number
  readonly value: string | number | bigint | boolean | undefined
}

/** Postfix order; `depth` is the number of truth values on the stack before. */
function flatten(predicate: Predicate, depth: number, into: Instruction[]): void {
  assert(depth < PREDICATE_DEPTH_MAX, 'a predicate of more than 64 open terms')
  if ('value' in predicate || predicate.op === 'present') {
    const value = 'value' in predicate ? predicate.value : undefined
    const type = typeof value === 'string' ? 2 : typeof value === 'bigint' ? 1 : 0
    into.push({ op: operations[predicate.op], operand: predicate.column * SLOT_BYTES, type, value })
  } else if (predicate.op === 'not') {
    flatten(predicate.of, depth, into)
    into.push({ op: operations.not, operand: 0, type: 0, value: undefined })
  } else {
    predicate.of.forEach((term, i) => {
      flatten(term, depth + i, into)
    })
    into.push({
      op: operations[predicate.op],
      operand: predicate.of.length,
      type: 0,
      value: undefined,
    })
  }
}

function writeWhere(block: Block, predicate: Predicate): number {
  const program: Instruction[] = []
  flatten(predicate, 0, program)
  const start = block.reserve((program.length + 1) * INSTRUCTION_BYTES)
  program.forEach((instruction, i) => {
    const at = start + i * INSTRUCTION_BYTES
    block.u32(at, instruction.op)
    block.u32(at + 4, instruction.operand)
    block.u32(at + 8, instruction.type)
    const { value } = instruction
    if (typeof value === 'string') {
      const text = encodeCellKey(['string'], [value])
      const place = block.reserve(text.length + 16)
      block.bytes.set(text, place)
      block.u32(at + 12, text.length)
      block.u32(at + 16, place - start)
    } else if (typeof value === 'bigint')
      block.bytes.writeBigInt64LE(BigInt.asIntN(64, value), at + 16)
    else if (value !== undefined) block.bytes.writeDoubleLE(Number(value), at + 16)
  })
  return start
}

function writeAggregates(block: Block, plan: AggregationPlan): void {
  const layout = stateLayout(plan)
  const start = block.reserve(layout.fields.length * 16)
  layout.fields.forEach((field, i) => {
    const exact =
      field.type === 'int64' && (field.kind === 'sumInteger' || field.kind === 'meanInteger')
    block.u32(start + i * 16, stateKinds[field.kind].code + (exact ? EXACT : 0))
    block.u32(start + i * 16 + 4, Math.max(0, field.column) * SLOT_BYTES)
    block.u32(start + i * 16 + 8, field.offset)
  })
  const empty = block.reserve(layout.bytes)
  block.bytes.set(emptyState(layout), empty)
  block.u32(48, layout.bytes)
  block.u32(52, layout.fields.length)
  block.u32(56, start)
  block.u32(60, empty)
}

/** The plan block of an aggregation whose rows have the table number `table`. */
export function encodePlanBlock(plan: AggregationPlan, table: number): Uint8Array {
  const block = new Block()
  block.reserve(HEADER_BYTES)
  let flags = 0
  block.u32(0, table)
  if (plan.key.from === 'record') {
    flags |= planFlag.keyIsRecordKey
    if (plan.key.isText) flags |= planFlag.keyIsText
  } else {
    const { columns } = plan.key
    if (columns.length === 1 && plan.columns[columns[0]].type === 'string')
      flags |= planFlag.keyIsOneString
    const start = block.reserve(columns.length * 8)
    columns.forEach((column, i) => {
      block.u32(start + i * 8, column * SLOT_BYTES)
      block.u32(start + i * 8 + 4, typeCode(plan.columns[column].type))
    })
    block.u32(8, columns.length)
    block.u32(12, start)
  }
  if (plan.time.from === 'column') {
    flags |= planFlag.timeIsColumn
    block.u32(16, plan.time.column * SLOT_BYTES)
  }
  if (plan.where !== undefined) block.u32(20, writeWhere(block, plan.where))
  if (plan.window !== undefined) {
    flags |= planFlag.windowed
    block.i64(24, plan.window.sizeMs)
    block.i64(32, plan.window.stepMs)
    block.i64(40, plan.window.graceMs)
  }
  block.u32(4, flags)
  writeAggregates(block, plan)
  return block.bytes.subarray(0, block.length)
}
