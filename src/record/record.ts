// Record types: named fields, and the types of events that follow. Users declare them once and give
// them to topics and tables.
import { EuphorionError } from '../errors.ts'
import type { EventOf, Field, FieldMap } from './fields.ts'
import { fieldOf } from './fields.ts'
import type { RecordSchema } from './schema.ts'

/** A declared record; also a field type, for records inside records. */
export interface RecordType<Fields extends FieldMap> extends Field<EventOf<Fields>, Fields> {
  readonly name: string
  readonly schema: RecordSchema
}

/**
 * Declares a record: `record('Reading', { id: string(), value: float64() })`. Its events are plain
 * objects with these fields in this order. Throws APP_INVALID for an empty name or a field called
 * `__proto__`.
 */
export function record<Fields extends FieldMap>(name: string, fields: Fields): RecordType<Fields> {
  if (name === '') throw new EuphorionError('APP_INVALID', 'record(): the name is empty')
  const entries = Object.entries(fields)
  for (const [field, type] of entries) {
    if (field === '__proto__' || typeof type?.schema?.type !== 'string')
      throw new EuphorionError('APP_INVALID', `${name}.${field}: not a field type`)
  }
  const schema: RecordSchema = {
    type: 'record',
    name,
    fields: entries.map(([field, type]) => [field, type.schema] as const),
  }
  return Object.assign(fieldOf<EventOf<Fields>, Fields>(schema), { name, schema })
}
