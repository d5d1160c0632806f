// Forked by tests of state under faults: an app that counts page views in three ways (windows in
// kernels, keys in kernels, keys in an agent's table) and sends on what it has counted. It says
// line by line, at once, what it logs and which partitions its agent stood still on.
import { writeSync } from 'node:fs'
import { runUntilSignal } from '../../src/app/signals.ts'
import { systemClock } from '../../src/clock.ts'
import {
  App,
  count,
  integer,
  type Logger,
  record,
  string,
  timestamp,
  tumbling,
} from '../../src/index.ts'
import type { SettingsInput } from '../../src/settings.ts'

export interface StateJob {
  readonly appId: string
  /** Of views, of copies that the agent sends, of changed windows. */
  readonly topics: { readonly views: string; readonly copies: string; readonly changes: string }
  readonly life: number
  readonly settings: SettingsInput
}

const GAP_MS_MIN = 50
const LOOK_MS = 25
const { appId, topics, settings } = JSON.parse(process.argv[2]) as StateJob

function say(line: object): void {
  writeSync(1, `${JSON.stringify({ atMs: systemClock.now(), ...line })}\n`)
}

const sayLog =
  (level: keyof Logger) =>
  (given: object, message: string): void => {
    const { err } = given as { err?: unknown }
    const fields = err === undefined ? given : { ...given, err: String(err) }
    say({ kind: 'log', level, fields, message })
  }
const loadedMs = Math.round(1000 * process.uptime())
say({ kind: 'log', level: 'info', fields: { ms: loadedMs }, message: 'loaded' })

const logger: Logger = {
  debug: () => undefined,
  info: sayLog('info'),
  warn: sayLog('warn'),
  error: sayLog('error'),
}

const View = record('View', { id: integer(), url: string(), ts: timestamp() })

const app = new App(appId, { ...settings, logger })
const views = app.topic(topics.views, { key: string(), value: View, keyedBy: 'url' })
const copies = app.topic(topics.copies, { value: View })

const perPage = app
  .stream(views)
  .keyBy('url')
  .time('ts')
  .window(tumbling('10s', { grace: '1h' }))
  .aggregate('per-page', () => ({ views: count() }))
perPage.changes().to(app.topic(topics.changes))

app
  .stream(views)
  .keyBy('url')
  .aggregate('per-url', () => ({ views: count() }))

const seen = app.table('seen', { key: string(), value: integer(), default: 0 })
app.agent(
  views,
  async function* count(stream) {
    const { partition } = stream
    let lastMs: number | undefined
    for await (const view of stream) {
      const nowMs = systemClock.monotonic()
      if (lastMs === undefined) say({ kind: 'first', partition })
      else if (nowMs - lastMs >= GAP_MS_MIN)
        say({ kind: 'gap', partition, ms: Math.round(nowMs - lastMs) })
      lastMs = nowMs
      await seen.update(view.url, (n) => n + 1)
      yield view
    }
  },
  { sink: copies },
)

/** Of lanes that are here: where each was first seen, until it has counted something. */
const begun = new Map<string, number>()
let cancelLook = (): void => undefined
function look(): void {
  const here = new Set<string>()
  for (const { table, partition, nextOffset } of app.statistics()) {
    const lane = `${table} ${partition}`
    here.add(lane)
    const first = begun.get(lane)
    if (first === undefined) begun.set(lane, nextOffset)
    else if (nextOffset > first) {
      say({ kind: 'counting', table, partition })
      begun.set(lane, Number.POSITIVE_INFINITY)
    }
  }
  for (const lane of begun.keys()) if (!here.has(lane)) begun.delete(lane)
  cancelLook = systemClock.after(LOOK_MS, look)
}

look()
const code = await runUntilSignal(app)
cancelLook()
say({ kind: 'log', level: 'info', fields: { code }, message: 'ended' })
process.exitCode = code
