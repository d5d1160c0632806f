// Page views by URL, counted event by event in a table: a map that survives. A timer plays the
// visitors, another prints the busiest pages.
//   npx euphorion worker -A counts.ts            # until Ctrl+C; started again, it counts on
//   npx euphorion table counts -A counts.ts      # meanwhile, or afterwards
// In a clone of Euphorion: node dist/examples/counts.js worker (and: table counts)
import { App, integer, record, string } from 'euphorion'

// With a Kafka: --broker kafka://localhost:9092
export const app = new App('counts', { broker: 'embedded:./data' })

const Visit = record('Visit', { user: string(), url: string() })
const visits = app.topic('visits', { key: string(), value: Visit, keyedBy: 'url' })

// Keyed by what the topic is keyed by: then the agent has the keys of the events that it gets.
const counts = app.table('counts', { key: string(), value: integer(), default: 0 })

app.agent(visits, async (stream) => {
  for await (const visit of stream) await counts.update(visit.url, (n) => n + 1)
})

const pages = ['/home', '/prices', '/docs', '/docs/tables', '/about']
app.timer('visitors', '20ms', async () => {
  const url = pages[Math.floor(Math.random() ** 2 * pages.length)]
  await visits.send({ value: { user: `u${Math.floor(Math.random() * 1000)}`, url } })
})

app.timer('report', '1s', async () => {
  const rows: [string, number][] = []
  for await (const row of counts) rows.push(row)
  rows.sort(([, a], [, b]) => b - a)
  for (const [url, n] of rows.slice(0, 3)) console.log(`${url}: ${n} views`)
})

await app.main(import.meta)
