// All metrics of a worker. Most of what they say is counted elsewhere anyway, and read by *sources*
// when somebody asks; only what has no other place (how long cuts took, bad records) is told here
// as it happens. Made by WorkerMetrics; read for Prometheus, StatsD and OpenTelemetry.
import { Family, type Series } from './family.ts'
import type { MetricSpec } from './metric_spec.ts'
import { type LabelsOf, type MetricName, metricSpecs } from './metric_specs.ts'

export interface Reading {
  readonly spec: MetricSpec
  readonly series: readonly Series[]
}

/** Hears what a histogram is told, as it is told. */
export type Observer = (spec: MetricSpec, value: number, labels: readonly string[]) => void

export class Metrics {
  readonly #families: ReadonlyMap<string, Family>
  readonly #sources: (() => void)[] = []
  readonly #observers = new Set<Observer>()
  readonly #onError: (error: unknown) => void

  /** `onError` hears of sources that throw; their metrics are those of the last time. */
  constructor(seriesMax: number, onError: (error: unknown) => void) {
    this.#families = new Map(
      Object.entries(metricSpecs).map(([name, spec]) => [name, new Family(spec, seriesMax)]),
    )
    this.#onError = onError
  }

  /** Called before each reading. Gauges that no source tells are gone. */
  addSource(read: () => void): void {
    this.#sources.push(read)
  }

  /** The returned function ends it. */
  observed(observer: Observer): () => void {
    this.#observers.add(observer)
    return () => void this.#observers.delete(observer)
  }

  /** What a counter has grown by, or a gauge is; several of the same labels are added up. */
  add<N extends MetricName>(name: N, value: number, ...labels: LabelsOf<N>): void {
    this.#family(name).add(value, labels)
  }

  /** Of a histogram. */
  observe<N extends MetricName>(name: N, value: number, ...labels: LabelsOf<N>): void {
    const family = this.#family(name)
    family.observe(value, labels)
    if (this.#observers.size === 0) return
    for (const observer of this.#observers) observer(family.spec, value, labels.map(String))
  }

  /** Every metric that has a value. */
  read(): Reading[] {
    for (const family of this.#families.values()) family.begin()
    for (const source of this.#sources) {
      try {
        source()
      } catch (error) {
        this.#onError(error)
      }
    }
    const readings: Reading[] = []
    for (const family of this.#families.values()) {
      family.end()
      const series = family.series()
      if (series.length > 0) readings.push({ spec: family.spec, series })
    }
    return readings
  }

  #family(name: MetricName): Family {
    return this.#families.get(name)!
  }
}
