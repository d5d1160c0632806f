// Probes: a test begins where it is triggered, travels with the messages, hears signals, and ends
// in a report. On an app, and on a clock that moves when told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveCheckMessage } from '../../src/app/live_check.ts'
import { liveCheckTimes } from '../../src/app/live_check.ts'
import { type LiveCheckFunction, LiveCheckRun } from '../../src/app/live_check_run.ts'
import { App, type LiveCheckOptions, type LiveCheckReport } from '../../src/index.ts'
import { inFolder, newApp, until } from '../support/apps.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'
import { newDirectory } from '../support/program.ts'

test('a test goes with the messages from agent to agent', { timeout: 60_000 }, async (t) => {
  const app = newApp(t, await newDirectory())
  const reports: LiveCheckReport[] = []
  const onReport = (report: LiveCheckReport) => void reports.push(report)
  const signals = ['stored', 'shipped'] as const
  const check = app.liveCheck('order', { signals, onReport }, async ({ data, signals: heard }) => {
    const { total } = data as { total: number }
    assert.equal(await heard.stored.wait({ timeout: '10s' }), total)
    await heard.shipped.wait({ timeout: '10s' })
    assert.ok(total < 100, 'too dear')
  })
  const orders = app.topic<{ total: number }>('orders', { partitions: 1 })
  const shipments = app.topic<{ total: number }>('shipments', { partitions: 1 })
  app.agent(orders, async (stream) => {
    for await (const event of stream.events()) {
      await check.signal('stored', event, event.value.total)
      await shipments.send({ value: event.value, headers: check.testOf(event)?.headers ?? [] })
    }
  })
  app.agent(shipments, async (stream) => {
    for await (const event of stream.events()) await check.signal('shipped', event)
  })
  await app.start()
  const order = async (total: number, id: string) => {
    const begun = await check.trigger({ total }, id)
    await orders.send({ value: { total }, headers: begun!.headers })
  }
  await order(7, 'cheap')
  await order(700, 'dear')
  await orders.send({ value: { total: 1 } })
  await until(() => reports.length === 2)
  const ends = reports.map(({ id, state }) => `${id} ${state}`).sort()
  assert.deepEqual(ends, ['cheap PASS', 'dear FAIL'])
  assert.deepEqual(Object.keys(reports[0].signals).sort(), ['shipped', 'stored'])
  const log = await app.log()
  const sent = await until(async () => {
    const found = await log.read('tested-livecheck-report', 0, 0)
    return found.length === 2 ? found : undefined
  })
  assert.equal(JSON.parse(Buffer.from(sent[0].value!).toString()).check, 'order')
})

interface Ran {
  readonly clock: ManualClock
  readonly reports: LiveCheckReport[]
  take(value: LiveCheckMessage, timestamp?: number): void
  stop(): void
}

function ran(
  run: LiveCheckFunction<unknown, string>,
  options: Partial<LiveCheckOptions<string>> = {},
): Ran {
  const clock = new ManualClock(1_000_000)
  const reports: LiveCheckReport[] = []
  const all = { signals: ['a'], ...options }
  const check = { name: 'c', options: all, times: liveCheckTimes('c', all), run }
  const tests = new LiveCheckRun([check], {
    clock,
    report: async (report) => void reports.push(report),
    failed: (error) => assert.fail(String(error)),
  })
  return {
    clock,
    reports,
    take: (value, timestamp = clock.now()) => {
      const place = { topic: 't', partition: 0, offset: 0, headers: [] }
      tests.take({ ...place, key: value.id, value, timestamp })
    },
    stop: () => tests.stop(),
  }
}

const trigger = { kind: 'test', check: 'c', id: '1', data: 5 } as const
const signal = { kind: 'signal', check: 'c', id: '1', signal: 'a', value: 9 } as const

test('a signal that comes before it is waited for counts', async () => {
  const { take, reports, clock, stop } = ran(async ({ data, signals }) => {
    await new Promise<void>((resolve) => void clock.after(100, resolve))
    assert.equal(((await signals.a.wait()) as number) - (data as number), 4)
  })
  take(trigger)
  await clock.advance(50)
  take(signal)
  await clock.advance(50)
  assert.deepEqual(reports, [{ check: 'c', id: '1', state: 'PASS', ms: 100, signals: { a: 50 } }])
  stop()
  assert.equal(clock.alarms, 0)
})

test('a signal that does not come is TIMEOUT, a throw ERROR, an old test SKIP', async () => {
  const waits = ran(({ signals }) => signals.a.wait({ timeout: '1s' }))
  waits.take(trigger)
  await waits.clock.advance(1000)
  assert.deepEqual(waits.reports[0].state, 'TIMEOUT')
  assert.match(waits.reports[0].error!, /signal a did not come in 1000 ms/)
  const throws = ran(() => {
    throw new TypeError('odd')
  })
  throws.take(trigger)
  await settle()
  assert.equal(throws.reports[0].state, 'ERROR')
  throws.take(trigger, throws.clock.now() - 3_600_000)
  assert.equal(throws.reports[1].state, 'SKIP')
  const hangs = ran(() => new Promise(() => undefined), { expires: '10s' })
  hangs.take(trigger)
  await hangs.clock.advance(10_000)
  assert.equal(hangs.reports[0].state, 'TIMEOUT')
})

test('without a test for long STALL is told once; a test begins the wait again', async () => {
  const { take, reports, clock, stop } = ran(() => undefined, { warnStalledAfter: '1m' })
  await clock.advance(50_000)
  take(trigger)
  await settle()
  await clock.advance(300_000)
  assert.deepEqual(
    reports.map(({ state }) => state),
    ['PASS', 'STALL'],
  )
  stop()
})

test('a test that runs when its worker stops is aborted and not reported', async () => {
  let aborted = false
  const { take, reports, stop } = ran(async ({ signals, signal: ending }) => {
    ending.addEventListener('abort', () => {
      aborted = true
    })
    await signals.a.wait()
  })
  take(trigger)
  stop()
  await settle()
  assert.deepEqual([aborted, reports], [true, []])
})

test('chance decides which triggers become tests', async () => {
  const app = new App('chance', inFolder(await newDirectory()))
  const numbers = [0.1, 0.9]
  const random = () => numbers.shift()!
  const options = { signals: [], probability: 0.5, random }
  const check = app.liveCheck('half', options, () => undefined)
  assert.notEqual(await check.trigger(null), undefined)
  assert.equal(await check.trigger(null), undefined)
  await app.stop()
  const wrong = { signals: [], probability: 2 }
  assert.throws(() => app.liveCheck('wrong', wrong, () => undefined), { code: 'APP_INVALID' })
  assert.throws(() => app.liveCheck('half', options, () => undefined), { code: 'APP_INVALID' })
})
