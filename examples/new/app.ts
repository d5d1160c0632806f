// Counts page views in two ways. `npm start` runs it, `npm test` tests it without a Kafka.
import { App, count, integer, max, record, string, timestamp, tumbling } from 'euphorion'

// The log is a directory here. With a Kafka: EUPHORION_BROKER=kafka://localhost:9092 npm start
export const app = new App('my-app', { broker: 'embedded:./data' })

const View = record('View', { page: string(), user: string(), ms: integer(), at: timestamp() })
export const views = app.topic('views', { key: string(), value: View, keyedBy: 'page' })

// Event by event, with any code: a table is a map that outlives its machine.
export const visits = app.table('visits', { key: string(), value: integer(), default: 0 })
app.agent(views, async function countVisits(stream) {
  for await (const view of stream) await visits.update(view.page, (n) => n + 1)
})

// Declared: counted in WebAssembly, millions of events a second.
export const perMinute = app
  .stream(views)
  .keyBy('page')
  .time('at')
  .window(tumbling('1m', { grace: '10s' }))
  .aggregate('views-per-minute', (v) => ({ views: count(), slowest: max(v.ms) }))

// Some visitors to begin with: take it out when yours come.
app.timer('visitors', '100ms', () => {
  const page = ['/', '/prices', '/docs'][Math.floor(Math.random() ** 2 * 3)]
  const user = `u${Math.floor(Math.random() * 100)}`
  return views.send({ value: { page, user, ms: Math.floor(Math.random() * 300), at: Date.now() } })
})

app.timer('report', '2s', async () => {
  for await (const [page, n] of visits) console.log(`${page}: ${n} visits`)
})

await app.main(import.meta)
