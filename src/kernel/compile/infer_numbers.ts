// What arithmetic, bit operations and Math give for what is known of their operands. Called by the
// inference, after it has visited the operands.
import type { Assumptions } from './assumptions.ts'
import type { Expression, ExpressionOf } from './ir.ts'
import {
  absoluteRange,
  addRanges,
  bitRange,
  hasZero,
  INT32,
  isExactInt64,
  isExactSum,
  isRange,
  isSafe,
  isSmall,
  type Known,
  multiplyRanges,
  quotientRange,
  type Range,
  remainderRange,
  subtractRanges,
} from './range.ts'
import { type ArrayName, arrayFacts } from './types.ts'

export function inferNumber(node: Expression, assumptions: Assumptions, want: boolean): Known {
  switch (node.kind) {
    case 'number':
      return isInteger(node.value) ? { lo: node.value, hi: node.value } : 'float'
    case 'arithmetic':
      return inferArithmetic(node, assumptions, want)
    case 'bits':
      return inferBits(node)
    case 'negate':
      return inferNegate(node, assumptions)
    case 'complement':
      return inferComplement(node.value.known)
    case 'toNumber':
      return { lo: 0, hi: 1 }
    case 'length':
      return lengthRange(node.array.type as ArrayName)
    case 'math':
      return inferMath(node, assumptions, want)
    default:
      return 'float'
  }
}

function isInteger(value: number): boolean {
  return Number.isInteger(value) && !Object.is(value, -0) && isSafe({ lo: value, hi: value })
}

/** A memory of 4 GiB has no longer arrays. */
function lengthRange(type: ArrayName): Range {
  return { lo: 0, hi: Math.min(2 ** (32 - arrayFacts[type].shift), INT32.hi) }
}

function inferArithmetic(
  node: ExpressionOf<'arithmetic'>,
  assumptions: Assumptions,
  want: boolean,
): Known {
  const { operator, left, right, place } = node
  const a = left.known
  const b = right.known
  if (a === undefined || b === undefined) return undefined
  if (a === 'float' || b === 'float' || operator === '**') return 'float'
  const isExact = isSafe(a) && isSafe(b)
  switch (operator) {
    case '+':
    case '-': {
      const sum = operator === '+' ? addRanges(a, b) : subtractRanges(a, b)
      return isExactSum(a, b) && isExactInt64(sum) ? sum : 'float'
    }
    case '*': {
      const product = multiplyRanges(a, b)
      if (!isExact || !isExactInt64(product)) return 'float'
      return productIsZero(a, b) && !assumptions.holds('zero', place) ? 'float' : product
    }
    case '/':
      return want && isExact ? exactQuotient(node, a, b, assumptions) : 'float'
    default: {
      if (!isExact || (hasZero(b) && !assumptions.holds('divisor', place))) return 'float'
      return a.lo < 0 && !assumptions.holds('zero', place) ? 'float' : remainderRange(a, b)
    }
  }
}

/** Of a division that is taken to leave nothing. */
function exactQuotient({ place }: Expression, a: Range, b: Range, assumptions: Assumptions): Known {
  if (!assumptions.holds('whole', place)) return 'float'
  if (hasZero(b) && !assumptions.holds('divisor', place)) return 'float'
  if (hasZero(a) && b.lo < 0 && !assumptions.holds('zero', place)) return 'float'
  return quotientRange(a, b)
}

/** Whether a product can be -0: 0 times something negative. */
export function productIsZero(a: Range, b: Range): boolean {
  return (hasZero(a) && b.lo < 0) || (hasZero(b) && a.lo < 0)
}

function inferBits({ operator, left, right }: ExpressionOf<'bits'>): Known {
  if (left.known === undefined || right.known === undefined) return undefined
  const a = isRange(left.known) ? left.known : undefined
  const b = isRange(right.known) ? right.known : undefined
  return bitRange(operator, a, b)
}

function inferNegate(node: ExpressionOf<'negate'>, assumptions: Assumptions): Known {
  const { known } = node.value
  if (!isRange(known)) return known
  if (!isSafe(known) || (hasZero(known) && !assumptions.holds('zero', node.place))) return 'float'
  return { lo: -known.hi + 0, hi: -known.lo + 0 }
}

function inferComplement(known: Known): Known {
  if (known === undefined) return undefined
  return isRange(known) && isSmall(known) ? { lo: -known.hi - 1, hi: -known.lo - 1 } : INT32
}

function inferMath(node: ExpressionOf<'math'>, assumptions: Assumptions, want: boolean): Known {
  const [first, second] = node.values
  if (node.values.some(({ known }) => known === undefined)) return undefined
  switch (node.name) {
    case 'clz32':
      return { lo: 0, hi: 32 }
    case 'imul':
      return INT32
    case 'floor':
    case 'trunc':
    case 'ceil':
    case 'round':
      return inferRounding(node, assumptions, want)
    case 'abs':
      return isRange(first.known) && isSafe(first.known) ? absoluteRange(first.known) : 'float'
    case 'sign':
      return isRange(first.known) && isSafe(first.known) ? { lo: -1, hi: 1 } : 'float'
    case 'min':
    case 'max':
      return inferExtreme(node.name, first.known, second?.known)
    default:
      return 'float'
  }
}

function inferExtreme(name: 'min' | 'max', a: Known, b: Known): Known {
  if (!isRange(a) || !isRange(b) || !isSafe(a) || !isSafe(b)) return 'float'
  return { lo: Math[name](a.lo, b.lo), hi: Math[name](a.hi, b.hi) }
}

function inferRounding(node: ExpressionOf<'math'>, assumptions: Assumptions, want: boolean): Known {
  const [value] = node.values
  if (isRange(value.known)) return isSafe(value.known) ? value.known : 'float'
  const quotient = integerQuotient(node, assumptions)
  if (quotient !== undefined) return quotient
  return want && assumptions.holds('whole', node.place) ? INT32 : 'float'
}

/**
 * Of Math.floor(a / b) and Math.trunc(a / b) of integers, which need no float: a quotient of safe
 * integers is never rounded up to the next integer.
 */
function integerQuotient(node: ExpressionOf<'math'>, assumptions: Assumptions): Range | undefined {
  const division = quotientOf(node)
  if (division === undefined) return undefined
  const [a, b] = [division.left.known as Range, division.right.known as Range]
  if (hasZero(b) && !assumptions.holds('divisor', node.place)) return undefined
  if (quotientIsZero(node.name, a, b) && !assumptions.holds('zero', node.place)) return undefined
  return quotientRange(a, b)
}

/** The division of safe integers inside of Math.floor or Math.trunc. */
export function quotientOf(node: ExpressionOf<'math'>): ExpressionOf<'arithmetic'> | undefined {
  const [value] = node.values
  if (node.name !== 'floor' && node.name !== 'trunc') return undefined
  if (value.kind !== 'arithmetic' || value.operator !== '/') return undefined
  const { left, right } = value
  const isExact = [left, right].every(({ known }) => isRange(known) && isSafe(known))
  return isExact ? value : undefined
}

/** Whether the rounded quotient can be -0. */
export function quotientIsZero(name: string, a: Range, b: Range): boolean {
  if (name === 'floor') return hasZero(a) && b.lo < 0
  return (a.hi >= 0 && b.lo < 0) || (a.lo < 0 && b.hi > 0)
}
