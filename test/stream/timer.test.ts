import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Timer } from '../../src/stream/timer.ts'
import { ManualClock } from '../support/manual_clock.ts'

function timerOf(clock: ManualClock, everyMs: number, run: (signal: AbortSignal) => unknown) {
  const errors: unknown[] = []
  const skipped: number[] = []
  const timer = new Timer({
    everyMs,
    clock,
    run,
    onError: (error) => errors.push(error),
    onSkipped: (count) => skipped.push(count),
  })
  return { timer, errors, skipped }
}

test('a timer calls first after one period, then at its multiples', async () => {
  const clock = new ManualClock(1000)
  const calls: number[] = []
  const { timer } = timerOf(clock, 100, () => calls.push(clock.monotonic()))
  timer.start()
  await clock.advance(99)
  assert.deepEqual(calls, [])
  await clock.advance(301)
  assert.deepEqual(calls, [100, 200, 300, 400])
  await timer.stop()
  await clock.advance(1000)
  assert.equal(calls.length, 4)
  assert.equal(clock.alarms, 0)
})

test('a slow call is never doubled, skips the ticks it overran and shifts none', async () => {
  const clock = new ManualClock()
  const calls: number[] = []
  let release = (): void => undefined
  const { timer, skipped } = timerOf(clock, 100, () => {
    calls.push(clock.monotonic())
    if (calls.length > 1) return
    return new Promise<void>((resolve) => {
      release = resolve
    })
  })
  timer.start()
  await clock.advance(350)
  assert.deepEqual(calls, [100])
  release()
  await clock.advance(0)
  await new Promise(setImmediate)
  await clock.advance(250)
  assert.deepEqual(calls, [100, 400, 500, 600])
  assert.deepEqual(skipped, [2])
  await timer.stop()
})

test('a call that fails is reported and the timer goes on', async () => {
  const clock = new ManualClock()
  let calls = 0
  const { timer, errors } = timerOf(clock, 10, () => {
    calls++
    throw new Error(`call ${calls}`)
  })
  timer.start()
  await clock.advance(30)
  await timer.stop()
  assert.deepEqual(
    errors.map((error) => String(error)),
    ['Error: call 1', 'Error: call 2', 'Error: call 3'],
  )
})

test('stop aborts the signal of the call under way and waits for its end', async () => {
  const clock = new ManualClock()
  let ended = false
  const { timer, errors } = timerOf(clock, 10, async (signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    ended = true
    throw new Error('aborted')
  })
  timer.start()
  await clock.advance(10)
  await timer.stop()
  assert.equal(ended, true)
  assert.deepEqual(errors, [])
})
