// The program of the matrix tests: aggregations of every kind over one topic of mixed page views,
// given as a file to `euphorion worker -A` and `euphorion table -A`. The environment says which
// topic and tables, and after how many stored records the worker is to stop.
import {
  App,
  and,
  array,
  boolean,
  count,
  eq,
  float32,
  float64,
  gt,
  hopping,
  int64,
  integer,
  lt,
  map,
  max,
  mean,
  min,
  ne,
  not,
  nullable,
  optional,
  or,
  present,
  record,
  string,
  sum,
  timestamp,
  tumbling,
} from 'euphorion'

const View = record('View', {
  user: string(),
  url: string(),
  ms: float64(),
  ts: timestamp(),
  size: integer(),
  bytes: int64(),
  bot: boolean(),
  load: optional(float32()),
  referrer: optional(nullable(string())),
  quota: optional(nullable(int64())),
  place: optional(
    record('Place', { city: string(), at: record('At', { x: float64(), y: float64() }) }),
  ),
  tags: optional(map(string())),
  sizes: optional(array(integer())),
})

function declareTopic(app: App, name: string) {
  return app.topic(name, { key: string(), value: View, keyedBy: 'url' })
}

type Views = ReturnType<typeof declareTopic>

/** By the name of their table; mixed_plans.ts has the same by hand, for the reference. */
const programs = {
  tumbling: (app: App, views: Views) =>
    app
      .stream(views)
      .keyBy('url')
      .time('ts')
      .window(tumbling('10s'))
      .aggregate('tumbling', (v) => ({
        views: count(),
        total: sum(v.ms),
        fastest: min(v.ms),
        slowest: max(v.ms),
        average: mean(v.ms),
      })),
  'tumbling-grace': (app: App, views: Views) =>
    app
      .stream(views)
      .window(tumbling('7s', { grace: '5s' }))
      .aggregate('tumbling-grace', (v) => ({
        views: count(),
        bytes: sum(v.bytes),
        each: mean(v.bytes),
        least: min(v.size),
        most: max(v.size),
      })),
  'hopping-grace': (app: App, views: Views) =>
    app
      .stream(views)
      .where((v) => and(gt(v.ms, 0), not(eq(v.user, '/home'))))
      .keyBy('url', 'size', 'bot')
      .time('ts')
      .window(hopping('60s', '10s', { grace: '5s' }))
      .aggregate('hopping-grace', (v) => ({
        views: count(),
        x: sum(v.place.at.x),
        load: sum(v.load),
        last: max(v.ts),
      })),
  uneven: (app: App, views: Views) =>
    app
      .stream(views)
      .where((v) => or(present(v.referrer), lt(v.bytes, 1000n)))
      .keyBy('url')
      .time('ts')
      .window(hopping('25s', '10s'))
      .aggregate('uneven', (v) => ({
        views: count(),
        total: sum(v.ms),
        least: min(v.bytes),
        most: max(v.quota),
        north: mean(v.place.at.y),
      })),
  'uneven-grace': (app: App, views: Views) =>
    app
      .stream(views)
      .where((v) => ne(v.place.city, 'ü'))
      .window(hopping('9s', '4s', { grace: '2s' }))
      .aggregate('uneven-grace', (v) => ({
        views: count(),
        sizes: sum(v.size),
        x: max(v.place.at.x),
      })),
  plain: (app: App, views: Views) =>
    app
      .stream(views)
      .keyBy('url')
      .aggregate('plain', (v) => ({
        views: count(),
        total: sum(v.ms),
        bytes: sum(v.bytes),
        quota: mean(v.quota),
        loads: sum(v.load),
        first: min(v.ts),
      })),
  'plain-by-key': (app: App, views: Views) =>
    app
      .stream(views)
      .where((v) => eq(v.bot, false))
      .aggregate('plain-by-key', (v) => ({
        views: count(),
        least: min(v.load),
        most: max(v.quota),
      })),
} as const

export type ProgramName = keyof typeof programs

const {
  MIXED_APP_ID = 'mixed',
  MIXED_APP_TOPIC = 'mixed-views',
  MIXED_APP_TABLES = Object.keys(programs).join(),
  MIXED_APP_RECORDS,
} = process.env

export const app = new App(MIXED_APP_ID)

const names = MIXED_APP_TABLES.split(',') as ProgramName[]
const views = declareTopic(app, MIXED_APP_TOPIC)
for (const name of names) programs[name](app, views)

if (MIXED_APP_RECORDS !== undefined) {
  const wanted = Number(MIXED_APP_RECORDS) * names.length
  app.timer('end', '20ms', () => {
    const stored = app.statistics().reduce((sum, lane) => sum + lane.nextOffset, 0)
    // As Ctrl+C does it: what is not yet stored then goes into the last cut.
    if (stored === wanted) process.kill(process.pid, 'SIGINT')
  })
}
