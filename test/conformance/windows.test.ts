// Which windows hold a time, in numbers that users of Faust may know. Ends are not part of their
// windows, and windows begin at multiples of the step whatever the size. Seconds in the tables.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Table } from '../../src/stream/table.ts'
import type { Duration } from '../../src/units.ts'
import { counter, openWindowed } from '../support/windowed_table.ts'

type Counter = Table<string, number, number>
type Window = readonly [size: number, step: number]

const SECOND = 1000
/** The clock of the tables, so that no time of theirs is too far ahead. */
const NOW = 1_700_000_000 * SECOND

const open = ([size, step]: Window) =>
  openWindowed(counter, (table: Counter) => table.hopping(size * SECOND, step * SECOND), {
    now: NOW,
  })

const from = (first: number, step: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index * step)

const holding: readonly {
  readonly name: string
  readonly window: Window
  readonly times: readonly number[]
  readonly starts: readonly number[]
}[] = [
  { name: 'from its start to its end', window: [10, 10], times: [0, 5, 9.9, 9.999], starts: [0] },
  { name: 'an end is the next start', window: [10, 10], times: [10, 19.9], starts: [10] },
  { name: 'and so on', window: [10, 10], times: [20], starts: [20] },
  { name: 'before 1970', window: [10, 10], times: [-1, -10, -0.001], starts: [-10] },
  { name: 'of today', window: [10, 10], times: [1603122451.544], starts: [1603122450] },
  { name: 'of this minute', window: [60, 60], times: [1603122451.544], starts: [1603122420] },
  { name: 'two that overlap', window: [10, 5], times: [0, 4, 4.999], starts: [-5, 0] },
  { name: 'at a step', window: [10, 5], times: [10, 12, 14.9], starts: [5, 10] },
  { name: 'at the next step', window: [10, 5], times: [15], starts: [10, 15] },
  { name: 'far from 0', window: [10, 5], times: [100], starts: [95, 100] },
  { name: 'overlapping before 1970', window: [10, 5], times: [-3], starts: [-10, -5] },
  {
    name: 'six where the size is no multiple of the step',
    window: [100, 15],
    times: [3223],
    starts: from(3135, 15, 6),
  },
  { name: 'seven a little earlier', window: [100, 15], times: [3215], starts: from(3120, 15, 7) },
  { name: 'four at a start', window: [10, 3], times: [0], starts: [-9, -6, -3, 0] },
  { name: 'three behind it', window: [10, 3], times: [1, 2], starts: [-6, -3, 0] },
  { name: 'four at the next', window: [10, 3], times: [3], starts: [-6, -3, 0, 3] },
  { name: 'three behind the fourth', window: [10, 3], times: [10, 11], starts: [3, 6, 9] },
  { name: 'three at a start', window: [10, 4], times: [0, 1], starts: [-8, -4, 0] },
  { name: 'two behind the end of one', window: [10, 4], times: [10, 11], starts: [4, 8] },
  { name: 'steps below a second', window: [1, 0.5], times: [12.6], starts: [12, 12.5] },
  { name: 'steps of a fraction', window: [10, 2.5], times: [3.3], starts: [-5, -2.5, 0, 2.5] },
]

describe('a time is held by', () => {
  for (const { name, window, times, starts } of holding)
    test(`${window[0]} s every ${window[1]} s: ${name}`, async () => {
      const wanted = starts.map((start) => start * SECOND)
      for (const time of times) {
        const { table, hand } = await open(window)
        hand.at(Math.round(time * SECOND))
        await table.set('k', 1)
        const held = await table.windows('k', { at: Math.round(time * SECOND) })
        assert.deepEqual(
          held.map(({ start }) => start),
          wanted,
        )
        for (const { start, end } of held) assert.equal(end, start + window[0] * SECOND)
      }
    })
})

/** Has in each window from `first` to `last` the window's own start. */
async function filled(window: Window, first: number, last: number) {
  const opened = await open(window)
  const [size, step] = window
  for (let start = Math.ceil(first / step) * step; start <= last; start += step) {
    // the last time that the window holds: none of those before it does
    opened.hand.at((start + size) * SECOND - 1)
    await opened.table.set('k', start)
  }
  return opened
}

const relative: readonly {
  readonly window: Window
  /** Of the newest and the oldest window that hold `at`, and of the newest that holds it before. */
  readonly reads: readonly { at: number; newest: number; oldest: number; ago?: number[] }[]
}[] = [
  {
    window: [10, 10],
    reads: [
      { at: 5, newest: 0, oldest: 0 },
      { at: -10, newest: -10, oldest: -10 },
      { at: 25, newest: 20, oldest: 20, ago: [10, 10] },
      { at: 25, newest: 20, oldest: 20, ago: [5, 20] },
      { at: 25, newest: 20, oldest: 20, ago: [6, 10] },
    ],
  },
  {
    window: [10, 5],
    reads: [
      { at: -3, newest: -5, oldest: -10 },
      { at: 60, newest: 60, oldest: 55, ago: [30, 30] },
    ],
  },
  { window: [57, 23], reads: [{ at: 456, newest: 437, oldest: 414, ago: [30, 414] }] },
]

describe('what an event reads is of', () => {
  for (const { window, reads } of relative)
    test(`windows of ${window[0]} s every ${window[1]} s, the newest that holds its time`, async () => {
      const { table, hand } = await filled(window, -60, 600)
      for (const { at, newest, oldest, ago } of reads) {
        hand.at(at * SECOND)
        assert.equal(await table.current('k'), newest)
        assert.equal(await table.get('k', { at: at * SECOND }), newest)
        const [first] = await table.windows('k', { at: at * SECOND })
        assert.equal(first.value, oldest)
        if (ago !== undefined) assert.equal(await table.delta('k', ago[0] * SECOND), ago[1])
      }
    })
})

/** Windows that are kept for 20 s behind their end: the newest that may not be read any more. */
const expired: readonly { window: Window; expires: Duration; at: number; newestGone: number }[] = [
  { window: [10, 5], expires: '20s', at: 60, newestGone: 30 },
  { window: [10, 5], expires: '20s', at: 64.9, newestGone: 30 },
  { window: [10, 5], expires: '20s', at: 65, newestGone: 35 },
  { window: [10, 10], expires: '20s', at: 60, newestGone: 30 },
  { window: [10, 10], expires: '20s', at: 69.9, newestGone: 30 },
  { window: [10, 10], expires: '20s', at: 70, newestGone: 40 },
  { window: [10, 10], expires: '20s', at: 100, newestGone: 70 },
  { window: [10, 10], expires: '10s', at: 19.9, newestGone: -10 },
  { window: [10, 10], expires: '10s', at: 20, newestGone: 0 },
  { window: [10, 10], expires: 0, at: 1e6, newestGone: Number.NEGATIVE_INFINITY },
]

describe('windows have expired', () => {
  for (const { window, expires, at, newestGone } of expired) {
    const [size, step] = window
    test(`at ${at} s, of ${size} s every ${step} s, kept for ${expires}`, async () => {
      const { table, hand } = await openWindowed(
        counter,
        (plain: Counter) => plain.hopping(size * SECOND, step * SECOND, { expires }),
        { now: NOW },
      )
      const starts = from(-30, step, 26).filter((start) => start + size <= at)
      for (const start of starts) {
        hand.at((start + size) * SECOND - 1)
        await table.set('k', start)
      }
      hand.at(at * SECOND)
      await table.set('other', 1)
      for (const start of starts) {
        const held = await table.windows('k', { at: start * SECOND })
        const isThere = held.some(({ value }) => value === start)
        assert.equal(isThere, start > newestGone, `the window from ${start} s on`)
      }
    })
  }
})
