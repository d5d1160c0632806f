// Hands metrics to OpenTelemetry through its API, the optional package @opentelemetry/api: counters
// and gauges when the program's SDK collects, histograms as they hear. What the SDK does with them
// is the program's. Started by WorkerMetrics where the setting metricsOpenTelemetry says so.
import type { BatchObservableCallback, Histogram, Meter, Observable } from '@opentelemetry/api'
import { packageVersion } from '../package_version.ts'
import { dottedName } from './dotted_name.ts'
import { labelled, type MetricSpec } from './metric_spec.ts'
import { metricSpecs } from './metric_specs.ts'
import type { Metrics } from './metrics.ts'
import { optionalPackage } from './optional_package.ts'

/** Of names' ends, as UCUM has them. */
const units: readonly (readonly [end: string, unit: string])[] = [
  ['_seconds', 's'],
  ['_bytes', 'By'],
  ['_records', '{record}'],
  ['_batches', '{batch}'],
]

/**
 * The returned function ends it. Rejects with SETTING_INVALID without the package. Without an SDK
 * the API does nothing with what it is told.
 */
export async function exportToOpenTelemetry(metrics: Metrics): Promise<() => void> {
  const api = await optionalPackage(
    'metricsOpenTelemetry',
    '@opentelemetry/api',
    () => import('@opentelemetry/api'),
  )
  const meter = api.metrics.getMeter('euphorion', packageVersion())
  const observables = new Map<string, Observable>()
  const histograms = new Map<string, Histogram>()
  for (const spec of Object.values<MetricSpec>(metricSpecs)) {
    if (spec.type === 'histogram') histograms.set(spec.name, histogramOf(meter, spec))
    else observables.set(spec.name, observableOf(meter, spec))
  }
  const collect: BatchObservableCallback = (result) => {
    for (const { spec, series } of metrics.read()) {
      const observable = observables.get(spec.name)
      if (observable === undefined) continue
      for (const { labels, values } of series)
        result.observe(observable, values[0], labelled(spec, labels))
    }
  }
  const all = [...observables.values()]
  meter.addBatchObservableCallback(collect, all)
  const deafen = metrics.observed((spec, value, labels) =>
    histograms.get(spec.name)?.record(value, labelled(spec, labels)),
  )
  return () => {
    deafen()
    meter.removeBatchObservableCallback(collect, all)
  }
}

function optionsOf({ name, help }: MetricSpec) {
  const bare = name.replace(/_total$/, '')
  const unit = units.find(([end]) => bare.endsWith(end))?.[1] ?? '1'
  return { description: help, unit }
}

function histogramOf(meter: Meter, spec: MetricSpec): Histogram {
  const advice = { explicitBucketBoundaries: [...spec.bounds] }
  return meter.createHistogram(dottedName(spec), { ...optionsOf(spec), advice })
}

function observableOf(meter: Meter, spec: MetricSpec): Observable {
  const name = dottedName(spec)
  if (spec.type === 'gauge') return meter.createObservableGauge(name, optionsOf(spec))
  return meter.createObservableCounter(name, optionsOf(spec))
}
