// Counters, gauges and histograms: what a reading has of them, that the number of series is bounded,
// and that Prometheus' text is read back as it was meant.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exposition } from '../../src/metrics/exposition.ts'
import { Family } from '../../src/metrics/family.ts'
import { Growth } from '../../src/metrics/growth.ts'
import { counter, gauge, histogram, type MetricSpec } from '../../src/metrics/metric_spec.ts'
import { metricSpecs } from '../../src/metrics/metric_specs.ts'
import { Metrics } from '../../src/metrics/metrics.ts'
import { parseExposition, sumOf } from '../support/exposition.ts'

const help = 'what it is'
const textOf = (family: Family): string =>
  exposition([{ spec: family.spec, series: family.series() }])

test('any label value comes back from the text', () => {
  const spec = gauge('g', ['a', 'b'], { help: 'a \\ and a\nline' })
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.double(), (label, value) => {
      const family = new Family(spec, 10)
      family.begin()
      family.add(value, [label, '"\\\n,}'])
      const metric = parseExposition(textOf(family)).get('g')!
      assert.equal(metric.help, spec.help)
      const [sample] = metric.samples
      assert.deepEqual({ ...sample.labels }, { a: label, b: '"\\\n,}' })
      // a sum of 0 and -0 is 0
      assert.deepEqual(sample.value, value + 0)
    }),
  )
})

test('a histogram counts each value in one bucket, and shows them cumulated', () => {
  const family = new Family(histogram('h', [], { help, bounds: [1, 2, 5] }), 10)
  const empty = parseExposition(textOf(family)).get('h')!.samples
  assert.deepEqual(
    empty.map(({ value }) => value),
    [0, 0, 0, 0, 0, 0],
  )
  for (const value of [0.5, 1, 1.5, 5, 5.1, 100]) family.observe(value, [])
  const { samples, type } = parseExposition(textOf(family)).get('h')!
  assert.equal(type, 'histogram')
  assert.deepEqual(
    samples.map(({ name, labels, value }) => [name, labels.le, value]),
    [
      ['h_bucket', '1', 2],
      ['h_bucket', '2', 3],
      ['h_bucket', '5', 4],
      ['h_bucket', '+Inf', 6],
      ['h_sum', undefined, 113.1],
      ['h_count', undefined, 6],
    ],
  )
})

test('series beyond the bound are added up under other, and nothing is lost', () => {
  const max = 10
  const spec = counter('c', ['topic', 'outcome'], { help, closed: ['outcome'] })
  const family = new Family(spec, max)
  for (let round = 0; round < 3; round++)
    for (let topic = 0; topic < 100; topic++)
      for (const outcome of ['good', 'bad']) family.add(1, [`t${topic}`, outcome])
  const series = family.series()
  assert.equal(series.length, max + 2)
  const other = series.filter(({ labels }) => labels[0] === 'other')
  assert.deepEqual(
    other.map(({ labels, values }) => [labels[1], values[0]]),
    [
      ['good', 3 * 95],
      ['bad', 3 * 95],
    ],
  )
  assert.equal(sumOf(parseExposition(textOf(family)), 'c'), 600)
})

test('gauges that are not told any more make room for others', () => {
  const family = new Family(gauge('g', ['partition'], { help }), 3)
  for (let at = 0; at < 10; at++) {
    // those that are gone are known to be at the end of a reading
    for (let reading = 0; reading < 2; reading++) {
      family.begin()
      for (const partition of [at, at + 1, at + 2]) family.add(partition, [partition])
      family.end()
    }
    assert.deepEqual(
      family
        .series()
        .map(({ labels, values }) => [labels[0], values[0]])
        .sort(),
      [at, at + 1, at + 2].map((each) => [String(each), each]).sort(),
    )
  }
})

test('what goes back and grows again is told once', () => {
  const growth = new Growth()
  const source = {}
  growth.from(source, 0, 100)
  const told = [110, 105, 109, 120, 120].map((value) => growth.of(source, 0, value))
  assert.deepEqual(told, [10, 0, 0, 10, 0])
  assert.equal(growth.of({}, 0, 5), 5)
})

test('a source that throws is told of, and the others are read', () => {
  const errors: unknown[] = []
  const metrics = new Metrics(10, (error) => errors.push(error))
  metrics.addSource(() => {
    throw new Error('blind')
  })
  metrics.addSource(() => metrics.add('resident', 5))
  const text = exposition(metrics.read())
  assert.equal(sumOf(parseExposition(text), 'process_resident_memory_bytes'), 5)
  assert.deepEqual(
    errors.map((error) => (error as Error).message),
    ['blind'],
  )
})

test('metrics are named as Prometheus wants it', () => {
  const names = new Set<string>()
  for (const { name, type, labels, help, closed, bounds } of Object.values<MetricSpec>(
    metricSpecs,
  )) {
    assert.match(name, /^(euphorion|process|nodejs)_[a-z0-9_]+$/)
    assert.equal(type === 'counter', name.endsWith('_total'), name)
    assert.match(help, /^[A-Z0-9].*\.$/, name)
    assert.deepEqual(
      [...bounds].sort((a, b) => a - b),
      bounds,
    )
    for (const each of closed) assert.ok(labels.includes(each), name)
    assert.ok(!names.has(name), name)
    names.add(name)
  }
})
