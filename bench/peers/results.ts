// The rows of a run, one JSON object a line, and tables of README.md that are made from them.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { type Clock, systemClock } from '../../src/clock.ts'

/** What one tool did with one workload, and where. */
export interface ResultRow {
  readonly workload: string
  readonly peer: string
  readonly version: string
  /** Whether the answer is what it has to be. */
  readonly identical: boolean
  readonly date: string
  readonly cpu: string
  readonly node: string
  readonly euphorion: string
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

/** Of this checkout, wherever the program lies in it. */
export const root = findRoot(import.meta.dirname)

export function resultsFile(name: string): string {
  return join(root, 'bench/results', `${name}.json`)
}

function findRoot(from: string): string {
  return existsSync(join(from, 'biome.json')) ? from : findRoot(dirname(from))
}

/** What all rows of a run have. */
export function machine(clock: Clock = systemClock) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return {
    date: new Date(clock.now()).toISOString().slice(0, 10),
    cpu: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    node: process.versions.node,
    euphorion: version as string,
  }
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

/** The text with what stands between the markers of `name` replaced. */
export function replaceTable(text: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`]
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  assert.ok(from >= 0 && to > from, `there are no markers ${begin.trim()} and ${end}`)
  return text.slice(0, from + begin.length) + table + text.slice(to)
}
