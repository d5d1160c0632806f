// Apps that the tests of the simulator run: what each sends and must have sent, and its events.
import {
  App,
  count,
  integer,
  type Random,
  record,
  string,
  sum,
  timestamp,
  tumbling,
} from '../../src/index.ts'
import type { SimulationOutcome } from '../../src/testing/simulate.ts'
import type { SimulatedEvent } from '../../src/testing/workload.ts'

const PAGES = 12
/** Events are up to so late; some later than the grace of the windows. */
const DISORDER_MS = 4000

const Visit = record('Visit', { page: string(), ms: integer(), at: timestamp() })

/** A table without windows, one with, results of both, and an agent that repeats its events. */
export function visitsApp(): App {
  const app = new App('visits', { topicPartitions: 3 })
  const visits = app.topic('visits', { key: string(), value: Visit, keyedBy: 'page' })
  const perWindow = app
    .stream(visits)
    .keyBy('page')
    .time('at')
    .window(tumbling('5s', { grace: '2s' }))
    .aggregate('per-window', (v) => ({ visits: count(), totalMs: sum(v.ms) }))
  const perPage = app
    .stream(visits)
    .keyBy('page')
    .aggregate('per-page', (v) => ({ visits: count(), totalMs: sum(v.ms) }))
  perWindow.final().to(app.topic('finals'))
  perPage.changes().to(app.topic('changes'))
  const echoed = app.topic<{ page: string; ms: number }>('echoed')
  app.agent(
    visits,
    async function* (stream) {
      for await (const { page, ms } of stream) yield { page, ms }
    },
    { sink: echoed },
  )
  return app
}

export function visit(random: Random, number: number, nowMs: number): SimulatedEvent {
  const page = `/${Math.floor(random() ** 2 * PAGES)}`
  const at = nowMs - Math.floor(random() ** 3 * DISORDER_MS)
  const value = JSON.stringify({ page, ms: number, at })
  return { topic: 'visits', key: page, value, timestamp: nowMs }
}

/** Every event was repeated, under exactly_once once. */
export function visitsBreaches({ records, settings }: SimulationOutcome): string[] {
  const numbers = (topic: string) =>
    records(topic).map(({ value }) => JSON.parse(String(Buffer.from(value!))).ms as number)
  const echoes = new Map<number, number>()
  for (const each of numbers('echoed')) echoes.set(each, (echoes.get(each) ?? 0) + 1)
  const found: string[] = []
  const events = numbers('visits')
  const lost = events.filter((each) => !echoes.has(each))
  if (lost.length > 0) found.push(`${lost.length} events were not echoed: ${lost.slice(0, 5)}`)
  const twice = events.filter((each) => (echoes.get(each) ?? 0) > 1)
  if (settings.guarantee === 'exactly_once' && twice.length > 0)
    found.push(`${twice.length} events were echoed more than once: ${twice.slice(0, 5)}`)
  return found
}
