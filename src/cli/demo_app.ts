// The app of `euphorion demo`: what a user would write to count page views in windows.
import { App } from '../app/app.ts'
import { float64, string, timestamp } from '../record/fields.ts'
import { record } from '../record/record.ts'
import { count, mean } from '../stream/aggregates.ts'
import type { Duration } from '../units.ts'
import { tumbling } from '../window/windows.ts'

export const demoId = 'demo'
export const demoTable = 'views-per-page'
/** Windows of event time that the demo shows. */
export const demoWindowMs = 10_000

/** A row of the table. */
export interface PageRow {
  readonly key: string
  readonly start: number
  readonly views: number
  readonly meanMs: number | null
}

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
  /** Bound of what the log keeps of each partition. */
  readonly retentionBytes: number
  /** How long the table keeps windows, in event time. */
  readonly retention: Duration
}

export type PerPage = ReturnType<typeof makeDemoApp>['perPage']

export function makeDemoApp({ name, partitions, retentionBytes, retention }: DemoTopic) {
  const app = new App(demoId, { logLevel: 'warn' })
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
    .window(tumbling(demoWindowMs, { grace: '5s', retention }))
    .aggregate(demoTable, (v) => ({ views: count(), meanMs: mean(v.ms) }))
  return { app, perPage }
}
