// Prometheus' text format read back, as strictly as a server does. Used by tests of metrics.
import assert from 'node:assert/strict'

export interface Sample {
  /** Of the line: with _bucket, _sum or _count for histograms. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface ExposedMetric {
  readonly type: string
  readonly help: string
  readonly samples: Sample[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? ([^ ]+)$`, 's')
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/y

/** Fails where a line is none of the format, or a sample is not below its own TYPE. */
export function parseExposition(text: string): Map<string, ExposedMetric> {
  assert.ok(text === '' || text.endsWith('\n'), 'the last line has to end')
  const metrics = new Map<string, ExposedMetric>()
  let help: [name: string, text: string] | undefined
  let current: (ExposedMetric & { name: string }) | undefined
  const seen = new Set<string>()
  for (const line of text.split('\n').slice(0, -1)) {
    const comment = /^# (HELP|TYPE) ([^ ]+) (.*)$/s.exec(line)
    if (comment?.[1] === 'HELP') help = [comment[2], unescaped(comment[3])]
    else if (comment !== null) {
      const [, , name, type] = comment
      assert.equal(help?.[0], name, line)
      assert.ok(!metrics.has(name), `${name} comes twice`)
      current = { name, type, help: help[1], samples: [] }
      metrics.set(name, current)
    } else {
      const [, name, labels = '', value] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`)
      const ends = current?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
      assert.ok(
        ends.some((end) => name === `${current?.name}${end}`),
        line,
      )
      const key = `${name}{${labels}}`
      assert.ok(!seen.has(key), `${key} comes twice`)
      seen.add(key)
      current?.samples.push({ name, labels: parseLabels(labels), value: parseNumber(value) })
    }
  }
  return metrics
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex
    const [, name, value] = LABEL.exec(text) ?? assert.fail(`no labels from ${at}: ${text}`)
    labels[name] = unescaped(value)
  }
  return labels
}

function parseNumber(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  if (text === 'NaN') return Number.NaN
  assert.match(text, /^-?\d+(\.\d+)?(e[+-]?\d+)?$/)
  return Number(text)
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (_, each: string) => (each === 'n' ? '\n' : each))
}

/** Of all samples of the name whose labels are among these. */
export function sumOf(
  metrics: ReadonlyMap<string, ExposedMetric>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const { samples } = metrics.get(name) ?? assert.fail(`there is no ${name}`)
  return samples
    .filter((each) => Object.entries(labels).every(([key, value]) => each.labels[key] === value))
    .reduce((total, { value }) => total + value, 0)
}
