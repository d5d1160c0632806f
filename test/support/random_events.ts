// Arbitraries of record types and of their events. Used by property tests of the codecs.
import fc from 'fast-check'
import type { FieldSchema, RecordSchema } from '../../src/record/schema.ts'

export const names = fc.oneof(
  fc.constantFrom('a', 'b', 'id', 'constructor', 'é"\\', '7'),
  fc.string({ maxLength: 3 }).filter((name) => name !== '__proto__'),
)

const scalarTypes = ['boolean', 'integer', 'int64', 'float64', 'float32', 'string'] as const
const moreTypes = ['bytes', 'timestamp', 'date', 'decimal'] as const

export const schemas = fc.letrec<{ field: FieldSchema; record: RecordSchema }>((tie) => ({
  field: fc.oneof(
    { depthSize: 'small' },
    fc.record({
      type: fc.constantFrom(...scalarTypes, ...moreTypes),
      nullable: fc.boolean(),
    }),
    fc.constant<FieldSchema>({ type: 'literal', values: ['x', 1, true] }),
    tie('record'),
    fc.record({ type: fc.constant('array' as const), items: tie('field') }),
    fc.record({ type: fc.constant('map' as const), values: tie('field'), nullable: fc.boolean() }),
  ),
  record: fc
    .uniqueArray(fc.tuple(names, tie('field'), fc.boolean()), {
      maxLength: 4,
      selector: ([name]) => name,
    })
    .map((fields) => ({
      type: 'record' as const,
      name: 'R',
      fields: fields.map(([name, field, optional]) => [name, { ...field, optional }] as const),
    })),
}))

/** Events of a schema. */
export function events(schema: FieldSchema): fc.Arbitrary<unknown> {
  const present = presentEvents(schema)
  return schema.nullable ? fc.option(present, { freq: 3 }) : present
}

const eventsOfScalars: Record<string, fc.Arbitrary<unknown>> = {
  boolean: fc.boolean(),
  integer: fc.maxSafeInteger(),
  int64: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
  float32: fc.float({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
  string: fc.string({ unit: 'binary' }),
  bytes: fc.uint8Array(),
  timestamp: fc.maxSafeInteger(),
  date: fc.date({ noInvalidDate: true }),
  decimal: fc.tuple(fc.bigInt(), fc.stringMatching(/^[0-9]{1,30}$/)).map(([n, f]) => `${n}.${f}`),
}

function presentEvents(schema: FieldSchema): fc.Arbitrary<unknown> {
  if (schema.type === 'array') return fc.array(events(schema.items), { maxLength: 3 })
  if (schema.type === 'map')
    return fc.dictionary(names, events(schema.values), { maxKeys: 3, noNullPrototype: true })
  if (schema.type === 'literal') return fc.constantFrom(...schema.values)
  if (schema.type === 'union') return fc.oneof(...schema.members.map(events))
  if (schema.type !== 'record') return eventsOfScalars[schema.type]
  const fields = schema.fields.map(([name, field]) =>
    events(field).chain((value) =>
      field.optional ? fc.constantFrom([[name, value]], []) : fc.constant([[name, value]]),
    ),
  )
  return fc.tuple(...fields).map((entries) => Object.fromEntries(entries.flat()))
}
