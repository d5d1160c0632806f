import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('the bench of the lanes runs with one thread and with two, and every total is right', async () => {
  const bench = join(import.meta.dirname, '../../bench/lanes.js')
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '2', '--smoke'])
  assert.match(stdout, /^1 threads .+ 1\.00 × one thread\n2 threads .+ × one thread\n$/)
})
