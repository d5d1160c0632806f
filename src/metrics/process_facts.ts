// What the process says of itself: memory, CPU time, and how late the event loop is. A source of
// metrics; the one thing that runs between readings is Node's own histogram of the loop's delay, a
// timer every 20 ms.
import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Clock } from '../clock.ts'
import { Growth } from './growth.ts'
import type { Metrics } from './metrics.ts'

const RESOLUTION_MS = 20
/** The delays of so long at least are told together, however often somebody asks. */
const WINDOW_MS = 10_000
const MS_PER_SECOND = 1000
const US_PER_SECOND = 1e6
const NS_PER_SECOND = 1e9

interface Delays {
  readonly mean: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Slots of Growth. */
const at = { cpu: 0, active: 1 } as const

export class ProcessFacts {
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #growth = new Growth()
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #sinceMs: number
  /** Of the window before. */
  #last: Delays | undefined

  constructor(metrics: Metrics, clock: Clock) {
    this.#metrics = metrics
    this.#clock = clock
    this.#sinceMs = clock.monotonic()
    this.#histogram.enable()
    metrics.addSource(() => this.#read())
  }

  close(): void {
    this.#histogram.disable()
  }

  #read(): void {
    const metrics = this.#metrics
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
    metrics.add('resident', rss)
    metrics.add('heapUsed', heapUsed)
    metrics.add('heapTotal', heapTotal)
    metrics.add('external', external)
    metrics.add('startTime', performance.timeOrigin / MS_PER_SECOND)
    const { user, system } = process.cpuUsage()
    metrics.add('cpuSeconds', this.#growth.of(this, at.cpu, (user + system) / US_PER_SECOND))
    const { active } = performance.eventLoopUtilization()
    metrics.add('activeSeconds', this.#growth.of(this, at.active, active / MS_PER_SECOND))
    const { mean, p50, p99, max } = this.#delays()
    metrics.add('loopMean', mean)
    metrics.add('loopP50', p50)
    metrics.add('loopP99', p99)
    metrics.add('loopMax', max)
  }

  #delays(): Delays {
    const now = this.#clock.monotonic()
    if (now - this.#sinceMs < WINDOW_MS) return this.#last ?? this.#current()
    this.#last = this.#current()
    this.#histogram.reset()
    this.#sinceMs = now
    return this.#last
  }

  /** Beyond the time at which a timer was due. */
  #current(): Delays {
    const histogram = this.#histogram
    const beyond = (ns: number) =>
      histogram.count === 0 ? 0 : Math.max(0, ns / NS_PER_SECOND - RESOLUTION_MS / MS_PER_SECOND)
    return {
      mean: beyond(histogram.mean),
      p50: beyond(histogram.percentile(50)),
      p99: beyond(histogram.percentile(99)),
      max: beyond(histogram.max),
    }
  }
}
