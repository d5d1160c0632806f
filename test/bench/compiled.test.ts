import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('the bench of compiled functions runs, and every result is that of JavaScript', async () => {
  const bench = join(import.meta.dirname, '../../bench/compiled.js')
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '--smoke'])
  const lines = stdout.trimEnd().split('\n')
  assert.ok(lines.length >= 10)
  for (const line of lines)
    assert.match(line, /^\w+ +JavaScript +[\d.]+ µs +compiled +[\d.]+ µs +[\d.]+ x$/)
})
