import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('the bench of what runs beside a Mandelbrot set measures both', async () => {
  const bench = join(import.meta.dirname, '../../bench/beside.js')
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '--smoke'])
  const { eventLoop, w1, isMet } = JSON.parse(stdout)
  for (const delays of [eventLoop.idle, eventLoop.besideMandelbrot])
    assert.ok(delays.p50Ms > 0 && delays.p50Ms <= delays.p99Ms && delays.p99Ms <= delays.maxMs)
  assert.ok(eventLoop.besideMandelbrotAndW1.p99Ms > 0)
  assert.equal(w1.alone.runs.length, 1)
  assert.ok(w1.beside.eventsPerSecond > 0 && w1.share > 0)
  assert.deepEqual(Object.keys(isMet), ['p99', 'rate'])
})
