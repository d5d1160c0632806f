// What is right after crashes: the same rows as without, the cells that the events themselves give,
// and results that were sent. Called by crash_trial.ts.
import assert from 'node:assert/strict'
import type { LaneStatistics } from '../../src/app/lane_statistics.ts'
import type { Log } from '../../src/log/log.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import { type PageViewOptions, PageViews } from '../../src/tune/workload.ts'
import type { CrashJob } from './crash_app.ts'

/** The counts that the windows of 'w1' must have, from the events themselves. */
function expectedW1(options: PageViewOptions): Map<string, number> {
  const views = new PageViews(options)
  const cells = new Map<string, number>()
  for (let view = views.nextEvent(); view !== undefined; view = views.nextEvent()) {
    const cell = `${view.url} ${view.ts - (view.ts % 10_000)}`
    cells.set(cell, (cells.get(cell) ?? 0) + 1)
  }
  return cells
}

interface DumpedRow {
  readonly key: string
  readonly start: number
  readonly end: number
  readonly views: number
}

/** Every cell of 'w1', exactly. */
export function assertW1(lines: readonly string[], options: PageViewOptions, note: string): void {
  const expected = expectedW1(options)
  let total = 0
  for (const line of lines) {
    const [table, row] = JSON.parse(line) as [string, DumpedRow]
    if (table !== 'w1') continue
    const cell = `${row.key} ${row.start}`
    assert.equal(row.views, expected.get(cell), `${cell}, ${note}`)
    expected.delete(cell)
    total += row.views
  }
  assert.equal(expected.size, 0, `cells are missing, ${note}`)
  assert.equal(total, options.events, note)
}

/** The same rows and counters, to the last digit. */
export function assertSameRows(
  actual: readonly string[],
  expected: readonly string[],
  note: string,
): void {
  const at = actual.findIndex((line, i) => line !== expected[i])
  if (at >= 0) assert.equal(actual[at], expected[at], `line ${at}, ${note}`)
  assert.equal(actual.length, expected.length, note)
}

const GRACE_MS = 5000

/** Every record of the topic, as what its key and its value say. */
async function messages(log: Log, topic: string): Promise<{ key: string; value: string }[]> {
  const found: { key: string; value: string }[] = []
  for (const { partition, earliest, latest } of await log.offsets(topic)) {
    for (let next = earliest; next < latest; ) {
      const records = await log.read(topic, partition, next)
      for (const { key, value } of records)
        found.push({ key: String(Buffer.from(key!)), value: String(Buffer.from(value!)) })
      next = records[records.length - 1].offset + 1
    }
  }
  return found
}

/**
 * Results of 'w1' in topics. Output may repeat: of the changes each window's last one is its row,
 * final results are all equal to it, and none of a closed window is missing.
 */
export async function assertResults(
  log: Log,
  { changes, finals }: NonNullable<CrashJob['results']>,
  lines: readonly string[],
): Promise<void> {
  const rows = new Map<string, { value: string; end: number }>()
  const times: number[] = []
  for (const line of lines) {
    const [table, row] = JSON.parse(line) as [string, DumpedRow & LaneStatistics]
    if (row.table === 'w1') times[row.partition] = row.streamTimeMs
    if (table !== 'w1') continue
    const { key, start, end } = row
    rows.set(JSON.stringify({ key, start, end }), { value: JSON.stringify(row), end })
  }
  const last = new Map<string, string>()
  for (const { key, value } of await messages(log, changes)) last.set(key, value)
  assert.equal(last.size, rows.size)
  for (const [key, { value }] of rows) assert.equal(last.get(key), value, 'changes')
  const sent = new Set<string>()
  for (const { key, value } of await messages(log, finals)) {
    assert.equal(value, rows.get(key)?.value, 'final')
    sent.add(key)
  }
  for (const [id, { end }] of rows) {
    const { key } = JSON.parse(id) as DumpedRow
    const time = times[partitionOfKey(Buffer.from(key), times.length)]
    if (end + GRACE_MS <= time) assert.ok(sent.has(id), `${id} is not among the final results`)
  }
}
