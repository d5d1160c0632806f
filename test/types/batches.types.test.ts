// What the compiler knows of batches: names of columns and their arrays. The assertions are made
// when this file is compiled; the agents are never run.
import { test } from 'node:test'
import { App } from '../../src/app/app.ts'
import { defineKernel } from '../../src/kernel/user/define.ts'
import { json } from '../../src/record/codec.ts'
import {
  array,
  boolean,
  float32,
  float64,
  type Infer,
  int64,
  integer,
  nullable,
  optional,
  string,
  timestamp,
} from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import type { Event } from '../../src/stream/events.ts'
import type { Stream } from '../../src/stream/stream.ts'
import { check, type Equal } from './equal.ts'

const Sample = record('Sample', {
  id: string(),
  value: float64(),
  small: optional(float32()),
  whole: nullable(integer()),
  long: int64(),
  flag: boolean(),
  at: timestamp(),
  note: optional(string()),
  tags: array(string()),
  place: optional(record('Place', { city: string(), zip: integer() })),
  home: record('Home', { city: string() }),
})
type SampleEvent = Infer<typeof Sample>

const app = new App('types')
const samples = app.topic('samples', { key: string(), value: Sample })

test('a column is an array of the declared type', () => {
  app.agent(samples, async (stream) => {
    for await (const batch of stream.batches({ maxRecords: 100, maxBytes: 1000 })) {
      check<Equal<ReturnType<typeof batch.column<'value'>>, Float64Array>>()
      const value = batch.column('value')
      check<Equal<typeof value, Float64Array>>()
      const small = batch.column('small')
      check<Equal<typeof small, Float32Array>>()
      const whole = batch.column('whole')
      check<Equal<typeof whole, Float64Array>>()
      const long = batch.column('long')
      check<Equal<typeof long, BigInt64Array>>()
      const flag = batch.column('flag')
      check<Equal<typeof flag, Uint8Array>>()
      const at = batch.column('at')
      check<Equal<typeof at, Float64Array>>()
      const id = batch.column('id')
      check<Equal<typeof id, readonly string[]>>()
      const note = batch.column('note')
      check<Equal<typeof note, readonly (string | undefined)[]>>()
      const zip = batch.column('place.zip')
      check<Equal<typeof zip, Float64Array>>()
      const city = batch.column('place.city')
      check<Equal<typeof city, readonly (string | undefined)[]>>()
      const home = batch.column('home.city')
      check<Equal<typeof home, readonly string[]>>()
      const present = batch.present('place.city')
      check<Equal<typeof present, Uint8Array>>()
      check<Equal<typeof batch.keys, string[]>>()
      check<Equal<typeof batch.values, SampleEvent[]>>()
      for (const row of batch.rows()) check<Equal<typeof row, Event<string, SampleEvent>>>()
      // @ts-expect-error no such field
      batch.column('nothing')
      // @ts-expect-error an array is no column
      batch.column('tags')
      // @ts-expect-error a record is none either
      batch.column('place')
      // @ts-expect-error no such field of the nested record
      batch.present('place.street')
    }
  })
})

test('values that are no declared records have no columns', () => {
  app.agent(app.topic('json', { value: json<{ a: number }>() }), async (stream) => {
    for await (const batch of stream.batches()) {
      check<Equal<typeof batch.values, { a: number }[]>>()
      // @ts-expect-error nothing is known of the values
      batch.column('a')
    }
  })
  app.agent(app.topic('numbers', { value: float64() }), async (stream) => {
    // @ts-expect-error a number has no fields
    for await (const batch of stream.batches()) batch.column('value')
  })
})

test('a function that takes a stream of any fields fits an agent', () => {
  const handle = async (stream: Stream<string, SampleEvent>): Promise<void> => {
    for await (const sample of stream) check<Equal<typeof sample, SampleEvent>>()
  }
  app.agent(samples, handle)
})

test('a kernel fits where the record has its columns, of its types', () => {
  const scaled = defineKernel('scaled', {
    columns: { value: 'f64', small: 'f32', long: 'i64', flag: 'u8' },
    params: { factor: 'f64' },
    run: ({ value }, { factor }): Float64Array => value.map((each) => each * factor),
  })
  const mean = defineKernel('mean', {
    columns: { 'place.zip': 'f64' },
    run: (columns): number => columns['place.zip'].length,
  })
  const other = defineKernel('other', { columns: { nothing: 'f64' }, run: () => 1 })
  const narrow = defineKernel('narrow', { columns: { value: 'f32' }, run: () => 1 })
  const words = defineKernel('words', { columns: { id: 'u8' }, run: () => 1 })
  app.agent(samples, async (stream) => {
    const options = { params: { factor: 2 }, concurrency: 2, maxRecords: 10, timeoutMs: 5 }
    for await (const { batch, result } of stream.mapBatch(scaled, options)) {
      check<Equal<typeof result, Float64Array>>()
      const value = batch.column('value')
      check<Equal<typeof value, Float64Array>>()
    }
    for await (const { result } of stream.mapBatch(mean)) check<Equal<typeof result, number>>()
    // @ts-expect-error its parameters are missing
    stream.mapBatch(scaled)
    // @ts-expect-error one of its parameters is missing
    stream.mapBatch(scaled, { params: {} })
    // @ts-expect-error no such field
    stream.mapBatch(other)
    // @ts-expect-error the field has another type
    stream.mapBatch(narrow)
    // @ts-expect-error strings are no columns of kernels
    stream.mapBatch(words)
  })
  app.agent(app.topic('any'), async (stream) => {
    // @ts-expect-error values without declared fields have no columns
    stream.mapBatch(mean)
  })
})
