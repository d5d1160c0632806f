// Sends metrics to a StatsD server or a Datadog agent, by the optional package hot-shots: what
// counters have grown by and what gauges are, every interval; what histograms hear, in ms, as they
// hear it. Labels are tags. Started by WorkerMetrics where the setting metricsStatsd says so.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { dottedName } from './dotted_name.ts'
import { labelled } from './metric_spec.ts'
import type { Metrics } from './metrics.ts'
import { optionalPackage } from './optional_package.ts'

export interface StatsdOptions {
  readonly metrics: Metrics
  readonly clock: Clock
  /** 'udp://host:8125', 'tcp://host:8125', 'unix:///path'. */
  readonly url: string
  readonly intervalMs: number
  /** Hears that a packet could not be sent. */
  readonly onError: (error: unknown) => void
}

type Tags = Record<string, string>

/** The part of hot-shots that is used. */
interface StatsdClient {
  increment(name: string, value: number, tags: Tags): void
  gauge(name: string, value: number, tags: Tags): void
  timing(name: string, ms: number, tags: Tags): void
  /** Older versions have a timer only. */
  flush?(): void
  close(closed: (error?: Error) => void): void
}

const DEFAULT_PORT = 8125
const MS_PER_SECOND = 1000
/** A packet that fits an Ethernet frame. */
const PACKET_BYTES = 1432

/** Where a client connects. Throws SETTING_INVALID. */
function targetOf(url: string) {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const { protocol, hostname, port, pathname } = parsed ?? {}
  if (protocol === 'unix:' && pathname !== undefined && pathname.length > 1)
    return { protocol: 'uds', path: pathname } as const
  if ((protocol === 'udp:' || protocol === 'tcp:') && hostname) {
    const host = hostname.replace(/^\[|\]$/g, '')
    const kind = protocol === 'udp:' ? 'udp' : 'tcp'
    return { protocol: kind, host, port: port ? Number(port) : DEFAULT_PORT } as const
  }
  const kinds = 'udp://host:8125, tcp://host:8125 or unix:///path'
  throw new EuphorionError('SETTING_INVALID', `metricsStatsd cannot be '${url}': it takes ${kinds}`)
}

export class StatsdSender {
  readonly #options: StatsdOptions
  readonly #client: StatsdClient
  /** What counters were when they were last sent. */
  readonly #sent = new Map<string, number>()
  readonly #deafen: () => void
  #cancel: (() => void) | undefined

  private constructor(options: StatsdOptions, client: StatsdClient) {
    this.#options = options
    this.#client = client
    this.#deafen = options.metrics.observed((spec, value, labels) =>
      client.timing(dottedName(spec), value * MS_PER_SECOND, labelled(spec, labels)),
    )
    this.#schedule()
  }

  /** Rejects with SETTING_INVALID for another kind of address, or without the package. */
  static async open(options: StatsdOptions): Promise<StatsdSender> {
    const target = targetOf(options.url)
    const hotShots = await optionalPackage('metricsStatsd', 'hot-shots', () => import('hot-shots'))
    const client = new hotShots.StatsD({
      ...target,
      errorHandler: options.onError,
      maxBufferSize: PACKET_BYTES,
      includeDataDogTags: false,
    })
    return new StatsdSender(options, client)
  }

  #schedule(): void {
    const { clock, intervalMs } = this.#options
    this.#cancel = clock.after(intervalMs, () => {
      this.#send()
      this.#client.flush?.()
      this.#schedule()
    })
  }

  #send(): void {
    for (const { spec, series } of this.#options.metrics.read()) {
      if (spec.type === 'histogram') continue
      const name = dottedName(spec)
      for (const { labels, values } of series) {
        const tags = labelled(spec, labels)
        if (spec.type === 'gauge') this.#client.gauge(name, values[0], tags)
        else this.#sendGrowth(name, [name, ...labels].join('\0'), values[0], tags)
      }
    }
  }

  #sendGrowth(name: string, key: string, value: number, tags: Tags): void {
    const growth = value - (this.#sent.get(key) ?? 0)
    this.#sent.set(key, value)
    if (growth !== 0) this.#client.increment(name, growth, tags)
  }

  /** Sends what is left; resolves when it is out. */
  async close(): Promise<void> {
    this.#cancel?.()
    this.#deafen()
    this.#send()
    await new Promise<void>((resolve) => this.#client.close(() => resolve()))
  }
}
