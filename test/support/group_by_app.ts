// An app that counts views, which are keyed by user, by url: of the test of groupBy on Kafka, and
// of the processes that it starts (group_by_worker.ts).
import { App, type AppOptions, integer, record, string } from '../../src/index.ts'

const View = record('View', { user: string(), url: string() })

export function groupByApp(id: string, options: AppOptions) {
  const app = new App(id, options)
  const partitions = 4
  const views = app.topic(`${id}-views`, {
    key: string(),
    value: View,
    keyedBy: 'user',
    partitions,
  })
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
  app.agent(views, async function counter(stream) {
    for await (const { url } of stream.groupBy('url')) await counts.update(url, (n) => n + 1)
  })
  return { app, views, counts }
}
