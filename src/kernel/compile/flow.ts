// What is known at one point of a function beyond what is known of its variables everywhere:
// narrower ranges, and indices that are below a length. Used by the inference.
import type { CompareOperator, ConstantArray, Expression, Variable } from './ir.ts'
import { intersect, isRange, type Known, type Range } from './range.ts'

/** A length: of the array in a variable or of constant data, or the variable that holds it. */
export type Bound = Variable | ConstantArray

/** `variable + offset` */
export interface Sum {
  readonly variable: Variable
  readonly offset: number
}

export class Flow {
  readonly ranges: Map<Variable, Range>
  /**
   * By index variable and bound: the most that can be added to the index so that it stays below.
   */
  readonly below: Map<Variable, Map<Bound, number>>

  constructor(
    ranges = new Map<Variable, Range>(),
    below = new Map<Variable, Map<Bound, number>>(),
  ) {
    this.ranges = ranges
    this.below = below
  }

  copy(): Flow {
    const below = new Map(
      [...this.below].map(([index, bounds]) => [index, new Map(bounds)] as const),
    )
    return new Flow(new Map(this.ranges), below)
  }

  forget(variable: Variable): void {
    this.ranges.delete(variable)
    this.below.delete(variable)
    for (const bounds of this.below.values()) bounds.delete(variable)
  }

  addBelow(index: Variable, bound: Bound, offset: number): void {
    const bounds = this.below.get(index) ?? new Map<Bound, number>()
    bounds.set(bound, Math.max(offset, bounds.get(bound) ?? Number.NEGATIVE_INFINITY))
    this.below.set(index, bounds)
  }
}

/** What holds whichever of the two ways was taken; undefined: not at all. */
export function joinFlows(a: Flow | undefined, b: Flow | undefined): Flow | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const joined = new Flow()
  for (const [variable, range] of a.ranges) {
    const other = b.ranges.get(variable)
    if (other)
      joined.ranges.set(variable, {
        lo: Math.min(range.lo, other.lo),
        hi: Math.max(range.hi, other.hi),
      })
  }
  for (const [index, bounds] of a.below) {
    for (const [bound, offset] of bounds) {
      const other = b.below.get(index)?.get(bound)
      if (other !== undefined) joined.addBelow(index, bound, Math.min(offset, other))
    }
  }
  return joined
}

/** A variable, or one and a constant: what comparisons and indices say something of. */
export function asSum(node: Expression): Sum | undefined {
  if (node.kind === 'get' && node.type === 'number') return { variable: node.variable, offset: 0 }
  if (node.kind === 'set' && node.type === 'number') return { variable: node.variable, offset: 0 }
  if (node.kind !== 'arithmetic' || node.right.kind !== 'number') return undefined
  if (node.operator !== '+' && node.operator !== '-') return undefined
  const inner = asSum(node.left)
  const step = node.operator === '+' ? node.right.value : -node.right.value
  return inner && Number.isInteger(step)
    ? { variable: inner.variable, offset: inner.offset + step }
    : undefined
}

/** The length that an expression is, through variables that are set once. */
function boundOf(node: Expression): Bound | undefined {
  if (node.kind === 'length') return lengthOf(node.array)
  if (node.kind !== 'get') return undefined
  return throughInitial(node.variable, boundOf)
}

/** The length of an array, through variables that are set once and arrays made of a length. */
export function lengthOf(array: Expression): Bound | undefined {
  if (array.kind === 'data') return array.data
  if (array.kind === 'get' || array.kind === 'set') return throughInitial(array.variable, lengthOf)
  return array.kind === 'allocate' ? boundOf(array.length) : undefined
}

/** What a variable was made of says what it is only as long as that cannot change. */
function throughInitial(
  variable: Variable,
  find: (node: Expression) => Bound | undefined,
): Bound | undefined {
  const source = variable.initial && find(variable.initial)
  if (source === undefined || !('name' in source)) return source ?? variable
  return source.isFixed ? source : variable
}

interface BoundSum {
  readonly bound: Bound
  readonly offset: number
}

/** A length and a constant. */
function asBoundSum(node: Expression): BoundSum | undefined {
  if (node.kind === 'arithmetic' && node.right.kind === 'number') {
    const inner = asBoundSum(node.left)
    const step = node.operator === '+' ? node.right.value : -node.right.value
    if (inner === undefined || !/^[-+]$/.test(node.operator) || !Number.isInteger(step))
      return undefined
    return { bound: inner.bound, offset: inner.offset + step }
  }
  const bound = boundOf(node)
  return bound && { bound, offset: 0 }
}

/** The least length that an array can have. */
export function leastLength(array: Expression): number {
  if (array.kind === 'data') return array.data.length
  if (array.kind === 'get') return array.variable.initial ? leastLength(array.variable.initial) : 0
  if (array.kind !== 'allocate') return 0
  return isRange(array.length.known) ? Math.max(0, array.length.known.lo) : 0
}

const mirrored: Readonly<Record<CompareOperator, CompareOperator>> = {
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
  '==': '==',
  '!=': '!=',
}

const negated: Readonly<Record<CompareOperator, CompareOperator>> = {
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  '==': '!=',
  '!=': '==',
}

/** Narrows what is known by a comparison of two integers that holds, or that does not. */
export function narrow(
  flow: Flow,
  comparison: { operator: CompareOperator; left: Expression; right: Expression },
  holds: boolean,
): void {
  const { left, right } = comparison
  if (!isRange(left.known) || !isRange(right.known)) return
  const operator = holds ? comparison.operator : negated[comparison.operator]
  narrowSide(flow, operator, left, right)
  narrowSide(flow, mirrored[operator], right, left)
}

function narrowSide(
  flow: Flow,
  operator: CompareOperator,
  side: Expression,
  other: Expression,
): void {
  const sum = asSum(side)
  if (sum === undefined || !isRange(other.known) || !isRange(side.known)) return
  const { variable, offset } = sum
  const range = allowed(operator, side.known, other.known)
  const shifted = range && { lo: range.lo - offset, hi: range.hi - offset }
  const before = flow.ranges.get(variable) ?? variable.known
  const narrowed = shifted && isRange(before) ? intersect(before, shifted) : undefined
  if (narrowed !== undefined) flow.ranges.set(variable, narrowed)
  if (operator === '<') learnBelow(flow, sum, other)
}

function learnBelow(flow: Flow, { variable, offset }: Sum, other: Expression): void {
  const limit = asBoundSum(other)
  if (limit !== undefined && limit.bound !== variable)
    flow.addBelow(variable, limit.bound, offset - limit.offset)
}

function allowed(operator: CompareOperator, side: Range, other: Range): Range | undefined {
  switch (operator) {
    case '<':
      return { lo: side.lo, hi: Math.min(side.hi, other.hi - 1) }
    case '<=':
      return { lo: side.lo, hi: Math.min(side.hi, other.hi) }
    case '>':
      return { lo: Math.max(side.lo, other.lo + 1), hi: side.hi }
    case '>=':
      return { lo: Math.max(side.lo, other.lo), hi: side.hi }
    case '==':
      return intersect(side, other)
    default:
      return without(side, other)
  }
}

/** `!=` takes away a bound that is one value. */
function without(side: Range, other: Range): Range {
  if (other.lo !== other.hi) return side
  if (side.lo === other.lo) return { lo: side.lo + 1, hi: side.hi }
  if (side.hi === other.hi) return { lo: side.lo, hi: side.hi - 1 }
  return side
}

/** For what is read out of a variable. */
export function knownAt(flow: Flow, variable: Variable): Known {
  if (!isRange(variable.known)) return variable.known
  return flow.ranges.get(variable) ?? variable.known
}
