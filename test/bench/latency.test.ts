// Latency at a rate: the schedule, that it waits for nobody, that what waits is seen to have waited,
// and the whole bench, small, on the embedded log.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { latencyCases, nameOf, places } from '../../bench/latency/cases.ts'
import { Feed } from '../../bench/latency/feed.ts'
import { Schedule, TICK_MS } from '../../bench/latency/schedule.ts'
import { type CountRow, RowSightings, Sightings } from '../../bench/latency/sightings.ts'
import { TableWatch } from '../../bench/latency/table_watch.ts'
import { TimedViews } from '../../bench/latency/timed_views.ts'
import { Urls } from '../../bench/latency/urls.ts'
import type { LaneStatistics } from '../../src/app/lane_statistics.ts'
import { type Sensor, Sensors } from '../../src/app/sensors.ts'
import type { Clock } from '../../src/clock.ts'
import type { StoredBatch } from '../../src/log/log.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import { decodeBatches } from '../../src/wire/record_batch.ts'
import { settle } from '../support/manual_clock.ts'
import { smokeBench } from '../support/smoke_bench.ts'

const start = { dueMs: 5000, eventMs: 1_700_000_004_000 }
const usual = { rate: 1000, warmUpSeconds: 1, seconds: 10, partitions: 4, keys: 7 }

const scheduleOf = (options: Partial<typeof usual> = {}): Schedule =>
  new Schedule({ ...usual, ...options }, start)

/** A clock that stands, and calls what is due when it is told to. */
class StandingClock implements Clock {
  time = start.dueMs - 100
  #call = (): void => undefined
  #due = 0

  now(): number {
    return this.time
  }

  monotonic(): number {
    return this.time
  }

  after(ms: number, call: () => void): () => void {
    this.#due = this.time + ms
    this.#call = call
    return () => undefined
  }

  /** Nothing has run until then. */
  moveTo(time: number): void {
    this.time = time
    if (this.#due <= time) this.#call()
  }
}

describe('the schedule', () => {
  test('every event is due in one tick, and a second has as many as the rate says', () => {
    for (const rate of [777, 1000, 300_000]) {
      const schedule = scheduleOf({ rate, seconds: 1 })
      for (const event of [0, 1, 2, 99, schedule.events - 1]) {
        const tick = schedule.tickOf(event)
        assert.ok(schedule.endOf(tick - 1) <= event && event < schedule.endOf(tick))
      }
      const ofSecond = schedule.endOf(1000 / TICK_MS - 1) * usual.partitions
      assert.ok(Math.abs(ofSecond - rate) <= usual.partitions, `${ofSecond} events at ${rate}/s`)
    }
  })

  test('the counts of all keys and windows are all events', () => {
    const schedule = scheduleOf()
    const windows = schedule.windows()
    assert.deepEqual(windows, [1_700_000_000_000, 1_700_000_010_000])
    let total = 0
    for (const window of windows)
      for (let key = 0; key < usual.keys; key++)
        total += schedule.countOf(key, window, schedule.events)
    assert.equal(total * usual.partitions, schedule.total)
  })

  test('events have the time at which they are due, and are in the partition of their url', () => {
    const schedule = scheduleOf()
    const urls = new Urls(usual.partitions, usual.keys)
    const views = new TimedViews(schedule, urls, 1)
    const records = decodeBatches(views.batch(3, 20, 40))
    assert.equal(records.length, 20)
    for (const [index, { key, value }] of records.entries()) {
      const { url, ts } = JSON.parse(Buffer.from(value!).toString())
      assert.equal(url, urls.texts[3][(20 + index) % usual.keys])
      assert.equal(url, Buffer.from(key!).toString())
      assert.equal(partitionOfKey(key!, usual.partitions), 3)
      assert.equal(ts, start.eventMs + schedule.tickOf(20 + index) * TICK_MS)
    }
  })
})

describe('the feed', () => {
  /** What it appends, batch by batch, and how long each waits until it is stored. */
  const fed = (stored: () => Promise<StoredBatch>) => {
    const schedule = scheduleOf({ warmUpSeconds: 0, seconds: 1, partitions: 1 })
    const clock = new StandingClock()
    const batches: { readonly events: number; readonly atMs: number }[] = []
    const feed = new Feed({
      schedule,
      views: {
        batch: (_, from, end) => {
          batches.push({ events: end - from, atMs: clock.time })
          return new Uint8Array(1)
        },
      },
      producer: { appendBatch: stored },
      topic: 'views',
      clock,
    })
    return { schedule, clock, batches, feed }
  }

  test('what is due while nothing is stored waits, is no later for it, and goes together', async () => {
    let store = (_: StoredBatch): void => undefined
    const first = new Promise<StoredBatch>((resolve) => {
      store = resolve
    })
    const { schedule, clock, batches, feed } = fed(() => first)
    const running = feed.run()
    for (let tick = 0; tick < schedule.ticks; tick++) clock.moveTo(schedule.dueMs(tick))
    assert.deepEqual(
      batches.map(({ events }) => events),
      [schedule.endOf(0)],
    )
    assert.equal(feed.lateMs(1), 0)
    store({ offset: 0 })
    await running
    assert.deepEqual(
      batches.map(({ events }) => events),
      [schedule.endOf(0), schedule.events - schedule.endOf(0)],
    )
  })

  test('what it is late with is appended, and told to be late', async () => {
    const { schedule, clock, batches, feed } = fed(async () => ({ offset: 0 }))
    const running = feed.run()
    clock.moveTo(schedule.dueMs(0))
    await settle()
    clock.moveTo(schedule.dueMs(100))
    await settle()
    assert.equal(batches[1].events, schedule.endOf(100) - schedule.endOf(0))
    for (let tick = 101; tick < schedule.ticks; tick++) {
      clock.moveTo(schedule.dueMs(tick))
      await settle()
      assert.equal(batches.at(-1)?.atMs, schedule.dueMs(tick))
    }
    await running
    assert.equal(feed.lateMs(1), 99 * TICK_MS)
    assert.equal(feed.lateMs(0.4), 0)
  })

  test('an append that fails ends it', async () => {
    const { schedule, clock, feed } = fed(() => Promise.reject(new Error('refused')))
    const failing = assert.rejects(feed.run(), /refused/)
    clock.moveTo(schedule.dueMs(0))
    await failing
  })
})

describe('what is seen', () => {
  /** Looks 1 ms after each tick, but for some time in the middle of ten seconds. */
  const stalledFor = (stallMs: number) => {
    const schedule = scheduleOf()
    const sightings = new Sightings(schedule)
    const stall = schedule.dueMs(schedule.warmUpTicks) + 4000
    const seen = new Array(usual.partitions).fill(0)
    for (let tick = 0; tick < schedule.ticks; tick++) {
      const atMs = schedule.dueMs(tick) + 1
      if (atMs > stall && atMs < stall + stallMs) continue
      const end = schedule.endOf(tick)
      for (let partition = 0; partition < usual.partitions; partition++) {
        sightings.seeRange(seen[partition], end, atMs)
        seen[partition] = end
      }
    }
    return sightings.read()
  }

  test('a consumer that keeps up sees all as soon as it looks', () => {
    assert.deepEqual(stalledFor(0), { p50: 1, p99: 1, p999: 1, most: 1, lastAfter: 1 })
  })

  test('a consumer that stalls for a second of ten is seen to have: all that came waited', () => {
    const { p50, p99, p999, most } = stalledFor(1000)
    assert.equal(p50, 1)
    // a tenth of the events waited, from 0 to 1000 ms
    assert.ok(p99 >= 890 && p99 <= 910, `p99 ${p99}`)
    assert.ok(p999 >= 980 && p999 <= 1000, `p99.9 ${p999}`)
    assert.equal(most, 1001)
  })

  test('an event that was not seen, or another one twice, is an error', () => {
    const schedule = scheduleOf({ seconds: 1 })
    const seeing = (ranges: readonly [number, number][]) => {
      const sightings = new Sightings(schedule)
      for (let partition = 0; partition < usual.partitions; partition++)
        for (const [from, end] of ranges) sightings.seeRange(from, end, 9000)
      return sightings.read()
    }
    const { events } = schedule
    assert.ok(seeing([[0, events]]).p50 > 0)
    assert.throws(() => seeing([[0, events - 1]]), /events that were seen/)
    assert.throws(
      () =>
        seeing([
          [0, events - 1],
          [0, 1],
        ]),
      /the times of the events/,
    )
  })

  test('the warm-up does not count', () => {
    const schedule = scheduleOf({ seconds: 1 })
    const sightings = new Sightings(schedule)
    for (let tick = 0; tick < schedule.ticks; tick++) {
      const ms = schedule.counts(tick) ? 3 : 800
      const events = schedule.endOf(tick) - schedule.endOf(tick - 1)
      sightings.see(tick, events * usual.partitions, schedule.dueMs(tick) + ms)
    }
    assert.deepEqual(sightings.read(), { p50: 3, p99: 3, p999: 3, most: 3, lastAfter: 3 })
  })
})

describe('rows of the output', () => {
  const schedule = scheduleOf({ seconds: 8 })
  const urls = new Urls(usual.partitions, usual.keys)
  const rowsAt = (end: number): CountRow[] =>
    schedule.windows().flatMap((from) =>
      urls.texts.flat().map((key) => {
        const views = schedule.countOf(urls.placeOf(key).key, from, end)
        return { key, start: from, views }
      }),
    )

  test('a row has the events that the one before it had not, in each window', () => {
    const rows = new RowSightings(schedule, urls)
    const half = schedule.events >> 1
    const atMs = schedule.dueMs(schedule.ticks)
    for (const row of rowsAt(half)) rows.see(row, atMs - 1000)
    for (const row of rowsAt(half)) rows.see(row, atMs)
    for (const row of rowsAt(schedule.events)) rows.see(row, atMs)
    const { lastAfter, most } = rows.read()
    assert.equal(lastAfter, TICK_MS)
    assert.equal(most, atMs - 1000 - schedule.dueMs(schedule.warmUpTicks))
  })

  test('a last row that is wrong is an error', () => {
    const rows = new RowSightings(schedule, urls)
    for (const row of rowsAt(schedule.events)) rows.see(row, 20_000)
    rows.see({ ...rowsAt(schedule.events)[0], views: 9999 }, 20_000)
    assert.throws(() => rows.read(), /views of \/page/)
  })
})

describe('the table', () => {
  const schedule = scheduleOf({ seconds: 1, partitions: 1 })
  const urls = new Urls(1, usual.keys)

  /** A table that shows the first `shown()` events, whose cuts say that it has `stored`. */
  const watched = (shown: () => number) => {
    const clock = new StandingClock()
    const sensors = new Sensors(() => undefined)
    let stored = 0
    const rowOf = (url: string, end: number): CountRow => {
      const from = schedule.windows()[0]
      return { key: url, start: from, views: schedule.countOf(urls.placeOf(url).key, from, end) }
    }
    const watch = new TableWatch({
      app: {
        sensors,
        statistics: () => [{ partition: 0, storedOffset: stored } as LaneStatistics],
      },
      table: {
        get: async (url) => rowOf(url, shown()),
        async *range() {
          for (const url of urls.texts[0]) yield rowOf(url, shown())
        },
      },
      schedule,
      urls,
      clock,
    })
    const cut = async (end: number, atMs: number): Promise<void> => {
      stored = end
      clock.time = atMs
      const told: Parameters<Required<Sensor>['onCut']>[0] = {
        ms: 2,
        partitions: 1,
        error: undefined,
      }
      sensors.tell('onCut', told)
      await settle()
    }
    return { watch, cut }
  }

  test('events are readable when a read after the cut has answered with their count', async () => {
    let shown = 0
    const { watch, cut } = watched(() => shown)
    const running = watch.run()
    const atMs = schedule.dueMs(schedule.ticks)
    shown = schedule.events
    await cut(10, atMs - 1000)
    await cut(schedule.events, atMs)
    await running
    const { lastAfter } = await watch.read()
    assert.equal(lastAfter, TICK_MS)
    assert.equal(watch.cutMs, 2)
  })

  test('a cut whose events a read does not show is an error', async () => {
    const { watch, cut } = watched(() => 9)
    const failing = assert.rejects(watch.run(), /views are not readable/)
    await cut(10, 9000)
    await failing
  })
})

test('cases that are asked for are all combinations of rates and cuts', () => {
  const cases = latencyCases({
    places,
    logs: ['embedded'],
    rates: [2000],
    commitIntervalsMs: [10, 100],
  })
  assert.deepEqual(
    cases.map((each) => `${each.place} ${nameOf(each)}`),
    [
      'result 2k/s, cuts 10 ms',
      'result 2k/s, cuts 10 ms, exactly once',
      'result 2k/s, cuts 100 ms',
      'result 2k/s, cuts 100 ms, exactly once',
      'output 2k/s, cuts 10 ms',
      'output 2k/s, cuts 10 ms, exactly once',
      'output 2k/s, cuts 100 ms',
      'output 2k/s, cuts 100 ms, exactly once',
      'agent 2k/s, cuts 10 ms',
      'agent 2k/s, cuts 100 ms',
    ],
  )
})

test('the bench of latency, small, on the embedded log', { timeout: 120_000 }, async () => {
  const { rows, svg, stdout } = await smokeBench('latency/latency')
  assert.deepEqual(
    [...new Set(rows.map(({ group }) => group))],
    [
      'From append to the readable result, embedded log',
      'From append to the output, read by another consumer, embedded log',
      "From append to the agent's loop, embedded log",
    ],
  )
  assert.equal(rows.length, 15)
  for (let each = 0; each < rows.length; each += 3) {
    const [p50, p99, p999] = rows.slice(each, each + 3)
    assert.ok(p50.median <= p99.median && p99.median <= p999.median, JSON.stringify(p50))
    assert.ok(p50.facts['keeps up'] !== undefined)
  }
  assert.match(stdout, /2k\/s, cuts 20 ms, exactly once: p99\.9/)
  assert.match(svg, /embedded log, ms/)
})
