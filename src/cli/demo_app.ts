// The app of `euphorion demo`: what a user would write to count page views in windows.
import { App } from '../app/app.ts'
import { float64, string, timestamp } from '../record/fields.ts'
import { record } from '../record/record.ts'
import { count, mean } from '../stream/aggregates.ts'
import { tumbling } from '../window/windows.ts'

export const demoTable = 'views-per-page'
/** Windows of event time that the demo shows. */
export const demoWindowMs = 10_000

const SEGMENT_BYTES = 32 * 1024 * 1024

const PageView = record('PageView', {
  user: string(),
  url: string(),
  ms: float64(),
  ts: timestamp(),
})

export interface DemoTopic {
  readonly name: string
  readonly partitions: number
  /** Bound of what is kept of each partition. */
  readonly retentionBytes: number
}

export function makeDemoApp({ name, partitions, retentionBytes }: DemoTopic) {
  const app = new App('demo', { logLevel: 'warn' })
  const views = app.topic(name, {
    key: string(),
    value: PageView,
    keyedBy: 'url',
    partitions,
    config: { retentionBytes, segmentBytes: SEGMENT_BYTES },
  })
  const perPage = app
    .stream(views)
    .keyBy('url')
    .time('ts')
    .window(tumbling(demoWindowMs, { grace: '5s', retention: '1h' }))
    .aggregate(demoTable, (v) => ({ views: count(), meanMs: mean(v.ms) }))
  return { app, perPage }
}
