// Writes an event as JSON text, checking it on the way: one function per schema, made once. Called
// by json.ts.
import { inspect } from 'node:util'
import { isObject } from './convert.ts'
import { isInt64, parseDecimal } from './scalar_text.ts'
import type { FieldSchema, RecordSchema, ScalarType } from './schema.ts'

export type Write = (value: unknown) => string

/** The first field that does not fit; containers on the way out put their part before the path. */
export class InvalidEvent extends Error {
  path = ''
}

function refuse(expected: string, value: unknown): never {
  const shown = inspect(value, { depth: 0, maxStringLength: 60, breakLength: Infinity })
  throw new InvalidEvent(`expected ${expected}, got ${shown}`)
}

/** Calls a part's writer; what it refuses gets this part's name. */
function writePart(write: Write, value: unknown, name: string): string {
  try {
    return write(value)
  } catch (error) {
    if (error instanceof InvalidEvent) error.path = `${name}${error.path}`
    throw error
  }
}

function numberKind(value: unknown, kind: string): string {
  return typeof value === 'number' ? kind : 'a number'
}

function numberWrite(expected: string, test: (value: number) => boolean): Write {
  return (value) =>
    typeof value === 'number' && test(value)
      ? String(value)
      : refuse(numberKind(value, expected), value)
}

const scalars: Readonly<Record<ScalarType, Write>> = {
  boolean: (value) => (typeof value === 'boolean' ? String(value) : refuse('a boolean', value)),
  integer: numberWrite('a safe integer', Number.isSafeInteger),
  int64: (value) =>
    typeof value === 'bigint' && isInt64(value)
      ? String(value)
      : refuse('a bigint of 64 bits', value),
  float64: (value) =>
    Number.isFinite(value) ? String(value) : refuse(numberKind(value, 'a finite number'), value),
  float32: (value) =>
    typeof value === 'number' && Number.isFinite(Math.fround(value))
      ? String(Math.fround(value))
      : refuse(numberKind(value, 'a finite number of 32 bits'), value),
  string: (value) =>
    typeof value === 'string' ? JSON.stringify(value) : refuse('a string', value),
  bytes: (value) =>
    value instanceof Uint8Array
      ? `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`
      : refuse('a Uint8Array', value),
  timestamp: numberWrite('a timestamp in whole ms', Number.isSafeInteger),
  date: (value) =>
    value instanceof Date && !Number.isNaN(value.getTime())
      ? dateText(value)
      : refuse('a valid Date', value),
  decimal(value) {
    const text = typeof value === 'string' ? parseDecimal(value) : undefined
    return text === undefined ? refuse('a decimal number as a string', value) : `"${text}"`
  },
}

/**
 * ISO text; ms outside the years 0 to 9999, whose ISO text has a sign that parseTimestamp refuses.
 */
function dateText(date: Date): string {
  const text = date.toISOString()
  return text.length === 24 ? `"${text}"` : String(date.getTime())
}

function arrayWrite(items: Write): Write {
  return (value) => {
    if (!Array.isArray(value)) return refuse('an array', value)
    const parts: string[] = []
    for (let at = 0; at < value.length; at++) parts.push(writePart(items, value[at], `[${at}]`))
    return `[${parts.join(',')}]`
  }
}

function mapWrite(values: Write): Write {
  return (value) => {
    if (!isObject(value)) return refuse('an object', value)
    const parts = Object.keys(value).map((name) => {
      const key = JSON.stringify(name)
      return `${key}:${writePart(values, value[name], `[${key}]`)}`
    })
    return `{${parts.join(',')}}`
  }
}

function unionWrite(schema: FieldSchema & { type: 'union' }): Write {
  const members = schema.members.map(writeOf)
  return (value) => {
    for (const member of members) {
      try {
        return member(value)
      } catch (error) {
        if (!(error instanceof InvalidEvent)) throw error
      }
    }
    return refuse(`one of ${schema.members.map((member) => member.type).join(', ')}`, value)
  }
}

function recordWrite(schema: RecordSchema): Write {
  const fields = schema.fields.map(([name, field]) => ({
    name,
    key: `${JSON.stringify(name)}:`,
    optional: field.optional === true,
    own: name in Object.prototype,
    write: writeOf(field),
  }))
  return (value) => {
    if (!isObject(value)) return refuse('an object', value)
    let text = '{'
    for (const { name, key, optional, own, write } of fields) {
      const field = own && !Object.hasOwn(value, name) ? undefined : value[name]
      if (field === undefined && optional) continue
      const part = writePart(write, field, `.${name}`)
      text += text.length === 1 ? key + part : `,${key}${part}`
    }
    return `${text}}`
  }
}

function writePresent(schema: FieldSchema): Write {
  if (schema.type === 'array') return arrayWrite(writeOf(schema.items))
  if (schema.type === 'map') return mapWrite(writeOf(schema.values))
  if (schema.type === 'union') return unionWrite(schema)
  if (schema.type === 'record') return recordWrite(schema)
  if (schema.type === 'literal') {
    const values = new Set<unknown>(schema.values)
    const expected = schema.values.map((value) => JSON.stringify(value)).join(' or ')
    return (value) => (values.has(value) ? JSON.stringify(value) : refuse(expected, value))
  }
  return scalars[schema.type]
}

const made = new WeakMap<FieldSchema, Write>()

/** The writer of a schema, made at the first call. */
export function writeOf(schema: FieldSchema): Write {
  let write = made.get(schema)
  if (write === undefined) {
    const present = writePresent(schema)
    write = schema.nullable ? (value) => (value === null ? 'null' : present(value)) : present
    made.set(schema, write)
  }
  return write
}
