// Page views by URL in hopping windows, computed in the kernels; a timer prints the busiest page.
//   node page_views.js worker
//   node page_views.js table views-per-page
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

export const app = new App('page-views', { broker: 'embedded:./data' })

const PageView = record('PageView', {
  user: string(),
  url: string(),
  ms: float64(),
  ts: timestamp(),
})
const views = app.topic('page-views', { key: string(), value: PageView, keyedBy: 'url' })

const perPage = app
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

const pages = ['/home', '/prices', '/docs', '/docs/tables', '/about']
app.timer('visitors', '20ms', async () => {
  const url = pages[Math.floor(Math.random() ** 2 * pages.length)]
  const user = Math.random() < 0.1 ? 'bot' : `u${Math.floor(Math.random() * 1000)}`
  await views.send({ value: { user, url, ms: 1 + Math.random() * 99, ts: Date.now() } })
})

app.timer('report', '5s', async () => {
  const now = await perPage.get('/home')
  if (now === undefined) return
  const since = new Date(now.start).toISOString().slice(11, 19)
  console.log(`/home since ${since}: ${now.views} views, ${(now.total / now.views).toFixed(1)} ms`)
})

await app.main(import.meta)
