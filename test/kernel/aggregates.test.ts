// States of cells: sums against exact arithmetic, merges in any grouping and order, edge values.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addDouble, addInteger, finishState, mergeStates } from '../../src/kernel/aggregates.ts'
import type { AggregateFunction, AggregationPlan, ColumnType } from '../../src/kernel/plan.ts'
import { emptyState, type StateLayout, stateLayout } from '../../src/kernel/state.ts'

const UNIT = 1074n

/** The double as an integer number of 2^-1074. */
function exact(x: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, x)
  const bits = view.getBigUint64(0)
  const exponent = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xfffffffffffffn
  const size = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n)
  return bits >> 63n ? -size : size
}

/** The double nearest to numerator / denominator, in units of 2^-1074; ties to even. */
function nearest(numerator: bigint, denominator = 1n): number {
  const negative = numerator < 0n
  const size = negative ? -numerator : numerator
  let low = 0n
  let high = 0x7ff0000000000000n // bits of doubles are in the order of their values
  const value = (bits: bigint) => {
    const view = new DataView(new ArrayBuffer(8))
    view.setBigUint64(0, bits)
    return view.getFloat64(0)
  }
  while (high - low > 1n) {
    const middle = (low + high) >> 1n
    if (exact(value(middle)) * denominator <= size) low = middle
    else high = middle
  }
  const below = exact(value(low)) * denominator
  const above = exact(value(low + 1n)) * denominator
  const twice = 2n * size - below - above
  const bits = twice > 0n || (twice === 0n && low & 1n) ? low + 1n : low
  return negative ? -value(bits) : value(bits)
}

function ulpsApart(a: number, b: number): number {
  const order = (x: number) => {
    const view = new DataView(new ArrayBuffer(8))
    view.setFloat64(0, x + 0)
    const bits = view.getBigInt64(0)
    return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits
  }
  return Math.abs(Number(order(a) - order(b)))
}

function layoutOf(fn: AggregateFunction, type: ColumnType): StateLayout {
  const plan: AggregationPlan = {
    name: 't',
    value: undefined,
    columns: [{ path: ['v'], type }],
    where: undefined,
    key: { from: 'record' },
    time: { from: 'record' },
    window: undefined,
    aggregates: [{ name: 'out', fn, column: fn === 'count' ? -1 : 0 }],
    maxFutureMs: 0,
  }
  return stateLayout(plan)
}

/** The state of one value; of nothing when undefined. */
function stateOf(layout: StateLayout, value: number | bigint | undefined): DataView {
  const view = new DataView(emptyState(layout).buffer as ArrayBuffer)
  if (value === undefined) return view
  const { kind } = layout.fields[0]
  if (kind === 'count') view.setBigUint64(0, 1n, true)
  else if (kind === 'sumFloat' || kind === 'meanFloat') addDouble(view, 0, Number(value), 0)
  else if (kind === 'sumInteger' || kind === 'meanInteger') addInteger(view, 0, value)
  else if (kind === 'minFloat' || kind === 'maxFloat') view.setFloat64(0, Number(value), true)
  else {
    view.setBigInt64(0, BigInt(value), true)
    view.setBigUint64(8, 1n, true)
  }
  if (kind === 'meanFloat' || kind === 'meanInteger') view.setBigUint64(16, 1n, true)
  return view
}

type Value = number | bigint | undefined

/** Merges the values in a tree shaped by `cuts`. */
function mergeTree(
  layout: StateLayout,
  values: readonly Value[],
  cuts: readonly number[],
): DataView {
  let states = values.map((value) => stateOf(layout, value))
  if (states.length === 0) return stateOf(layout, undefined)
  for (let turn = 0; states.length > 1; turn++) {
    const at = (cuts[turn % cuts.length] ?? 0) % (states.length - 1)
    mergeStates(layout, states[at], 0, states[at + 1], 0)
    states = states.toSpliced(at + 1, 1)
  }
  return states[0]
}

const result = (layout: StateLayout, state: DataView) => finishState(layout, state, 0, {}).out
const evaluate = (layout: StateLayout, values: readonly Value[], cuts: readonly number[]) =>
  result(layout, mergeTree(layout, values, cuts))

const shape = fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 })
const floats = fc.array(
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1e150 }),
    fc.double({ noNaN: true, min: 0, max: 1000 }),
    fc.nat(1000).map((n) => n / 10),
  ),
  { maxLength: 80 },
)

test('a float sum is within 1 ulp of the correctly rounded one, however it is merged', () => {
  const layout = layoutOf('sum', 'float64')
  fc.assert(
    fc.property(floats, shape, fc.boolean(), (values, cuts, negate) => {
      const signed = negate ? values.map((value) => -value) : values
      const expected = nearest(signed.reduce((sum, value) => sum + exact(value), 0n))
      const sum = evaluate(layout, signed, cuts)
      assert.ok(ulpsApart(sum as number, expected) <= 1, `${sum} for ${expected}`)
    }),
  )
})

test('a float sum of both signs is within 1 ulp as long as it cancels less than 2^40', () => {
  const layout = layoutOf('sum', 'float64')
  const mixed = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { maxLength: 60 })
  fc.assert(
    fc.property(mixed, shape, (values, cuts) => {
      const total = values.reduce((sum, value) => sum + exact(value), 0n)
      const size = values.reduce((sum, value) => sum + exact(Math.abs(value)), 0n)
      fc.pre((total < 0n ? -total : total) * (1n << 40n) >= size)
      assert.ok(ulpsApart(evaluate(layout, values, cuts) as number, nearest(total)) <= 1)
    }),
  )
})

test('adding a value is merging the state that holds only this value, bit for bit', () => {
  const layout = layoutOf('sum', 'float64')
  fc.assert(
    fc.property(floats, (values) => {
      const added = stateOf(layout, undefined)
      const merged = stateOf(layout, undefined)
      for (const value of values) {
        addDouble(added, 0, value, 0)
        mergeStates(layout, merged, 0, stateOf(layout, value), 0)
      }
      assert.deepEqual(new Uint8Array(added.buffer), new Uint8Array(merged.buffer))
    }),
  )
})

test('a sum that leaves the finite numbers is what plain addition gives', () => {
  const layout = layoutOf('sum', 'float64')
  const sum = (...values: number[]) => evaluate(layout, values, [0])
  assert.equal(sum(1e308, 1e308), Number.POSITIVE_INFINITY)
  assert.equal(sum(1e308, 1e308, -1e308), Number.POSITIVE_INFINITY)
  assert.equal(sum(Number.NEGATIVE_INFINITY, 1), Number.NEGATIVE_INFINITY)
  assert.ok(Number.isNaN(sum(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)))
  assert.equal(sum(Number.MAX_VALUE, 2 ** 969, 2 ** 969), Number.POSITIVE_INFINITY)
  assert.equal(sum(Number.MAX_VALUE, 1), Number.MAX_VALUE)
  assert.equal(sum(1e16, 1, -1e16), 1)
  assert.equal(sum(), 0)
})

test('integer sums are exact over the whole range of int64', () => {
  const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
  const wide = layoutOf('sum', 'int64')
  fc.assert(
    fc.property(fc.array(int64, { maxLength: 50 }), shape, (values, cuts) => {
      const expected = values.reduce((sum, value) => sum + value, 0n)
      assert.equal(evaluate(wide, values, cuts), expected)
      const added = stateOf(wide, undefined)
      for (const value of values) addInteger(added, 0, value)
      assert.equal(result(wide, added), expected)
    }),
  )
  const plain = layoutOf('sum', 'integer')
  fc.assert(
    fc.property(fc.array(fc.maxSafeInteger(), { maxLength: 50 }), shape, (values, cuts) => {
      const expected = values.reduce((sum, value) => sum + BigInt(value), 0n)
      assert.equal(evaluate(plain, values, cuts), Number(expected))
    }),
  )
})

test('a mean is within 1 ulp of the exact quotient, and of integers correctly rounded', () => {
  const float = layoutOf('mean', 'float64')
  fc.assert(
    fc.property(floats, shape, (values, cuts) => {
      const mean = evaluate(float, values, cuts)
      if (values.length === 0) return assert.equal(mean, null)
      const total = values.reduce((sum, value) => sum + exact(value), 0n)
      assert.ok(ulpsApart(mean as number, nearest(total, BigInt(values.length))) <= 1)
    }),
  )
  const whole = layoutOf('mean', 'integer')
  const wide = layoutOf('mean', 'int64')
  const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
  fc.assert(
    fc.property(fc.array(int64, { minLength: 1, maxLength: 30 }), shape, (values, cuts) => {
      const total = values.reduce((sum, value) => sum + value, 0n) << UNIT
      const expected = nearest(total, BigInt(values.length)) + 0
      assert.equal((evaluate(wide, values, cuts) as number) + 0, expected)
    }),
  )
  assert.equal(evaluate(whole, [1, 2, 2], [0]), 5 / 3)
  assert.equal(evaluate(whole, [], [0]), null)
})

test('the mean of very small and very large floats stays finite and close', () => {
  const layout = layoutOf('mean', 'float64')
  assert.equal(evaluate(layout, [5e-324, 5e-324], [0]), 5e-324)
  assert.equal(evaluate(layout, [1e307, 1e307, 1e307], [0]), 1e307)
  assert.equal(evaluate(layout, [1e308, 1e308], [0]), Number.POSITIVE_INFINITY)
})

test('min and max are exact, do not depend on order, and are null for nothing', () => {
  const any = fc.array(fc.option(fc.double({ noNaN: true }), { nil: undefined }), { maxLength: 20 })
  const some = (values: readonly Value[]) => values.filter((value) => value !== undefined)
  fc.assert(
    fc.property(any, shape, (values, cuts) => {
      const present = some(values) as number[]
      const least = evaluate(layoutOf('min', 'float64'), values, cuts)
      const most = evaluate(layoutOf('max', 'float64'), values, cuts)
      assert.ok(Object.is(least, present.length ? Math.min(...present) : null))
      assert.ok(Object.is(most, present.length ? Math.max(...present) : null))
    }),
  )
  const whole = fc.array(
    fc.option(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), { nil: undefined }),
  )
  fc.assert(
    fc.property(whole, shape, (values, cuts) => {
      const sorted = (some(values) as bigint[]).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      assert.equal(evaluate(layoutOf('min', 'int64'), values, cuts), sorted[0] ?? null)
      assert.equal(evaluate(layoutOf('max', 'int64'), values, cuts), sorted.at(-1) ?? null)
    }),
  )
})

test('counts add up beyond 32 bits, and a row keeps the order of the plan', () => {
  const layout = layoutOf('count', 'float64')
  const many = stateOf(layout, undefined)
  many.setBigUint64(0, 0xffffffffn, true)
  mergeStates(layout, many, 0, stateOf(layout, 1), 0)
  assert.equal(result(layout, many), 2 ** 32)
  const plan = layoutOf('sum', 'int64')
  assert.deepEqual(Object.keys(finishState(plan, stateOf(plan, 1n), 0, { key: 'a' })), [
    'key',
    'out',
  ])
})
