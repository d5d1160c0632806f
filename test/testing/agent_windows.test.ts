// Windowed tables of agents on simulated machines with faults: whatever happens, each event counts
// once in each of its windows, and what is told of closed windows is what was counted.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { App } from '../../src/app/app.ts'
import { json } from '../../src/record/codec.ts'
import { integer, string } from '../../src/record/fields.ts'
import { type SimulationOutcome, simulate } from '../../src/testing/simulate.ts'

const SIZE = 4000
const STEP = 2000
const GRACE = 1000

interface Closed {
  readonly key: string
  readonly start: number
  readonly value: number
}

/** Counts events by key and window, and sends what has closed. */
function counting(): App {
  const app = new App('windows', {})
  const views = app.topic('views', { key: string(), partitions: 4 })
  const closed = app.topic('closed', { key: string(), value: json<Closed>(), partitions: 1 })
  const counts = app
    .table('counts', { key: string(), value: integer(), default: 0 })
    .hopping(SIZE, STEP, { grace: GRACE, expires: '6s' })
    .onWindowClose(({ key, start, value }) => closed.send({ key, value: { key, start, value } }))
  app.agent(views, async (stream) => {
    for await (const { key } of stream.events()) await counts.update(key, (n) => n + 1)
  })
  return app
}

const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString()

/** What the windows must hold: 'start key' to count, and of which all are closed. */
function model({ records }: SimulationOutcome) {
  const counts = new Map<string, number>()
  const closed = new Map<string, number>()
  for (let partition = 0; partition < 4; partition++) {
    const own = new Map<string, number>()
    let time = Number.NEGATIVE_INFINITY
    for (const { key, timestamp, partition: at } of records('views')) {
      if (at !== partition) continue
      time = Math.max(time, Number(timestamp))
      const last = Math.floor(Number(timestamp) / STEP) * STEP
      for (let start = last - SIZE + STEP; start <= last; start += STEP) {
        if (start + SIZE + GRACE <= time) continue
        const name = `${start} ${text(key)}`
        own.set(name, (own.get(name) ?? 0) + 1)
      }
    }
    for (const [name, count] of own) {
      counts.set(name, count)
      if (Number(name.split(' ')[0]) + SIZE + GRACE <= time) closed.set(name, count)
    }
  }
  return { counts, closed }
}

function wrong(outcome: SimulationOutcome, isExactlyOnce: boolean): string[] {
  const { counts, closed } = model(outcome)
  const found: string[] = []
  const told = new Map<string, number>()
  for (const { value } of outcome.records('closed')) {
    const { key, start, value: count } = JSON.parse(text(value)) as Closed
    const name = `${start} ${key}`
    if (isExactlyOnce && told.has(name)) found.push(`${name} was told twice`)
    if (counts.get(name) !== count) found.push(`${name} was told with ${count}`)
    told.set(name, count)
  }
  for (const [name] of closed) if (!told.has(name)) found.push(`${name} was not told`)
  for (const [name] of told) if (!closed.has(name)) found.push(`${name} has not closed`)
  const rows = new Map<string, string | undefined>()
  for (const { key, value } of outcome.records('windows-counts-changelog')) {
    if (key![1] !== 1 || key!.length <= 10) continue
    const start = Buffer.from(key!).readBigInt64BE(2) ^ -(1n << 63n)
    rows.set(`${start} ${text(key!.subarray(10))}`, value === null ? undefined : text(value))
  }
  for (const [name, count] of counts) {
    const row = rows.get(name)
    if (row === undefined && rows.has(name) && told.has(name)) continue
    if (Number(row) !== count) found.push(`${name} is ${row}, not ${count}`)
  }
  return found
}

describe('an agent counts in windows', () => {
  for (let seed = 1; seed <= 8; seed++) {
    const guarantee = seed % 2 === 0 ? 'at_least_once' : 'exactly_once'
    test(`seed ${seed}, ${guarantee}`, { timeout: 120_000 }, async () => {
      const report = await simulate(counting, {
        seed,
        seconds: 20,
        settings: { guarantee, tableCacheEntries: 100, standbyReplicas: seed % 3 === 0 ? 0 : 1 },
        events: (random, _, nowMs) => ({
          topic: 'views',
          key: `k${Math.floor(random() * 40)}`,
          value: '0',
          timestamp: nowMs - Math.floor(random() ** 3 * 6000),
        }),
        check: (outcome) => {
          const found = wrong(outcome, guarantee === 'exactly_once')
          return found.length === 0 ? undefined : found.join(', ')
        },
      })
      assert.deepEqual(report.failures, [])
      assert.ok(report.events > 100)
    })
  }
})
