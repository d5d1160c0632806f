// One run of `npm run bench:metrics`, in a process of its own: W1 as an app on an embedded log,
// with metrics or without. Forked by metrics.ts, which reads /metrics meanwhile.
import { pause, systemClock } from '../../src/clock.ts'
import { App, count, string, tumbling } from '../../src/index.ts'
import { createLogger } from '../../src/logger.ts'
import { PageView } from '../../src/tune/page_view.ts'

export interface RunSpec {
  readonly id: string
  readonly topic: string
  readonly events: number
  readonly broker: string
  readonly dataDir: string
  readonly threads: number
  readonly webPort: number
  readonly metrics: boolean
}

export interface Measured {
  readonly cpuSecondsPerMillion: number
  readonly eventsPerSecond: number
}

/** measured: nobody need read /metrics any more. */
export type ChildMessage = 'measured' | Measured

const LOOK_MS = 10

process.once('disconnect', () => process.exit(1))
process.once('message', (spec) => {
  measure(spec as RunSpec).then(
    (run) => process.send?.(run, () => process.exit(0)),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})

/** From the assignment, which comes before the first fetch, to the cut that has all. */
async function measure({ id, topic, events, ...settings }: RunSpec): Promise<Measured> {
  const app = new App(id, { ...settings, logger: createLogger(id, 'error') })
  const views = app.topic(topic, { key: string(), value: PageView, keyedBy: 'url' })
  const perPage = app
    .stream(views)
    .keyBy('url')
    .time('ts')
    .window(tumbling('10s', { grace: '5s' }))
    .aggregate('views', () => ({ views: count() }))
  let began = { ms: 0, cpu: process.cpuUsage() }
  const now = () => ({ ms: systemClock.monotonic(), cpu: process.cpuUsage() })
  const stopListening = app.sensors.add({ onAssigned: () => (began = now()) })
  const consumed = (): number =>
    app.statistics().reduce((sum, { counted, late, bad }) => sum + counted + late + bad, 0)
  await app.start()
  stopListening()
  while (consumed() < events) await pause(systemClock, LOOK_MS)
  await app.cut()
  const { user, system } = process.cpuUsage(began.cpu)
  const seconds = (systemClock.monotonic() - began.ms) / 1000
  process.send?.('measured')
  let counted = 0
  for await (const row of perPage.range({})) counted += row.views
  await app.stop()
  if (counted !== events) throw new Error(`${counted} of ${events} events were counted`)
  return { cpuSecondsPerMillion: (user + system) / events, eventsPerSecond: events / seconds }
}
