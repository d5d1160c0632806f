import assert from 'node:assert/strict'
import { test } from 'node:test'
import { smokeBench } from '../support/smoke_bench.ts'

test('the bench of what runs beside a Mandelbrot set measures the event loop and W1', async () => {
  const { rows } = await smokeBench('beside/beside')
  const loop = rows.filter(({ unit }) => unit === 'ms')
  const rates = rows.filter(({ unit }) => unit === 'events/s')
  const kinds = ['nothing else', 'Mandelbrot set', 'W1', 'W1 and Mandelbrot set']
  for (const kind of kinds) {
    const [p50, p99, most] = loop.filter((row) => row.case === kind).map(({ median }) => median)
    assert.ok(p50 <= p99 && p99 <= most, `${kind}: ${p50}, ${p99}, ${most}`)
  }
  assert.equal(loop.length, 3 * kinds.length)
  assert.deepEqual(
    rates.map((row) => row.case),
    ['alone', 'beside a Mandelbrot set'],
  )
  const [alone, beside] = rates
  const share = Number(beside.facts['share of alone'])
  assert.ok(Math.abs(share - beside.median / alone.median) < 0.001)
})
