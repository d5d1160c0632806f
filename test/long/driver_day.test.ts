// A day of virtual time in a test driver, of an app with a timer, windows and a table: nothing is
// lost on the way, and it takes less than ten seconds.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = fileURLToPath(new URL('../support/driver_day.js', import.meta.url))

test('24 hours of a timer, windows and a table', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, [program])
  const tookMs = Number(stdout)
  t.diagnostic(`24 h of virtual time in ${tookMs} ms`)
  assert.ok(tookMs < 10_000, `${tookMs} ms`)
})
