// Forked by crash tests: runs the app of a job until it dies by its own kill -9 or has consumed
// everything; then writes what its tables hold. Its clock is asked at every batch and every cut,
// and so sees how far the work has come.
import { writeFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { type Clock, systemClock } from '../../src/clock.ts'
import { resolveSettings } from '../../src/settings.ts'
import { type CrashJob, crashApp } from './crash_app.ts'

/** Where a life ends. */
export interface KillPoint {
  /** At the first batch, or the first cut, when the lanes have consumed so many records in all. */
  readonly at: 'batch' | 'cut'
  readonly consumed: number
  /** Turns of the event loop that the main thread still makes. */
  readonly turns: number
  /** Rounds of an empty loop beside the main thread after that. */
  readonly spins: number
}

export interface CrashLife {
  readonly job: CrashJob
  readonly kill?: KillPoint
  /** File of the rows, one JSON a line. */
  readonly output: string
}

const { job, kill, output } = JSON.parse(process.argv[2]) as CrashLife
const { commitIntervalMs } = resolveSettings({ code: job.settings })
const signal = new Int32Array(new SharedArrayBuffer(4))
let dying = false
let finish = (): void => undefined
const end = new Promise<void>((resolve) => {
  finish = resolve
})

function killAfter(turns: number): void {
  dying = true
  if (turns > 0) {
    setImmediate(() => killAfter(turns - 1))
    return
  }
  Atomics.store(signal, 0, 1)
  Atomics.notify(signal, 0)
}

function look(at: KillPoint['at']): void {
  if (dying || kill?.at !== at || crash.consumed() < kill.consumed) return
  killAfter(kill.turns)
}

/** Tells the parent what is stored: where this life begins, and where each cut has come to. */
let told = false
function tell(): void {
  const stored = crash.stored()
  if (stored === undefined) return
  told = true
  process.send?.(stored)
}

const clock: Clock = {
  ...systemClock,
  now() {
    if (!told) tell()
    look('batch')
    return systemClock.now()
  },
  after(ms, call) {
    if (ms !== commitIntervalMs) return systemClock.after(ms, call)
    tell()
    // Where a slow life before this one has left nothing to do no batch comes to die at.
    if (crash.done()) {
      if (kill === undefined) finish()
      else if (!dying) killAfter(kill.turns)
    }
    return systemClock.after(ms, () => {
      look('cut')
      call()
    })
  },
}

if (kill !== undefined) {
  const { spins } = kill
  const program = new URL('./crash_killer.js', import.meta.url)
  new Worker(program, { workerData: { signal, spins } }).unref()
}
const crash = crashApp(job, { clock })
await crash.app.start()
await Promise.race([end, crash.app.ended])
writeFileSync(output, (await crash.dump()).join('\n'))
await crash.app.stop()
