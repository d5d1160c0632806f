// Values as a program sees them: 0 and -0 differ, a NaN is a NaN whatever its bits. Used by the tests
// of compiled functions.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'

function isSame(a: unknown, b: unknown): boolean {
  const isList = (each: unknown): each is ArrayLike<unknown> =>
    ArrayBuffer.isView(each) || Array.isArray(each)
  if (!isList(a) || !isList(b)) return Object.is(a, b)
  if (a.constructor !== b.constructor || a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!isSame(a[i], b[i])) return false
  return true
}

export function assertSame(actual: unknown, expected: unknown, what = ''): void {
  if (isSame(actual, expected)) return
  const [is, wanted] = [actual, expected].map((each) => inspect(each, { breakLength: 200 }))
  assert.fail(`${what} is ${is}, not ${wanted}`)
}
