// Every metric once, in the order in which they are shown. Read by metrics.ts, which gives them
// their values, and by the script that writes docs/metrics.md.
import { flowMetrics } from './metric_specs_flow.ts'
import { processMetrics } from './metric_specs_process.ts'
import { stateMetrics } from './metric_specs_state.ts'

export const metricSpecs = { ...flowMetrics, ...stateMetrics, ...processMetrics } as const

type Specs = typeof metricSpecs

/** What code calls a metric. */
export type MetricName = keyof Specs

type Values<L extends readonly string[]> = { readonly [I in keyof L]: string | number }

/** Values of the metric's labels, in their order. */
export type LabelsOf<N extends MetricName> = Values<Specs[N]['labels']>
