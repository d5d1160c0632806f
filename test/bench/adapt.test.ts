import assert from 'node:assert/strict'
import { test } from 'node:test'
import { smokeBench } from '../support/smoke_bench.ts'

test('the bench of adapted fetches compares every case with and without', async () => {
  const { rows, svg } = await smokeBench('adapt/adapt')
  const groups = new Set(rows.map(({ group }) => group))
  assert.ok([...groups].every((group) => /embedded log/.test(group)))
  for (const group of groups) {
    const cases = rows.filter((row) => row.group === group).map((row) => row.case)
    assert.deepEqual(cases.slice(0, 2), ['off', 'on'])
  }
  assert.ok(groups.has('W1 at 20,000 events/s, embedded log: p99 to the readable result'))
  assert.match(svg, /W2, default settings/)
})
