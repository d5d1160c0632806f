// A day of virtual time in a test driver: a timer that sends each second, an agent with a table,
// windows of a minute with their final rows. Prints how many ms it took. Run by test/long beside
// node:test, which follows every promise and takes three times as long.
import assert from 'node:assert/strict'
import { App } from '../../src/app/app.ts'
import { systemClock } from '../../src/clock.ts'
import { float64, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { count, sum } from '../../src/stream/aggregates.ts'
import { testDriver } from '../../src/testing/test_driver.ts'
import { tumbling } from '../../src/window/windows.ts'

const HOURS = 24
const SENSORS = 5
const Reading = record('Reading', { id: string(), value: float64() })

function dayApp() {
  const app = new App('day')
  const readings = app.topic('readings', { key: string(), value: Reading, keyedBy: 'id' })
  const finals = app.topic('finals')
  const perMinute = app
    .stream(readings)
    .keyBy('id')
    .window(tumbling('1m'))
    .aggregate('per-minute', (r) => ({ readings: count(), total: sum(r.value) }))
  perMinute.final().to(finals)
  const last = app.table('last', { key: string(), value: float64() })
  app.agent(readings, async (stream) => {
    for await (const { id, value } of stream) await last.set(id, value)
  })
  let sent = 0
  app.timer('sensors', '1s', () => {
    const value = sent++
    return readings.send({ value: { id: `s${value % SENSORS}`, value } })
  })
  return { app, readings, finals, last }
}

const { app, readings, finals, last } = dayApp()
const driver = await testDriver(app)
const beganMs = systemClock.monotonic()
await driver.advanceTime(`${HOURS}h`)
const tookMs = Math.round(systemClock.monotonic() - beganMs)
const seconds = HOURS * 3600
assert.equal((await driver.topic(readings).readAll()).length, seconds)
const rows = await driver.topic(finals).readAll()
assert.equal(rows.length, (seconds / 60) * SENSORS)
const total = rows.reduce((sum, { value }) => sum + (value as { total: number }).total, 0)
// the record of the last second is in a window that is open
assert.equal(total, ((seconds - 1) * (seconds - 2)) / 2)
const latest = (await driver.table(last).entries()).map(([, value]) => value).toSorted()
assert.deepEqual(
  latest,
  Array.from({ length: SENSORS }, (_, i) => seconds - SENSORS + i),
)
await driver.stop()
console.log(tookMs)
