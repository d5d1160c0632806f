// What every lane kernel must do, compared with the naive reference. Run by test/kernel on the
// TypeScript reference and on the WebAssembly kernel.
import { test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import type { KeySource, Predicate, WindowPlan } from '../../src/kernel/plan.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import { everythingSchema, goodDocument, pageViewSchema } from '../support/documents.ts'
import {
  at,
  byKey,
  type ColumnName,
  checkPlan,
  columnNames,
  count,
  every,
  hopping,
  keyed,
  type MakeLane,
  numericNames,
  planOf,
  tumbling,
  utf8,
} from '../support/plans.ts'
import { inputContract } from './kernel_input.ts'
import { kernelProperties } from './kernel_property.ts'
import { stateContract } from './kernel_state.ts'

export function kernelContract(name: string, make: MakeLane): void {
  const contract: Contract = (title, run) => {
    test(`${name}: ${title}`, async () => {
      await run(make)
    })
  }
  aggregates(contract)
  keys(contract)
  predicates(contract)
  windows(contract)
  inputContract(contract)
  stateContract(contract)
  kernelProperties(contract)
}

export type Contract = (title: string, run: (make: MakeLane) => Promise<unknown>) => void

const BASE_MS = 1_700_000_000_000

/** Random events of every type, a few ms apart. */
function events(
  count: number,
  seed: number,
  fixed: (index: number) => Record<string, unknown> = () => ({}),
): StoredRecord[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, offset) => {
    const timestamp = BASE_MS + offset * 7 - Math.floor(random() * 500)
    const value = goodDocument(everythingSchema, random, timestamp, fixed(offset))
    return { offset, timestamp, key: utf8(`key ${offset % 9}`), value }
  })
}

function aggregates(contract: Contract): void {
  contract('counts by the record key without reading values', (make) => {
    const keys = ['/home', '/page/1', '', 'ü', '/home', '/home']
    const records = keys.map((key, offset) => keyed(offset, BASE_MS, key))
    return checkPlan(make, byKey(), records)
  })
  for (const name of numericNames)
    contract(`sum, min, max and mean of ${name}`, (make) =>
      checkPlan(make, planOf({ aggregates: [...every(name), count] }), events(300, 1)),
    )
  contract('many aggregates in one cell', (make) => {
    const all = [count, ...numericNames.flatMap(every), { ...count, name: 'again' }]
    return checkPlan(make, planOf({ aggregates: all }), events(300, 2))
  })
  contract('a sum beyond the finite numbers is infinite', (make) => {
    const values = [1e308, 1e308, Number.POSITIVE_INFINITY, 1]
    const records = events(4, 3, (index) => ({ text: 'k', float: values[index] }))
    return checkPlan(make, planOf({ aggregates: every('float') }), records.slice(2))
  })
  contract('float sums do not lose small parts', (make) => {
    const values = [1e15, 0.1, -1e15, 0.3, 1e-9, 1e15, 0.7, -1e15]
    const records = events(8, 4, (index) => ({ text: 'k', float: values[index] }))
    return checkPlan(make, planOf({ aggregates: every('float') }), records)
  })
  contract('int64 sums exceed 64 bits', (make) => {
    const values = [2n ** 63n - 1n, 2n ** 63n - 1n, 2n ** 63n - 1n, -(2n ** 63n), -7n]
    const records = events(5, 5, (index) => ({ text: 'k', wide: values[index] }))
    return checkPlan(make, planOf({ aggregates: every('wide') }), records)
  })
  contract('a page view with its fields in any notation', (make) => {
    const random = seededRandom(6)
    const records = Array.from({ length: 300 }, (_, offset) => {
      const value = goodDocument(pageViewSchema, random, BASE_MS + offset)
      return { offset, timestamp: BASE_MS + offset, key: null, value }
    })
    const plan = planOf({
      value: pageViewSchema,
      columns: [
        { path: ['url'], type: 'string' },
        { path: ['ms'], type: 'float64' },
        { path: ['ts'], type: 'timestamp' },
      ],
      key: { from: 'columns', columns: [0] },
      time: { from: 'column', column: 2 },
      window: tumbling(100),
      aggregates: [count, { name: 'total', fn: 'sum', column: 1 }],
    })
    return checkPlan(make, plan, records)
  })
}

const keysOf = (...names: ColumnName[]): KeySource => ({ from: 'columns', columns: names.map(at) })

function keys(contract: Contract): void {
  for (const name of columnNames)
    contract(`keyed by ${name}; null and missing keys are bad`, (make) =>
      checkPlan(make, planOf({ key: keysOf(name) }), events(300, 10)),
    )
  const several: ColumnName[][] = [
    ['text', 'flag'],
    ['flag', 'text'],
    ['text', 'city', 'other'],
    ['wide', 'float', 'single', 'time', 'whole', 'text'],
  ]
  for (const names of several)
    contract(`keyed by ${names.join(' and ')}`, (make) =>
      checkPlan(make, planOf({ key: keysOf(...names) }), events(300, 11)),
    )
  contract('keys of two strings do not run into each other', (make) => {
    const parts = ['', 'a', 'a\0', '\0', '\0\0', 'a\0\0b', 'b', '\ud800', '\udc00', '😀']
    const records = events(100, 12, (index) => ({
      text: parts[index % 10],
      other: parts[Math.floor(index / 10)],
    }))
    return checkPlan(make, planOf({ key: keysOf('text', 'other') }), records)
  })
  contract('-0 and 0 are one key', (make) => {
    const values = [0, -0, 0, 1e-320, -1e-320, -1, 1]
    const records = events(7, 13, (index) => ({ float: values[index] }))
    return checkPlan(make, planOf({ key: keysOf('float') }), records)
  })
  contract('a key of 32,768 bytes is good and a longer one is bad', (make) => {
    const lengths = [32_766, 32_767, 32_768, 32_769, 40_000]
    const texts = lengths.flatMap((length) => ['x'.repeat(length), `é${'x'.repeat(length - 2)}`])
    const records = texts.map((text, offset) => keyed(offset, BASE_MS, text))
    const documents = events(10, 14, (index) => ({ text: texts[index], other: 'é' }))
    return Promise.all([
      checkPlan(make, byKey(), records),
      checkPlan(make, planOf(), documents),
      checkPlan(make, planOf({ key: keysOf('other', 'text') }), documents),
    ])
  })
}

function predicates(contract: Contract): void {
  const comparisons = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const
  const limits: [ColumnName, number | bigint][] = [
    ['whole', 7],
    ['float', 0.1],
    ['single', 0.10000000149011612],
    ['wide', 2n ** 53n + 1n],
    ['bigMaybe', 1000n],
    ['time', BASE_MS + 700],
    ['maybe', -1],
    ['x', 1],
  ]
  for (const [name, value] of limits)
    contract(`where compares ${name}`, async (make) => {
      for (const op of comparisons) {
        const test: Predicate = { op, column: at(name), value }
        await checkPlan(make, planOf({ where: test }), events(120, 20))
        await checkPlan(make, planOf({ where: { op: 'not', of: test } }), events(120, 21))
      }
    })
  contract('where compares strings and booleans for equality', async (make) => {
    const tests: Predicate[] = [
      { op: 'eq', column: at('text'), value: 'ü' },
      { op: 'ne', column: at('text'), value: '\ud83d' },
      { op: 'eq', column: at('text'), value: '😀' },
      { op: 'eq', column: at('text'), value: '' },
      { op: 'eq', column: at('other'), value: 'x\0y' },
      { op: 'ne', column: at('other'), value: 'a' },
      { op: 'eq', column: at('flag'), value: true },
      { op: 'ne', column: at('flag'), value: true },
    ]
    for (const where of tests) await checkPlan(make, planOf({ where }), events(150, 22))
  })
  contract('where combines and, or, not, present', async (make) => {
    const present: Predicate = { op: 'present', column: at('city') }
    const flag: Predicate = { op: 'eq', column: at('flag'), value: true }
    const large: Predicate = { op: 'ge', column: at('maybe'), value: 10 }
    const trees: Predicate[] = [
      present,
      { op: 'and', of: [present, flag] },
      { op: 'or', of: [present, { op: 'not', of: flag }, large] },
      { op: 'not', of: { op: 'and', of: [{ op: 'or', of: [flag, large] }, present] } },
      { op: 'and', of: [] },
      { op: 'or', of: [] },
    ]
    for (const where of trees) await checkPlan(make, planOf({ where }), events(150, 23))
  })
}

/** Keys a to d around `startMs`, in time order but for backward jumps of up to `disorderMs`. */
function ticks(count: number, startMs: number, stepMs: number, disorderMs: number): StoredRecord[] {
  const random = seededRandom(30)
  return Array.from({ length: count }, (_, offset) => {
    const back = random() < 0.4 ? Math.floor(random() * disorderMs) : 0
    const time = Math.max(0, startMs + offset * stepMs - back)
    return keyed(offset, time, 'abcd'[offset % 4])
  })
}

function windows(contract: Contract): void {
  const shapes: [string, WindowPlan][] = [
    ['tumbling windows', tumbling(100)],
    ['tumbling windows with grace', tumbling(100, 250)],
    ['hopping windows', hopping(60, 10)],
    ['hopping windows with grace', hopping(60, 10, 35)],
    ['hopping windows whose size is no multiple of the step', hopping(25, 10)],
    ['the same with grace', hopping(25, 10, 12)],
    ['hopping windows of a step just below the size', hopping(100, 99, 7)],
    ['windows at every ms', hopping(20, 1, 5)],
    ['windows of one ms', tumbling(1, 3)],
  ]
  for (const [title, window] of shapes) {
    contract(`${title}, late records among them`, (make) =>
      checkPlan(make, byKey({ window }), ticks(400, BASE_MS, 3, 300), 64),
    )
    contract(`${title} that begin before the epoch`, (make) =>
      checkPlan(make, byKey({ window }), ticks(60, 0, 2, 80)),
    )
  }
  contract('windows by a timestamp column, ISO text too', (make) =>
    checkPlan(
      make,
      planOf({ window: hopping(500, 200, 100), time: { from: 'column', column: at('time') } }),
      events(300, 31),
    ),
  )
  contract('windows by an integer column', (make) => {
    const plan = planOf({ window: tumbling(10), time: { from: 'column', column: at('whole') } })
    const random = seededRandom(32)
    const records = events(200, 32, () => ({ whole: Math.floor(random() * 100) - 3 }))
    return checkPlan(make, plan, records)
  })
  contract('a record without a time is bad', (make) =>
    checkPlan(make, planOf({ time: { from: 'column', column: at('maybe') } }), events(100, 33)),
  )
}
