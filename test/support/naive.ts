// The naive reference of a declared aggregation: every record is put into each of its windows, one
// by one, in the order of arrival. Shares no code with the kernels: own reading of JSON, no slices,
// no states, exact sums. Tests compare kernels, tables and the command line with it.

import { isUtf8 } from 'node:buffer'
import type {
  AggregateFunction,
  AggregationPlan,
  Column,
  Predicate,
  Reason,
} from '../../src/kernel/plan.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import type { FieldSchema } from '../../src/record/schema.ts'
import { ExactSum, nearestRatio, ulpDistance } from './exact.ts'
import { type Json, readJson } from './naive_json.ts'

export type NaiveKey = string | number | bigint | boolean | readonly NaiveKey[]
export type NaiveValue = number | bigint | null
/** `key` is the record's key as text or the column's value; an array where there are several. */
export type NaiveRow = { key: NaiveKey; start: number; end: number } & Record<
  string,
  NaiveKey | NaiveValue
>

export interface NaivePartition {
  nextOffset: number
  streamTimeMs: number
  counted: number
  late: number
  bad: number
  filtered: number
  /** Bad and late records in offset order. */
  rejects: { offset: number; reason: Reason }[]
}

export interface NaiveResult {
  /** By start, then by key. Without windows start and end are 0. */
  rows: NaiveRow[]
  partitions: NaivePartition[]
}

class ColumnTotals {
  readonly fn: AggregateFunction
  count = 0
  sum = new ExactSum()
  whole = 0n
  least: number | bigint | null = null
  most: number | bigint | null = null

  constructor(fn: AggregateFunction) {
    this.fn = fn
  }

  add(value: number | bigint): void {
    this.count++
    if (this.fn === 'sum' || this.fn === 'mean') {
      if (typeof value === 'bigint') this.whole += value
      else this.sum.add(value)
    }
    if (this.least === null || value < this.least) this.least = value
    if (this.most === null || value > this.most) this.most = value
  }
}

interface Group {
  key: NaiveKey
  start: number
  end: number
  count: number
  columns: ColumnTotals[]
}

/** By start, then by key. */
type Groups = Map<number, Map<string, Group>>

/** Of every declared field; null where it is null or missing. */
type Values = (string | number | bigint | boolean | null)[]

function columnOf(document: Json, column: Column): Values[number] {
  let at: Json | undefined = document
  for (const name of column.path)
    at = at instanceof Map ? (at.get(name) as Json | undefined) : undefined
  return (at ?? null) as Values[number]
}

function holds(predicate: Predicate, values: Values): boolean {
  if (!('column' in predicate)) {
    if (predicate.op === 'not') return !holds(predicate.of, values)
    const parts = predicate.of.map((part) => holds(part, values))
    return predicate.op === 'and' ? !parts.includes(false) : parts.includes(true)
  }
  const value = values[predicate.column]
  if (value === null) return false
  if (predicate.op === 'present') return true
  const limit = predicate.value
  if (predicate.op === 'eq') return value === limit
  if (predicate.op === 'ne') return value !== limit
  if (predicate.op === 'lt') return value < limit
  if (predicate.op === 'le') return value <= limit
  if (predicate.op === 'gt') return value > limit
  return value >= limit
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a record's key bytes; their hex form where they are not UTF-8. */
export function keyText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return `hex:${Buffer.from(bytes).toString('hex')}`
  }
}

function textLength(text: string): number {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0)!
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}

function keyOf(plan: AggregationPlan, record: StoredRecord, values: Values): NaiveKey | Reason {
  if (plan.key.from === 'record') {
    if (record.key === null) return 'null-key'
    if (plan.key.isText && !isUtf8(record.key)) return 'invalid-utf8'
    return record.key.length > 32768 ? 'key-too-long' : [keyText(record.key)]
  }
  const parts = plan.key.columns.map((column) => values[column])
  if (parts.includes(null)) return 'null-key'
  // Several strings: two bytes end each, and a zero byte takes two.
  const many = parts.length > 1
  let bytes = 0
  for (const [index, part] of parts.entries()) {
    if (typeof part === 'string')
      bytes += textLength(part) + (many ? 2 + part.split('\0').length - 1 : 0)
    else bytes += plan.columns[plan.key.columns[index]].type === 'boolean' ? 1 : 8
  }
  if (bytes > 32768) return 'key-too-long'
  return parts.map((part) => (Object.is(part, -0) ? 0 : part)) as NaiveKey
}

function windowsOf(plan: AggregationPlan, time: number, streamTimeMs: number): number[] {
  const { window } = plan
  if (window === undefined) return [0]
  const starts: number[] = []
  let start = Math.floor(time / window.stepMs) * window.stepMs
  for (; start + window.sizeMs > time; start -= window.stepMs)
    if (start + window.sizeMs + window.graceMs > streamTimeMs) starts.push(start)
  return starts
}

type Read = typeof readJson

/** What one record comes to: bad, filtered, late, or counted into `groups`. */
function take(
  plan: AggregationPlan,
  record: StoredRecord,
  nowMs: number,
  state: NaivePartition,
  groups: Groups,
  read: Read,
): Reason | 'filtered' | undefined {
  let values: Values = []
  if (plan.value !== undefined) {
    if (record.value === null) return 'null-value'
    const document = read(plan.value, record.value)
    if (document !== null && typeof document === 'object' && 'reason' in document)
      return document.reason
    values = plan.columns.map((column) => columnOf(document, column))
  }
  if (plan.where !== undefined && !holds(plan.where, values)) return 'filtered'
  const key = keyOf(plan, record, values)
  if (!Array.isArray(key)) return key as Reason
  const time = plan.time.from === 'record' ? record.timestamp : values[plan.time.column]
  if (time === null) return 'missing-field'
  if ((time as number) < 0) return 'time-negative'
  if ((time as number) > nowMs + plan.maxFutureMs) return 'time-in-future'
  state.streamTimeMs = Math.max(state.streamTimeMs, time as number)
  const starts = windowsOf(plan, time as number, state.streamTimeMs)
  if (starts.length === 0) return 'late'
  const keyId = JSON.stringify(key.map(String))
  for (const start of starts) {
    const byKey = groups.get(start) ?? new Map<string, Group>()
    groups.set(start, byKey)
    let group = byKey.get(keyId)
    if (group === undefined) {
      const end = plan.window === undefined ? 0 : start + plan.window.sizeMs
      const shown = key.length === 1 ? key[0] : key
      group = { key: shown, start: start + 0, end, count: 0, columns: [] }
      group.columns = plan.aggregates.map(({ fn }) => new ColumnTotals(fn))
      byKey.set(keyId, group)
    }
    group.count++
    for (const [index, aggregate] of plan.aggregates.entries()) {
      const value = aggregate.column < 0 ? null : values[aggregate.column]
      if (value !== null) group.columns[index].add(value as number | bigint)
    }
  }
  return undefined
}

/** Bare results as tables give them. */
function finish(plan: AggregationPlan, group: Group): NaiveRow {
  const row: NaiveRow = { key: group.key, start: group.start, end: group.end }
  for (const [index, aggregate] of plan.aggregates.entries()) {
    const column = group.columns[index]
    const type = aggregate.column < 0 ? undefined : plan.columns[aggregate.column].type
    if (aggregate.fn === 'count') row[aggregate.name] = group.count
    else if (aggregate.fn === 'min') row[aggregate.name] = column.least
    else if (aggregate.fn === 'max') row[aggregate.name] = column.most
    else if (aggregate.fn === 'sum' && type === 'int64') row[aggregate.name] = column.whole
    else if (aggregate.fn === 'sum') row[aggregate.name] = column.sum.over(1)
    else if (column.count === 0) row[aggregate.name] = null
    else if (type === 'int64') row[aggregate.name] = nearestRatio(column.whole, column.count)
    else row[aggregate.name] = column.sum.over(column.count)
  }
  return row
}

function order(a: NaiveRow, b: NaiveRow): number {
  if (a.start !== b.start) return a.start - b.start
  const [left, right] = [String(a.key), String(b.key)]
  return left < right ? -1 : left > right ? 1 : 0
}

/** Reads the same document for several plans once. */
function readOnce(): Read {
  let last: { schema: FieldSchema; bytes: Uint8Array; document: ReturnType<Read> } | undefined
  return (schema, bytes) => {
    if (last?.schema !== schema || last.bytes !== bytes)
      last = { schema, bytes, document: readJson(schema, bytes) }
    return last.document
  }
}

const newPartition = (): NaivePartition => ({
  nextOffset: 0,
  streamTimeMs: -1,
  counted: 0,
  late: 0,
  bad: 0,
  filtered: 0,
  rejects: [],
})

function note(state: NaivePartition, offset: number, outcome: ReturnType<typeof take>): void {
  state.nextOffset = offset + 1
  if (outcome === undefined) state.counted++
  else if (outcome === 'filtered') state.filtered++
  else {
    if (outcome === 'late') state.late++
    else state.bad++
    state.rejects.push({ offset, reason: outcome })
  }
}

/** Aggregates the partitions, each in the order of arrival with its own stream time. */
export function naive(
  plan: AggregationPlan,
  partitions: readonly Iterable<StoredRecord>[],
  nowMs: number,
): NaiveResult {
  return naiveOfEach([plan], partitions, nowMs)[0]
}

/** The same for several plans over the same records, which are gone through once. */
export function naiveOfEach(
  plans: readonly AggregationPlan[],
  partitions: readonly Iterable<StoredRecord>[],
  nowMs: number,
): NaiveResult[] {
  const read = readOnce()
  const jobs = plans.map((plan) => ({
    plan,
    groups: new Map() as Groups,
    states: partitions.map(newPartition),
  }))
  for (const [partition, records] of partitions.entries())
    for (const record of records)
      for (const { plan, groups, states } of jobs) {
        const state = states[partition]
        note(state, record.offset, take(plan, record, nowMs, state, groups, read))
      }
  return jobs.map(({ plan, groups, states }) => ({
    rows: [...groups.values()]
      .flatMap((byKey) => [...byKey.values()].map((group) => finish(plan, group)))
      .sort(order),
    partitions: states,
  }))
}

function sameValue(actual: unknown, expected: unknown): boolean {
  if (typeof actual === 'number' && typeof expected === 'number')
    return ulpDistance(actual, expected) <= 1n
  if (Array.isArray(actual) && Array.isArray(expected))
    return (
      actual.length === expected.length && actual.every((part, at) => sameValue(part, expected[at]))
    )
  return actual === expected
}

/**
 * The first difference between rows and what they should be, as text; numbers may be 1 ulp apart.
 */
export function differenceOf(
  actual: readonly Record<string, unknown>[],
  expected: readonly NaiveRow[],
): string | undefined {
  const sorted = (actual as readonly NaiveRow[]).toSorted(order)
  for (let at = 0; at < Math.max(sorted.length, expected.length); at++) {
    const [mine, other] = [sorted[at], expected[at]]
    const names = other === undefined ? [] : Object.keys(other)
    const same = mine !== undefined && names.every((name) => sameValue(mine[name], other[name]))
    if (other === undefined || !same || Object.keys(mine).length !== names.length)
      return `row ${at}: ${show(mine)} should be ${show(other)} (${sorted.length} rows, ${expected.length} expected)`
  }
  return undefined
}

function show(row: NaiveRow | undefined): string {
  if (row === undefined) return 'missing'
  return JSON.stringify(row, (_name, value) => (typeof value === 'bigint' ? `${value}n` : value))
}
