// Cron expressions on a clock that moves when told: when they are due, also where clocks change.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Crontab, cronTimes } from '../../src/app/crontab.ts'
import { newApp } from '../support/apps.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'
import { newDirectory } from '../support/program.ts'

const start = Date.parse('2000-01-01T00:00:00Z')
const HOUR_MS = 3_600_000

const due: [expression: string, timezone: string, seconds: number][] = [
  ['*/1 * * * *', 'UTC', 60],
  ['0 20 * * *', 'UTC', 72_000],
  ['0 20 * * *', 'US/Pacific', 14_400],
  ['0 13 4 7 *', 'UTC', 16_030_800],
]

test('an expression is due at the times that it names in its time zone', () => {
  for (const [expression, timezone, seconds] of due) {
    const at = cronTimes('tested', expression, timezone)(start)
    assert.equal((at! - start) / 1000, seconds, `${expression} ${timezone}`)
  }
})

test('a time in the gap of clocks that go forward comes at its end, one of both hours once', () => {
  const times = cronTimes('tested', '30 2 * * *', 'US/Pacific')
  const iso = (ms: number | undefined) => new Date(ms!).toISOString()
  assert.equal(iso(times(Date.parse('2026-03-08T09:00:00Z'))), '2026-03-08T10:00:00.000Z')
  assert.equal(iso(times(Date.parse('2026-03-08T10:00:00Z'))), '2026-03-09T09:30:00.000Z')
  const twice = cronTimes('tested', '30 1 * * *', 'US/Pacific')
  const first = twice(Date.parse('2026-11-01T07:00:00Z'))
  assert.equal(iso(first), '2026-11-01T08:30:00.000Z')
  assert.equal(iso(twice(first!)), '2026-11-02T09:30:00.000Z')
})

test('a crontab calls at each time, also half a year away, and not once more', async () => {
  const clock = new ManualClock(start)
  const calls: string[] = []
  const { crontab } = crontabOf(clock, '0 13 4 7 *', () => {
    calls.push(new Date(clock.now()).toISOString())
  })
  crontab.start()
  await clock.advance(400 * 24 * HOUR_MS)
  assert.deepEqual(calls, ['2000-07-04T13:00:00.000Z'])
  await crontab.stop()
  assert.equal(clock.alarms, 0)
})

test('a call that lasts is never doubled, and what it overran is told', async () => {
  const clock = new ManualClock(start)
  let release = (): void => undefined
  let calls = 0
  const { crontab, skipped } = crontabOf(clock, '* * * * *', () => {
    if (++calls > 1) return
    return new Promise<void>((resolve) => {
      release = resolve
    })
  })
  crontab.start()
  await clock.advance(4.5 * 60_000)
  assert.equal(calls, 1)
  release()
  await settle()
  assert.deepEqual(skipped, [3])
  await clock.advance(60_000)
  assert.equal(calls, 2)
  await crontab.stop()
})

test('a clock that is set back calls nothing twice', async () => {
  const clock = new ManualClock(start)
  let setBackMs = 0
  const wall = { ...methods(clock), now: () => clock.now() - setBackMs }
  const calls: number[] = []
  const { crontab } = crontabOf(wall, '0 * * * *', () => calls.push(clock.now() - start))
  crontab.start()
  await clock.advance(HOUR_MS)
  setBackMs = HOUR_MS / 2
  await clock.advance(HOUR_MS)
  assert.deepEqual(calls, [HOUR_MS])
  await clock.advance(HOUR_MS)
  assert.deepEqual(calls, [HOUR_MS, 2.5 * HOUR_MS])
  await crontab.stop()
})

test('what is no expression and no time zone is refused where it is declared', async (t) => {
  const app = newApp(t, await newDirectory())
  const wrong = { code: 'APP_INVALID' }
  const nothing = () => undefined
  assert.throws(() => app.crontab('wrong', '61 * * * *', nothing), wrong)
  assert.throws(() => app.crontab('never', '0 0 30 2 *', nothing), wrong)
  const timezone = 'Mars/Olympus'
  assert.throws(() => app.crontab('nowhere', '* * * * *', nothing, { timezone }), wrong)
  const elsewhere = newApp(t, await newDirectory(), { timezone })
  elsewhere.crontab('wrong', '* * * * *', nothing)
  await assert.rejects(elsewhere.start(), wrong)
})

function methods(clock: ManualClock) {
  return {
    monotonic: () => clock.monotonic(),
    after: (ms: number, call: () => void) => clock.after(ms, call),
  }
}

function crontabOf(
  clock: Pick<ManualClock, 'now' | 'monotonic' | 'after'>,
  expression: string,
  run: () => unknown,
) {
  const skipped: number[] = []
  const crontab = new Crontab({
    times: cronTimes('tested', expression),
    clock,
    run,
    onError: (error) => assert.fail(String(error)),
    onSkipped: (count) => skipped.push(count),
  })
  return { crontab, skipped }
}
