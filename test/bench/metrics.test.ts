import assert from 'node:assert/strict'
import { test } from 'node:test'
import { smokeBench } from '../support/smoke_bench.ts'

test('the bench of metrics compares runs with and without them', async () => {
  const { rows, svg } = await smokeBench('metrics/metrics')
  const [cpuOn, cpuOff, rateOn, rateOff, ratio] = rows
  assert.equal(rows.length, 5)
  for (const on of [cpuOn, rateOn]) assert.equal(on.case, 'with metrics, scraped every second')
  for (const off of [cpuOff, rateOff]) assert.equal(off.case, 'without')
  assert.equal(cpuOff.facts.scrapes, 0)
  assert.equal(cpuOn.facts.events, 50_000)
  const near = (value: number, wanted: number): boolean => Math.abs(value / wanted - 1) < 0.002
  assert.ok(near(ratio.median, cpuOn.median / cpuOff.median))
  assert.ok(near(1 + Number(ratio.facts['difference, %']) / 100, ratio.median))
  assert.match(svg, /with \/ without/)
})
