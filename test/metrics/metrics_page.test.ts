// docs/metrics.md says what the code has.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

test('the page of metrics is the one that its script writes', () => {
  const script = fileURLToPath(new URL('../../../scripts/metrics_page.js', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})
