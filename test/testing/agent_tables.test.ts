// Tables of agents on simulated machines with faults: whatever happens, each event is counted once.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { App } from '../../src/app/app.ts'
import { integer, string } from '../../src/record/fields.ts'
import { faultKinds } from '../../src/testing/fault_kinds.ts'
import { type SimulationOutcome, simulate } from '../../src/testing/simulate.ts'

/** Agents of these topics count keys in one table. */
function counting(topics: readonly string[], isGlobal = false): App {
  const app = new App('counting', {})
  app.topic('unread', { partitions: 1 })
  const options = { key: string(), value: integer(), default: 0 }
  const counts = isGlobal ? app.globalTable('counts', options) : app.table('counts', options)
  for (const name of topics) {
    const topic = app.topic(name, { key: string(), partitions: 4 })
    app.agent(
      topic,
      async (stream) => {
        for await (const { key } of stream.events()) await counts.update(key, (n) => n + 1)
      },
      { name },
    )
  }
  return app
}

const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString()

/** What is wrong with counts of the events of these topics. */
function wrongCounts(
  { records }: SimulationOutcome,
  topics: readonly string[],
  found: ReadonlyMap<unknown, unknown>,
): string[] {
  const wanted = new Map<string, number>()
  for (const { key } of topics.flatMap((topic) => records(topic)))
    wanted.set(text(key), (wanted.get(text(key)) ?? 0) + 1)
  return [...wanted].flatMap(([key, n]) =>
    found.get(key) === n ? [] : [`${key}: ${found.get(key)}, not ${n}`],
  )
}

/** As the changelog has them. */
function changelogCounts({ records }: SimulationOutcome): Map<string, number> {
  const found = new Map<string, number>()
  for (const { key, value } of records('counting-counts-changelog'))
    if (key![1] === 1) found.set(text(key!.subarray(2)), Number(text(value)))
  return found
}

for (const topics of [['views'], ['views', 'clicks']]) {
  describe(`agents of ${topics.join(' and ')} count in a table`, () => {
    for (let seed = 1; seed <= 8; seed++) {
      const guarantee = seed % 2 === 0 ? 'at_least_once' : 'exactly_once'
      test(`seed ${seed}, ${guarantee}`, { timeout: 120_000 }, async () => {
        const report = await simulate(() => counting(topics), {
          seed,
          seconds: 20,
          settings: { guarantee, tableCacheEntries: 100, standbyReplicas: seed % 3 === 0 ? 0 : 1 },
          events: (random) => ({
            topic: topics[Math.floor(random() * topics.length)],
            key: `k${Math.floor(random() * 150)}`,
            value: '0',
          }),
          check: (outcome) => {
            const wrong = wrongCounts(outcome, topics, changelogCounts(outcome))
            return wrong.length === 0 ? undefined : wrong.join(', ')
          },
        })
        assert.deepEqual(report.failures, [])
        assert.ok(report.events > 100)
      })
    }
  })
}

describe('a global table is the same on every worker', () => {
  for (let seed = 1; seed <= 4; seed++) {
    test(`seed ${seed}`, { timeout: 120_000 }, async () => {
      const report = await simulate(() => counting(['views'], true), {
        seed,
        seconds: 20,
        // a machine that stands still has what it had
        faults: faultKinds.filter((kind) => kind !== 'pause'),
        // nothing new at the end: copies follow what is committed
        events: (random, number) => ({
          topic: number < 450 ? 'views' : 'unread',
          key: `k${Math.floor(random() * 150)}`,
          value: '0',
        }),
        check: async (outcome) => {
          const wrong: string[] = []
          for (const { topology } of outcome.apps) {
            const found = new Map<unknown, unknown>()
            const { running } = topology.tables[0]
            for await (const { key, value } of running!.reader('everywhere').range({}))
              found.set(key, value)
            wrong.push(...wrongCounts(outcome, ['views'], found))
          }
          return wrong.length === 0 ? undefined : wrong.join(', ')
        },
      })
      assert.deepEqual(report.failures, [])
    })
  }
})
