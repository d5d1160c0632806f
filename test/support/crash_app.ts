// The page-view aggregations of crash tests as an app, from a job that also travels to child
// processes. Used by crash_worker.ts, which is killed, and by tests that fail parts of an app in
// their own process.
import { App } from '../../src/app/app.ts'
import type { AppOptions } from '../../src/app/app_options.ts'
import type { LaneStatistics } from '../../src/app/lane_statistics.ts'
import { createLogger } from '../../src/logger.ts'
import { float64, string, timestamp } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import type { SettingsInput } from '../../src/settings.ts'
import { count, max, min, sum } from '../../src/stream/aggregates.ts'
import { hopping, tumbling } from '../../src/window/windows.ts'

/** What an app of crash tests reads and computes. */
export interface CrashJob {
  readonly appId: string
  readonly topic: string
  /** Offset behind the last record, by partition. */
  readonly ends: readonly number[]
  readonly tables: readonly CrashTable[]
  /** Also sends the changes and the final results of 'w1' to topics of these names. */
  readonly results?: { readonly changes: string; readonly finals: string }
  readonly settings: SettingsInput
}

/**
 * Counts in tumbling windows; sums in hopping ones; unwindowed; windows so short that records are
 * late.
 */
export type CrashTable = 'w1' | 'w2' | 'w3' | 'late'

const PageView = record('PageView', {
  user: string(),
  url: string(),
  ms: float64(),
  ts: timestamp(),
})

/** A table to be written out. */
export interface Rows {
  readonly name: string
  range(query: object): AsyncIterable<unknown>
}

export interface CrashApp {
  readonly app: App
  readonly tables: readonly Rows[]
  /** Records that the lanes have consumed, all lanes together. */
  consumed(): number
  /** Records that are in the stores; undefined until there are all lanes. */
  stored(): number | undefined
  /** Every lane has stored everything. */
  done(): boolean
  /** Every row of every table as a line of JSON, and what each lane counted. */
  dump(): Promise<string[]>
}

export function crashApp(
  job: CrashJob,
  options: Pick<AppOptions, 'clock' | 'logger'> = {},
): CrashApp {
  const logger = createLogger(job.appId, 'error')
  const app = new App(job.appId, { logger, ...job.settings, ...options })
  const topic = app.topic(job.topic, { key: string(), value: PageView, keyedBy: 'url' })
  const views = app.stream(topic).keyBy('url').time('ts')
  const ten = views.window(tumbling('10s', { grace: '5s' }))
  const sixty = views.window(hopping('60s', '10s', { grace: '5s' }))
  const short = views.window(hopping('500ms', '200ms', { grace: '1s' }))
  const declareW1 = () => {
    const w1 = ten.aggregate('w1', () => ({ views: count() }))
    if (job.results !== undefined) {
      const changes = app.topic(job.results.changes)
      const finals = app.topic(job.results.finals)
      w1.changes().to(changes)
      w1.final().to(finals)
    }
    return w1
  }
  const declare = {
    w1: declareW1,
    w2: () =>
      sixty.aggregate('w2', (v) => ({
        views: count(),
        total: sum(v.ms),
        fastest: min(v.ms),
        slowest: max(v.ms),
      })),
    w3: () => views.aggregate('w3', (v) => ({ views: count(), total: sum(v.ms) })),
    late: () => short.aggregate('late', () => ({ views: count() })),
  } satisfies Record<CrashTable, () => Rows>
  const tables = job.tables.map((name) => declare[name]())
  const sumOf = (offset: 'nextOffset' | 'storedOffset') =>
    app.statistics().reduce((total, lane) => total + lane[offset], 0)
  return {
    app,
    tables,
    consumed: () => sumOf('nextOffset'),
    stored: () => (isComplete(job, app.statistics()) ? sumOf('storedOffset') : undefined),
    done: () => isDone(job, app.statistics()),
    dump: () => dump(tables, app.statistics()),
  }
}

/** Are there all lanes? */
function isComplete({ ends, tables }: CrashJob, lanes: readonly LaneStatistics[]): boolean {
  return lanes.length === ends.length * tables.length
}

/** Has every lane stored everything, or stopped? */
export function isDone(job: CrashJob, lanes: readonly LaneStatistics[]): boolean {
  return (
    isComplete(job, lanes) &&
    lanes.every(
      ({ stopped, storedOffset, partition }) => stopped || storedOffset >= job.ends[partition],
    )
  )
}

/** Every row of every table as a line of JSON, and what each lane counted. */
export async function dump(
  tables: readonly Rows[],
  lanes: readonly LaneStatistics[],
): Promise<string[]> {
  const lines: string[] = []
  for (const table of tables)
    for await (const row of table.range({})) lines.push(JSON.stringify([table.name, row]))
  for (const lane of lanes) {
    const { table, partition, storedOffset, streamTimeMs, counted, late, bad, filtered } = lane
    lines.push(
      JSON.stringify([
        'counters',
        { table, partition, storedOffset, streamTimeMs, counted, late, bad, filtered },
      ]),
    )
  }
  return lines.sort()
}
