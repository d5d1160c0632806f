// What every coded error owes to whoever meets it. Used by the tests of errors.
import assert from 'node:assert/strict'
import { describeError, type ErrorCode, type ErrorPlace, EuphorionError } from '../../src/index.ts'

/** Checks code, message and place, and that the paragraph for people has it all and an advice. */
export function isError(code: ErrorCode, says: RegExp, place: ErrorPlace = {}) {
  return (error: unknown): true => {
    assert.ok(error instanceof EuphorionError, String((error as Error)?.stack ?? error))
    assert.equal(error.code, code, error.stack)
    assert.match(error.message, says)
    const known = Object.entries(error.place).filter(([, value]) => value !== undefined)
    assert.deepEqual(Object.fromEntries(known), place)
    const text = describeError(error)
    assert.ok(text.startsWith(`${code}: ${error.message}`), text)
    for (const [name, value] of known) assert.ok(text.includes(`${name} ${value}`), text)
    assert.ok(error.advice.length > 10 && text.endsWith(`\n  ${error.advice}`), text)
    assert.doesNotMatch(text, /^\s+at .*\d$/m)
    return true
  }
}
