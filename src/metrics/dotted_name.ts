// Names as StatsD and OpenTelemetry have them: dots, no `_total`, and units apart.
import type { MetricSpec } from './metric_spec.ts'

/** 'euphorion_cut_seconds' → 'euphorion.cut' for histograms, 'euphorion.fetched_records' … */
export function dottedName({ name, type }: MetricSpec): string {
  const bare = type === 'histogram' ? name.replace(/_seconds$/, '') : name.replace(/_total$/, '')
  return bare.replace('_', '.')
}
