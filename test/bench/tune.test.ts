import assert from 'node:assert/strict'
import { test } from 'node:test'
import { smokeBench } from '../support/smoke_bench.ts'

test('the bench of tune compares what was found with the start, the defaults and the best seen', async () => {
  const { stdout, rows, svg } = await smokeBench('tune/tune')
  const names = rows.map((row) => row.case)
  for (const name of ['start', 'defaults', 'found, seed 1']) assert.ok(names.includes(name), name)
  for (const { samples, unit } of rows) assert.deepEqual([samples, unit], [2, 'events/s'])
  const [best] = [...rows].sort((a, b) => b.median - a.median)
  assert.equal(best.facts['of the best'], 1)
  assert.match(stdout, /found, seed 1/)
  assert.ok(svg.startsWith('<svg ') && svg.endsWith('</svg>\n'))
})
