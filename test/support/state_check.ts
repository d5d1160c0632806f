// What has to hold of counted state after faults: every table is exact as any worker answers it,
// and the output too, as far as the guarantee goes. Used by tests of state under faults.
import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import type { StoredRecord } from '../../src/log/log.ts'
import { BatchCursor } from '../../src/wire/batch_header.ts'
import { decodeBatches } from '../../src/wire/record_batch.ts'
import type { StateGroup, StateLife } from './state_group.ts'

const TARGET_BYTES = 4 * 1024 ** 2
const ASK_MS = 200
const ASKS_MAX = 150

interface Row {
  readonly key: string
  readonly start?: number
  readonly [field: string]: unknown
}

/** All rows of a table, asked of one worker, which asks the others. */
async function rowsOf({ port, life }: StateLife, table: string): Promise<Row[]> {
  for (let asked = 1; ; asked++) {
    const url = `http://127.0.0.1:${port}/tables/${table}?limit=1000000000`
    const answer = await fetch(url).then(
      async (response) => ({ ok: response.ok, text: await response.text() }),
      (error) => ({ ok: false, text: String(error) }),
    )
    if (answer.ok)
      return answer.text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row)
    // a table on its way to another worker is asked for again
    if (asked === ASKS_MAX || life.hasEnded)
      throw new Error(`${table} of life ${life.number}: ${answer.text} ${life.errors}`)
    await setTimeout(ASK_MS)
  }
}

/** The three tables, as this worker answers them. */
export async function checkTables(group: StateGroup, life: StateLife): Promise<void> {
  const sorted = (rows: readonly (readonly [string, unknown])[]) =>
    [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
  const pages = await rowsOf(life, 'per-page')
  assert.deepEqual(
    sorted(pages.map(({ key, start, views }) => [`${key} ${start}`, views])),
    sorted([...group.perPage]),
    'windows',
  )
  const urls = await rowsOf(life, 'per-url')
  assert.deepEqual(
    sorted(urls.map(({ key, views }) => [key, views])),
    sorted([...group.perUrl]),
    'keys',
  )
  const seen = await rowsOf(life, 'seen')
  assert.deepEqual(
    sorted(seen.map(({ key, value }) => [key, value])),
    sorted([...group.perUrl]),
    'keys of the agent',
  )
}

/** Committed records of a topic. */
async function committedRecords(group: StateGroup, topic: string): Promise<StoredRecord[]> {
  const reader = await group.log.reader({ maxBytes: TARGET_BYTES })
  const ends = (await group.log.offsets(topic)).map(({ latest }) => latest)
  const at = ends.map(() => 0)
  for (const partition of ends.keys()) reader.add(topic, partition, 0)
  const target = new Uint8Array(TARGET_BYTES)
  const records: StoredRecord[] = []
  try {
    while (ends.some((end, partition) => at[partition] < end)) {
      const fetched = await reader.fetch(target, (_, partition) => at[partition] < ends[partition])
      assert.ok(fetched.kind === 'batches')
      const bytes = target.slice(0, fetched.bytes)
      for (const record of decodeBatches(bytes)) records.push(record)
      const cursor = new BatchCursor(bytes, 0, bytes.length)
      while (cursor.next()) at[fetched.partition] = cursor.lastOffset + 1
    }
  } finally {
    await reader.close()
  }
  return records
}

/** What the topic of views really has: a broker that is killed may make a producer send twice. */
export async function countViews(group: StateGroup): Promise<{ stored: number; twice: number }> {
  const ids = new Set<number>()
  const views = await committedRecords(group, group.topics.views)
  group.perUrl.clear()
  group.perPage.clear()
  for (const { value } of views) {
    const { id, url, ts } = JSON.parse(Buffer.from(value!).toString())
    ids.add(id)
    group.count(url, ts)
  }
  assert.equal(ids.size, group.views, 'every view is in the topic')
  return { stored: views.length, twice: views.length - ids.size }
}

export interface OutputFacts {
  readonly copies: number
  readonly repeated: number
  readonly changes: number
}

/**
 * The agent has sent every view on: once, where it is `exact`. The largest count of every window is
 * its count, and where they are exact no count comes twice and none goes back (else a worker that
 * stood still may send what it had before it hears that others have gone on).
 */
export async function checkOutput(
  group: StateGroup,
  exact: boolean,
  twice: number,
): Promise<OutputFacts> {
  const { copies: copiesTopic, changes: changesTopic } = group.topics
  const copies = await committedRecords(group, copiesTopic)
  const seen = new Uint8Array(group.views)
  let repeated = 0
  for (const { value } of copies) {
    const { id } = JSON.parse(Buffer.from(value!).toString()) as { id: number }
    if (seen[id] !== 0) repeated++
    seen[id] = 1
  }
  assert.equal(seen.indexOf(0), -1, 'every view was sent on')
  if (exact) assert.equal(repeated, twice, 'no view was sent on twice')
  const changes = await committedRecords(group, changesTopic)
  const last = new Map<string, number>()
  for (const { value } of changes) {
    const { key, start, views } = JSON.parse(Buffer.from(value!).toString())
    const before = last.get(`${key} ${start}`) ?? 0
    if (exact) assert.ok(views > before, `${key} ${start}: ${before}, then ${views}`)
    last.set(`${key} ${start}`, Math.max(before, views))
  }
  assert.deepEqual([...last].sort(), [...group.perPage].sort(), 'last changes')
  return { copies: copies.length, repeated, changes: changes.length }
}
