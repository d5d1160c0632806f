import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('the JSON bench runs, and what it extracts is right', async () => {
  const bench = join(import.meta.dirname, '../../bench/json.js')
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '--smoke'])
  const lines = stdout.trim().split('\n')
  assert.equal(lines.length, 8)
  for (const line of lines) assert.match(line, /^\S.* (kernel|JSON\.parse) +\d+ ns a record/)
})
