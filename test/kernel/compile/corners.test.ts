// Where a compiler easily differs from JavaScript: each case was once wrong, or nearly so.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { compileFunction, kernelPool } from '../../../src/kernels.ts'
import { repositoryRoot } from '../../support/repository.ts'
import * as corners from './functions/corners.ts'

const file = join(repositoryRoot, 'test/kernel/compile/functions/corners.ts')

after(() => kernelPool().close())

type AnyFunction = (...args: never[]) => unknown

/** The same result, and the same arrays, twice: also of a version that assumes less. */
function assertAsJavaScript(fn: AnyFunction, ...args: unknown[]): void {
  const compiled = compileFunction(fn, file)
  const expectedArgs = structuredClone(args) as never[]
  const expected = fn(...expectedArgs)
  for (let run = 0; run < 2; run++) {
    const given = structuredClone(args) as never[]
    assert.deepStrictEqual(compiled.callSync(...given), expected)
    assert.deepStrictEqual(given, expectedArgs)
  }
}

function assertRefused(fn: AnyFunction, message: RegExp): void {
  assert.throws(() => compileFunction(fn, file), { code: 'KERNEL_INVALID', message })
}

test('an array that a turn of a loop leaves to the next one is not overwritten', () => {
  assertAsJavaScript(corners.carried, 5)
  assertAsJavaScript(corners.lastOfTurns, 9)
})

test('a remainder beside a power of two is no mask', () => {
  for (const value of [0, 1, 77, -1]) assertAsJavaScript(corners.besidePowers, value)
})

test('a case compares the whole value, whatever the cases before left of its range', () => {
  for (const value of [-(2 ** 31), 5, -6, 7]) assertAsJavaScript(corners.switched, value)
})

test('what the stored value says of an index does not hold for the index before', () => {
  assertAsJavaScript(corners.storedBehind, new Float64Array(4), 2, 1)
  assertAsJavaScript(corners.storedBehind, new Float64Array(4), 200_000_000, 1)
})

test('a product beyond 2^53 is rounded, also where a sum brings it back', () => {
  assertAsJavaScript(corners.wideProduct, Int32Array.of(94906267, 94906267, -261134300))
  assertAsJavaScript(corners.wideProduct, Int32Array.of(12, -7, 85))
  assertAsJavaScript(corners.wideDifference, 94906267, 94906267)
})

test('an array is read before its index', () => {
  assertAsJavaScript(corners.readBeforeIndex, Float64Array.of(1), Float64Array.of(2))
})

test('arrays of the module that may change are refused, others are constants', () => {
  assertRefused(corners.fromFilledList, /'list' is a list of the module that is written/)
  for (const fn of [corners.fromFilledTable, corners.fromGivenTable, corners.fromAliasedTable])
    assertRefused(fn, /is an array of the module that functions may write to/)
  assertRefused(corners.fromEarly, /'early' is made of an array of the module that is written/)
  assertAsJavaScript(corners.fromLater)
  assertAsJavaScript(corners.throughFunction, 2)
})

test('a variable of the module that a pattern or a loop sets is refused', () => {
  assertRefused(corners.fromScale, /'scale' is a variable of the module that changes/)
  assertRefused(corners.fromLatest, /'latest' is a variable of the module that changes/)
})

test('a default that names a parameter is no constant of the module', () => {
  assertRefused(corners.defaultOfOther, /a default made of another parameter/)
  assertAsJavaScript(corners.twiceCount)
})

test('many calls at once that refute the same assumption', async () => {
  const compiled = compileFunction(corners.roots, file)
  const inputs = Array.from({ length: 40 }, (_, i) => i * 1.5)
  const results = await Promise.all(inputs.map((n) => compiled.call(n)))
  assert.deepStrictEqual(results, inputs.map(corners.roots))
})
