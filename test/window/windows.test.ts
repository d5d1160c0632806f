import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
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
  for (const bad of ['', 's', '-1s', '1w', 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
    refused(() => tumbling(bad as number), /window size: .* is no duration/)
  assert.equal(hopping(60_000, 1).stepMs, 1)
})
