// What a metric is declared with: name, type, labels, meaning, when to worry. Used by the tables of
// metrics (metric_specs*.ts), from which docs/metrics.md is made.

export interface MetricSpec<L extends readonly string[] = readonly string[]> {
  /** As Prometheus has it: with unit, and `_total` where it only grows. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: L
  readonly help: string
  /** When a person should look; empty: never by itself. */
  readonly worry: string
  /** Labels whose values are from a short list: they are kept where the others are 'other'. */
  readonly closed: readonly string[]
  /** Upper bounds of a histogram's buckets, rising; the last one, +Inf, goes without saying. */
  readonly bounds: readonly number[]
}

interface Texts {
  readonly help: string
  readonly worry?: string
  readonly closed?: readonly string[]
}

const declare =
  (type: MetricSpec['type']) =>
  <const L extends readonly string[]>(
    name: string,
    labels: L,
    { help, worry = '', closed = [] }: Texts,
  ): MetricSpec<L> => ({ name, type, labels, help, worry, closed, bounds: [] })

/** Values of a series' labels by their names. */
export function labelled(
  { labels }: MetricSpec,
  values: readonly string[],
): Record<string, string> {
  return Object.fromEntries(labels.map((name, at) => [name, values[at]]))
}

/** Only grows while the worker runs. */
export const counter = declare('counter')
/** As it is when it is read. */
export const gauge = declare('gauge')

export function histogram<const L extends readonly string[]>(
  name: string,
  labels: L,
  { bounds, ...texts }: Texts & { readonly bounds: readonly number[] },
): MetricSpec<L> {
  return { ...declare('histogram')(name, labels, texts), bounds }
}
