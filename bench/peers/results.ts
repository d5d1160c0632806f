// The rows of a run, one JSON object a line.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Conditions } from '../report/checkout.ts'

/** What one tool did with one workload, and where. */
export interface ResultRow extends Conditions {
  readonly workload: string
  readonly peer: string
  readonly version: string
  /** Whether the answer is what it has to be. */
  readonly identical: boolean
}

/** What one tool took for one piece of work. */
export interface PeerRow extends ResultRow {
  readonly size: string
  readonly threads: number
  /** Median, least and most of the runs. */
  readonly ms: number
  readonly fastest: number
  readonly slowest: number
  readonly runs: number
  /** Of the result; `identical` where it is that of the plain loop. */
  readonly sha256: string
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

/** Median, least and most, to a hundredth of a millisecond. */
export function timesOf(ms: readonly number[]) {
  const sorted = [...ms].sort((a, b) => a - b)
  return {
    ms: round(sorted[sorted.length >> 1], 2),
    fastest: round(sorted[0], 2),
    slowest: round(sorted[sorted.length - 1], 2),
    runs: sorted.length,
  }
}

export function writeRows(path: string, rows: readonly ResultRow[]): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

export function readRows<Row extends ResultRow = PeerRow>(path: string): readonly Row[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Row)
}
