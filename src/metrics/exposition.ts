// Readings as Prometheus' text format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). Called by the web server.
import type { Series } from './family.ts'
import type { Reading } from './metrics.ts'

export const expositionType = 'text/plain; version=0.0.4; charset=utf-8'

export function exposition(readings: readonly Reading[]): string {
  let text = ''
  for (const { spec, series } of readings) {
    const { name, type, help, labels, bounds } = spec
    text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`
    for (const each of series) {
      const pairs = each.labels.map((value, at) => `${labels[at]}="${escapeValue(value)}"`)
      if (type === 'histogram') text += histogramLines(name, pairs, bounds, each)
      else text += line(name, pairs, each.values[0])
    }
  }
  return text
}

/** Buckets are cumulative there. */
function histogramLines(
  name: string,
  pairs: readonly string[],
  bounds: readonly number[],
  { values }: Series,
): string {
  let text = ''
  let count = 0
  for (const [at, bound] of [...bounds, Number.POSITIVE_INFINITY].entries()) {
    count += values[at]
    text += line(`${name}_bucket`, [...pairs, `le="${numberText(bound)}"`], count)
  }
  const sum = values[bounds.length + 1]
  return text + line(`${name}_sum`, pairs, sum) + line(`${name}_count`, pairs, count)
}

function line(name: string, pairs: readonly string[], value: number): string {
  const labels = pairs.length === 0 ? '' : `{${pairs.join(',')}}`
  return `${name}${labels} ${numberText(value)}\n`
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
