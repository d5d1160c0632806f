// Page views by URL in hopping windows, counted in the kernels. A timer plays the visitors, another
// prints the busiest pages of the newest window.
//   npx euphorion worker -A page_views.ts                  # until Ctrl+C
//   npx euphorion table views-per-page -A page_views.ts    # meanwhile, or afterwards
//   npx euphorion table views-per-page -A page_views.ts --key /home --format jsonl
// In a clone of Euphorion: node dist/examples/page_views.js worker (and: table views-per-page)
import {
  App,
  and,
  count,
  eq,
  float64,
  gt,
  hopping,
  max,
  min,
  not,
  record,
  string,
  sum,
  timestamp,
} from 'euphorion'

// With a Kafka: --broker kafka://localhost:9092
export const app = new App('page-views', { broker: 'embedded:./data' })

const PageView = record('PageView', {
  user: string(),
  url: string(),
  ms: float64(),
  ts: timestamp(),
})
export const views = app.topic('page-views', { key: string(), value: PageView, keyedBy: 'url' })

export const perPage = app
  .stream(views)
  .where((v) => and(gt(v.ms, 0), not(eq(v.user, 'bot'))))
  .keyBy('url')
  .time('ts')
  .window(hopping('60s', '10s', { grace: '5s' }))
  .aggregate('views-per-page', (v) => ({
    views: count(),
    total: sum(v.ms),
    fastest: min(v.ms),
    slowest: max(v.ms),
  }))

// Each row again whenever it has changed, for whoever reads the topic.
perPage.changes().to(app.topic('views-per-page'))

const pages = ['/home', '/prices', '/docs', '/docs/tables', '/about']
app.timer('visitors', '20ms', async () => {
  const url = pages[Math.floor(Math.random() ** 2 * pages.length)]
  const user = Math.random() < 0.1 ? 'bot' : `u${Math.floor(Math.random() * 1000)}`
  await views.send({ key: url, value: { user, url, ms: 1 + Math.random() * 99, ts: Date.now() } })
})

app.timer('report', '2s', async () => {
  for (const page of pages) {
    const now = await perPage.get(page)
    if (now === undefined) continue
    const mean = (now.total / now.views).toFixed(1)
    console.log(
      `${page}: ${now.views} views since ${new Date(now.start).toISOString()}, ${mean} ms`,
    )
  }
})

await app.main(import.meta)
