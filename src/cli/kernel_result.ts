// What a kernel gave, for people and as JSON, and whether two of them are the same. Called by
// `euphorion kernel run` and `bench`.
import type { ColumnArray } from '../kernel/user/column_types.ts'

/** Values of a column that are shown: the first ones and the last. */
const SHOWN_FIRST = 8

/** Values that JSON has no numbers for are texts: '18446744073709551615', 'NaN', '-0'. */
export function jsonOf(result: unknown): unknown {
  if (isColumn(result)) return Array.from(result as ArrayLike<unknown>, jsonOf)
  if (typeof result === 'bigint') return String(result)
  if (typeof result === 'number') {
    if (Object.is(result, -0)) return '-0'
    return Number.isFinite(result) ? result : String(result)
  }
  if (typeof result !== 'object' || result === null) return result ?? null
  return Object.fromEntries(Object.entries(result).map(([name, each]) => [name, jsonOf(each)]))
}

/** A line for each result. */
export function paintResult(result: unknown): string {
  if (typeof result !== 'object' || result === null || isColumn(result)) return paintValue(result)
  const entries = Object.entries(result)
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, each]) => `${name.padEnd(width)}  ${paintValue(each)}`).join('\n')
}

function paintValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (!isColumn(value)) return String(value)
  const shown = Array.from(value.subarray(0, SHOWN_FIRST), String)
  if (value.length > SHOWN_FIRST + 1) shown.push('…')
  if (value.length > SHOWN_FIRST) shown.push(String(value.at(-1)))
  const count = `${value.length.toLocaleString('en')} values`
  return `${value.constructor.name}, ${count}: ${shown.join(', ')}`
}

function isColumn(value: unknown): value is ColumnArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
}

export interface Comparison {
  /** The same bit by bit (every NaN is the same). */
  readonly identical: boolean
  /** The largest difference of two numbers relative to their size; infinite: no match at all. */
  readonly difference: number
}

const same: Comparison = { identical: true, difference: 0 }
const unlike: Comparison = { identical: false, difference: Number.POSITIVE_INFINITY }

/** Two results of a kernel. */
export function compareResults(a: unknown, b: unknown): Comparison {
  if (Object.is(a, b)) return same
  if (typeof a === 'number' && typeof b === 'number') {
    if (a === b) return { identical: false, difference: 0 }
    const difference = Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b))
    return Number.isNaN(difference) ? unlike : { identical: false, difference }
  }
  if (isColumn(a) && isColumn(b)) {
    if (a.length !== b.length || a.constructor !== b.constructor) return unlike
    let all = same
    for (let index = 0; index < a.length; index++) {
      if (!Object.is(a[index], b[index])) all = join(all, compareResults(a[index], b[index]))
    }
    return all
  }
  if (!isRecord(a) || !isRecord(b)) return unlike
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].reduce((all, name) => join(all, compareResults(a[name], b[name])), same)
}

function join(a: Comparison, b: Comparison): Comparison {
  return {
    identical: a.identical && b.identical,
    difference: Math.max(a.difference, b.difference),
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)
}
