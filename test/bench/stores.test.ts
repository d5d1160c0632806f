import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { rocksdbKinds } from '../support/stores.ts'

test('the bench of the stores runs on the kinds that are there, and every count is right', async () => {
  const bench = join(import.meta.dirname, '../../bench/stores.js')
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '--smoke'])
  const [head, ...lines] = stdout.trim().split('\n')
  assert.equal(head, ['median of', 1, ...rocksdbKinds, 'ratio'].join(' │ '))
  const copies = rocksdbKinds.includes('rocksdb-native')
  assert.equal(lines.length, copies ? 7 : 6)
  for (const line of lines) assert.match(line, /^[^│]+( │ [\d.e+–]+)+( ×)?$/)
})
