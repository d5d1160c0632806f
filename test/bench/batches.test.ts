import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('the bench of batches runs with every reader, and every sum is right', async () => {
  const bench = join(import.meta.dirname, '../../bench/batches.js')
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '--smoke'])
  const lines = stdout.trimEnd().split('\n')
  assert.equal(lines.length, 5)
  for (const line of lines) assert.match(line, /^ *[\d.]+ M events\/s +[\d.]+ × {2}\w/)
})
