// A small app with a table with windows, one without, and an agent: what tests of commands and
// signals run as a program of its own.
import {
  App,
  count,
  integer,
  max,
  mean,
  record,
  string,
  sum,
  text,
  timestamp,
  tumbling,
} from '../../src/index.ts'

export const app = new App('visits-app', { broker: 'embedded:./data', logLevel: 'info' })

const Visit = record('Visit', { page: string(), ms: integer(), at: timestamp() })
const visits = app.topic('visits', {
  key: string(),
  value: Visit,
  keyedBy: 'page',
  partitions: 2,
})
app.topic('notes', { value: text() })

app
  .stream(visits)
  .keyBy('page')
  .time('at')
  .window(tumbling('10s'))
  .aggregate('per-window', (v) => ({ visits: count(), totalMs: sum(v.ms), meanMs: mean(v.ms) }))

app
  .stream(visits)
  .keyBy('page')
  .aggregate('per-page', (v) => ({ visits: count(), slowestMs: max(v.ms) }))

app.agent(visits, async (stream) => {
  for await (const visit of stream) console.log(`saw ${visit.page} ${visit.ms}`)
})

await app.main(import.meta)
