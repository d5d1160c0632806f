import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
import { parseDuration } from '../../src/window/duration.ts'
import { hopping, tumbling } from '../../src/window/windows.ts'

function refused(call: () => unknown, message: RegExp): void {
  assert.throws(
    call,
    (error) =>
      error instanceof EuphorionError &&
      error.code === 'SETTING_INVALID' &&
      message.test(error.message),
  )
}

test('durations are whole milliseconds, or a number with a unit', () => {
  const good: [number | string, number][] = [
    [0, 0],
    [1500, 1500],
    ['500ms', 500],
    ['10s', 10_000],
    ['1.1s', 1100],
    ['0.5m', 30_000],
    ['1h', 3_600_000],
    ['2d', 172_800_000],
  ]
  for (const [text, ms] of good) assert.equal(parseDuration(text), ms, String(text))
  const bad = ['', '10', 's', '10 s', '-1s', '1.5ms', '1.0001s', '1e3s', '1w', '10S', '9e99d']
  for (const text of [...bad, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
    refused(() => parseDuration(text, 'every'), /^every: .* is no duration/)
})

test('windows have their defaults: no grace, results kept for a day', () => {
  assert.deepEqual(tumbling('10s'), {
    sizeMs: 10_000,
    stepMs: 10_000,
    graceMs: 0,
    retentionMs: 86_400_000,
  })
  assert.deepEqual(hopping('60s', 7000, { grace: '5s', retention: '1h' }), {
    sizeMs: 60_000,
    stepMs: 7000,
    graceMs: 5000,
    retentionMs: 3_600_000,
  })
})

test('windows that cannot be are refused', () => {
  refused(() => tumbling(0), /step is at least 1 ms/)
  refused(() => hopping('1s', '2s'), /at most the size/)
  refused(() => hopping('1s', 0), /at least 1 ms/)
  refused(() => hopping(60_001, 1), /more than 60000 windows/)
  refused(() => tumbling(-5), /window size: -5 is no duration/)
  refused(() => tumbling('1s', { grace: -1 }), /window grace/)
  refused(() => tumbling('1s', { retention: 1.5 }), /window retention/)
  assert.equal(hopping(60_000, 1).stepMs, 1)
})
