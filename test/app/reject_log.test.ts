import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RejectLog } from '../../src/app/reject_log.ts'
import type { Logger } from '../../src/logger.ts'
import { ManualClock } from '../support/manual_clock.ts'

test('the first bad records are logged one by one, a flood by its number', async () => {
  const lines: Record<string, unknown>[] = []
  const clock = new ManualClock(0)
  const logger = { warn: (facts: Record<string, unknown>) => lines.push(facts) }
  const log = new RejectLog(logger as unknown as Logger, clock)
  const bad = (offset: number) =>
    log.add(
      { topic: 't', partition: 1, offset, timestamp: 0, key: null, value: null, reason: 'x' },
      'skip',
    )
  for (let offset = 0; offset < 1000; offset++) bad(offset)
  assert.equal(lines.length, 10)
  assert.deepEqual(lines[9], { topic: 't', partition: 1, offset: 9, reason: 'x', policy: 'skip' })
  await clock.advance(10_000)
  bad(1000)
  bad(1001)
  assert.deepEqual(
    lines.slice(10).map(({ offset, notLoggedBefore }) => [offset, notLoggedBefore]),
    [
      [1000, 990],
      [1001, undefined],
    ],
  )
})
