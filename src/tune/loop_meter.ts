// What a run costs the main thread: its CPU time, and how long the event loop is kept from turning.
// Used by bench runs.
import { readFileSync } from 'node:fs'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** ms beyond the time at which a timer of 1 ms was due. */
export interface LoopDelay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface MainThread {
  /** CPU seconds; undefined where the system does not tell them by thread. */
  readonly cpuSeconds: number | undefined
  readonly loopDelayMs: LoopDelay
}

const RESOLUTION_MS = 1
const NS_PER_MS = 1e6

export class LoopMeter {
  readonly #delays: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #cpu: number | undefined

  begin(): void {
    this.#cpu = threadCpuSeconds()
    this.#delays.reset()
    this.#delays.enable()
  }

  end(): MainThread {
    this.#delays.disable()
    const cpu = threadCpuSeconds()
    const ms = (ns: number): number => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS)
    const { max } = this.#delays
    return {
      cpuSeconds: cpu === undefined || this.#cpu === undefined ? undefined : cpu - this.#cpu,
      loopDelayMs: {
        p50: ms(this.#delays.percentile(50)),
        p99: ms(this.#delays.percentile(99)),
        max: ms(max),
      },
    }
  }
}

/** Of the main thread; Linux. */
function threadCpuSeconds(): number | undefined {
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1')
    return Number.parseInt(text, 10) / 1e9
  } catch {
    return undefined
  }
}
