// OpenTelemetry through its API, with a meter of the test behind it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  metrics as api,
  type BatchObservableCallback,
  createNoopMeter,
  type Histogram,
  type Meter,
  type Observable,
} from '@opentelemetry/api'
import { newApp } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

interface Instrument {
  readonly name: string
  readonly kind: string
  readonly unit: string | undefined
}

/** A meter that notes what it is asked for and told. */
function fakeMeter() {
  const instruments: Instrument[] = []
  const names = new Map<unknown, string>()
  const callbacks = new Set<BatchObservableCallback>()
  const recorded: [name: string, value: number][] = []
  const make =
    (kind: string) =>
    (name: string, { unit }: { readonly unit?: string } = {}): Observable => {
      instruments.push({ name, kind, unit })
      const observable: Observable = { addCallback() {}, removeCallback() {} }
      names.set(observable, name)
      return observable
    }
  const meter: Meter = {
    ...createNoopMeter(),
    createObservableCounter: make('counter'),
    createObservableGauge: make('gauge'),
    createHistogram(name, options = {}): Histogram {
      make('histogram')(name, options)
      return { record: (value) => recorded.push([name, value]) }
    },
    addBatchObservableCallback: (callback) => callbacks.add(callback),
    removeBatchObservableCallback: (callback) => callbacks.delete(callback),
  }
  /** What an SDK does at its intervals. */
  const collect = () => {
    const seen: { name: string; value: number; attributes: object | undefined }[] = []
    const result = {
      observe: (observable: unknown, value: number, attributes?: object) =>
        seen.push({ name: names.get(observable)!, value, attributes }),
    }
    for (const callback of callbacks) callback(result as never)
    return seen
  }
  return { meter, instruments, recorded, callbacks, collect }
}

test('the SDK of the program collects what the app has', { timeout: 30_000 }, async (t) => {
  const fake = fakeMeter()
  const asked: string[] = []
  api.setGlobalMeterProvider({
    getMeter: (name) => {
      asked.push(name)
      return fake.meter
    },
  })
  t.after(() => api.disable())
  const app = newApp(t, await newDirectory(), { metricsOpenTelemetry: true })
  const numbers = app.topic<number>('numbers', { partitions: 1 })
  await app.start()
  assert.deepEqual(asked, ['euphorion'])
  await numbers.sendMany([{ value: 1 }, { value: 2 }])
  const seen = fake.collect()
  const sent = seen.filter(({ name }) => name === 'euphorion.sent_records')
  const attributes = { topic: 'numbers', partition: '0' }
  assert.deepEqual(sent, [{ name: 'euphorion.sent_records', value: 2, attributes }])
  const find = (name: string) => fake.instruments.find((each) => each.name === name)
  assert.deepEqual(find('euphorion.sent_bytes'), {
    name: 'euphorion.sent_bytes',
    kind: 'counter',
    unit: 'By',
  })
  assert.equal(find('euphorion.lag_records')?.kind, 'gauge')
  assert.equal(find('euphorion.cut')?.unit, 's')
  await app.cut()
  assert.ok(fake.recorded.some(([name, value]) => name === 'euphorion.cut' && value >= 0))
  await app.stop()
  assert.equal(fake.callbacks.size, 0)
})
