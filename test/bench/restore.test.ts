import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { rocksdbKinds } from '../support/stores.ts'

test('the bench of restores runs on the stores that are there, and every row is right', async () => {
  const bench = join(import.meta.dirname, '../../bench/restore.js')
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '--smoke'])
  const [, ...lines] = stdout.trim().split('\n')
  assert.equal(lines.length, rocksdbKinds.length)
  for (const line of lines) assert.match(line, /^rocksdb-\w+ │ 240000( │ [\d.e+–]+){5} ×$/)
})
