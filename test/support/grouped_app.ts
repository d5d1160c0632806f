// The simulated app that groups its events by another key than they have: counts in a table.
import { App, integer, record, string } from '../../src/index.ts'
import type { SimulationOutcome } from '../../src/testing/simulate.ts'

const Visit = record('Visit', { user: string(), page: string(), number: integer() })
const PAGES = 10

export function groupedApp(): App {
  const app = new App('grouped', { topicPartitions: 3 })
  const visits = app.topic('user-visits', { key: string(), value: Visit, keyedBy: 'user' })
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
  app.agent(visits, async function counter(stream) {
    for await (const { page } of stream.groupBy('page')) await counts.update(page, (n) => n + 1)
  })
  return app
}

export function userVisit(random: () => number, number: number) {
  const page = `/${Math.floor(random() * PAGES)}`
  const user = `u${Math.floor(random() * PAGES)}`
  return { topic: 'user-visits', key: user, value: JSON.stringify({ user, page, number }) }
}

/** Each page as often as it was visited; at least once, records may be forwarded twice. */
export async function groupedBreaches(outcome: SimulationOutcome): Promise<string[]> {
  const { records, table, settings } = outcome
  const expected = new Map<string, number>()
  for (const { value } of records('user-visits')) {
    const { page } = JSON.parse(String(Buffer.from(value!)))
    expected.set(page, (expected.get(page) ?? 0) + 1)
  }
  const found: string[] = []
  const isExact = settings.guarantee === 'exactly_once'
  for (const [page, count] of expected) {
    const row = await table('counts').get(page)
    const counted = Number((row as { value?: unknown } | undefined)?.value ?? 0)
    if (isExact ? counted !== count : counted < count)
      found.push(`${page} was visited ${count} times, and counted ${counted} times`)
  }
  return found
}
