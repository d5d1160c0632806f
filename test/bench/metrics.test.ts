import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('the bench of metrics compares runs with and without them', async () => {
  const bench = join(import.meta.dirname, '../../bench/metrics.js')
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '--smoke'])
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    lines.map(({ pair }) => pair),
    [0, undefined],
  )
  const [{ on, off }, { difference, events }] = lines
  assert.ok(on.cpuSecondsPerMillion > 0 && off.cpuSecondsPerMillion > 0)
  assert.equal(off.scrapes, 0)
  assert.equal(events, 50_000)
  const percent = (on.cpuSecondsPerMillion / off.cpuSecondsPerMillion - 1) * 100
  assert.equal(difference.meanPercent, Number(percent.toFixed(2)))
})
