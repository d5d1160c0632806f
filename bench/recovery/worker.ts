// A worker of the recovery bench: page views counted by url in windows of 10 s (W1), with the
// newest event of each row. It looks into its own table and says what it finds. Forked by life.ts.
import { writeSync } from 'node:fs'
import { runUntilSignal } from '../../src/app/signals.ts'
import { systemClock } from '../../src/clock.ts'
import {
  App,
  count,
  EuphorionError,
  integer,
  type Logger,
  max,
  record,
  string,
  timestamp,
  tumbling,
} from '../../src/index.ts'
import { type RecoveryJob, type RecoveryLine, type RecoveryState, TABLE } from './job.ts'

type Told = RecoveryLine extends infer L
  ? L extends RecoveryLine
    ? Omit<L, 'atMs'>
    : never
  : never

/** Until its first row is there; later it looks after each cut. */
const LOOK_MS = 5
const STATE_MS = 100
/** Records that a copy may lack. */
const WARM_LAG_MAX = 10_000

const { appId, topic, probes, settings } = JSON.parse(process.argv[2]) as RecoveryJob

function say(line: Told): void {
  writeSync(1, `${JSON.stringify({ atMs: systemClock.now(), ...line })}\n`)
}
say({ kind: 'loaded' })

const sayLog =
  (level: keyof Logger) =>
  (fields: object, message: string): void => {
    const { err } = fields as { err?: unknown }
    say({ kind: 'log', level, message, error: err === undefined ? undefined : String(err) })
  }
const logger: Logger = {
  debug: () => undefined,
  info: sayLog('info'),
  warn: sayLog('warn'),
  error: sayLog('error'),
}

const View = record('View', { id: integer(), url: string(), ts: timestamp() })
const app = new App(appId, { ...settings, logger })
const views = app.topic(topic, { key: string(), value: View, keyedBy: 'url' })
const counts = app
  .stream(views)
  .keyBy('url')
  .time('ts')
  .window(tumbling('10s', { grace: '5s' }))
  .aggregate(TABLE, (view) => ({ views: count(), newest: max(view.id) }))

const told = new Map<number, number>()
let isLooking = false
let isToLookAgain = false

/** Tells of the rows that have changed. */
async function look(): Promise<void> {
  isToLookAgain = true
  if (isLooking) return
  isLooking = true
  while (isToLookAgain) {
    isToLookAgain = false
    for (const { partition } of app.statistics()) {
      const newest = await newestOf(partition)
      if (newest === undefined || newest <= (told.get(partition) ?? -1)) continue
      told.set(partition, newest)
      say({ kind: 'row', partition, newest })
    }
  }
  isLooking = false
}

async function newestOf(partition: number): Promise<number | undefined> {
  try {
    return (await counts.get(probes[partition]))?.newest ?? undefined
  } catch (error) {
    // it is on its way to another worker, or the app stops
    if (error instanceof EuphorionError) return undefined
    throw error
  }
}

let cancelLook = (): void => undefined
function lookOften(): void {
  void look()
  if (told.size < probes.length) cancelLook = systemClock.after(LOOK_MS, lookOften)
}

let lastState = ''
let cancelState = (): void => undefined
function tellState(): void {
  const state = stateNow()
  const text = JSON.stringify(state)
  if (text !== lastState) say({ kind: 'state', ...state })
  lastState = text
  cancelState = systemClock.after(STATE_MS, tellState)
}

function stateNow(): RecoveryState {
  const lags = app.metrics().matchAll(/^euphorion_standby_lag_records\{.*\} (\S+)$/gm)
  return {
    held: app
      .statistics()
      .map(({ partition }) => partition)
      .sort((a, b) => a - b),
    recovering: app.recoveries().length,
    copies: [...lags].filter(([, lag]) => Number(lag) <= WARM_LAG_MAX).length,
  }
}

app.sensors.add({ onCut: () => void look() })
lookOften()
tellState()
process.exitCode = await runUntilSignal(app)
cancelLook()
cancelState()
