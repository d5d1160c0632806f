// Forked by soaks: runs the app of a job to its end, and takes its resident memory each time
// that it has consumed so many records more.
import { writeFileSync } from 'node:fs'
import { type Clock, systemClock } from '../../src/clock.ts'
import { type CrashJob, crashApp } from './crash_app.ts'

export interface SoakJob {
  readonly job: CrashJob
  /** Records between two samples. */
  readonly every: number
  /** File of the SoakFigures. */
  readonly output: string
}

export interface SoakFigures {
  /** Resident bytes. */
  readonly samples: readonly number[]
  /** Seconds since the begin at which they were taken. */
  readonly sampledAt: readonly number[]
  readonly maxResidentBytes: number
  readonly seconds: number
  readonly cells: number
  /** Sum of all cells. */
  readonly views: number
}

const { job, every, output } = JSON.parse(process.argv[2]) as SoakJob
const samples: number[] = []
const sampledAt: number[] = []
let finish = (): void => undefined
const end = new Promise<void>((resolve) => {
  finish = resolve
})
const clock: Clock = {
  ...systemClock,
  now() {
    if (crash.consumed() >= (samples.length + 1) * every) {
      samples.push(process.memoryUsage.rss())
      sampledAt.push((systemClock.monotonic() - began) / 1000)
    }
    return systemClock.now()
  },
  after(ms, call) {
    if (crash.done()) finish()
    return systemClock.after(ms, call)
  },
}
const began = systemClock.monotonic()
const crash = crashApp(job, { clock })
await crash.app.start()
await Promise.race([end, crash.app.ended])
const seconds = (systemClock.monotonic() - began) / 1000
const maxResidentBytes = process.resourceUsage().maxRSS * 1024
let cells = 0
let views = 0
for await (const row of crash.tables[0].range({})) {
  cells++
  views += (row as { readonly views: number }).views
}
const figures: SoakFigures = { samples, sampledAt, maxResidentBytes, seconds, cells, views }
writeFileSync(output, JSON.stringify(figures))
await crash.app.stop()
