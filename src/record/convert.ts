// Turns what JSON.parse gave into an event, checking it on the way: one function per schema, made
// once. A record's function is generated code, so that its events are object literals of one shape.
import { Bad, missingField, notAnObject, wrongType } from './bad.ts'
import { isInt64, parseDecimal, parseTimestamp } from './scalar_text.ts'
import type { FieldSchema, RecordSchema, ScalarType } from './schema.ts'

/** The converted value, or the reason why there is none. `value` comes from JSON.parse. */
export type Convert = (value: unknown) => unknown

/** Largest distance of a Date from the epoch, in ms. */
const DATE_MS_MAX = 8.64e15

const scalars: Readonly<Record<ScalarType, Convert>> = {
  boolean: (value) => (typeof value === 'boolean' ? value : wrongType),
  integer: (value) => (Number.isSafeInteger(value) ? value : wrongType),
  // A number here has lost no digits: json.ts sends text with long tokens through json_exact.ts.
  int64(value) {
    if (typeof value !== 'number' || !Number.isInteger(value)) return wrongType
    const exact = BigInt(value)
    return isInt64(exact) ? exact : wrongType
  },
  float64: (value) => (typeof value === 'number' ? value : wrongType),
  float32: (value) => (typeof value === 'number' ? Math.fround(value) : wrongType),
  string: (value) => (typeof value === 'string' ? value : wrongType),
  bytes: (value) => (typeof value === 'string' ? bytesOfBase64(value) : wrongType),
  timestamp(value) {
    const ms = typeof value === 'string' ? parseTimestamp(value) : value
    return Number.isSafeInteger(ms) ? ms : wrongType
  },
  date(value) {
    const ms = typeof value === 'string' ? parseTimestamp(value) : value
    if (typeof ms !== 'number' || !Number.isInteger(ms) || Math.abs(ms) > DATE_MS_MAX)
      return wrongType
    return new Date(ms)
  },
  decimal(value) {
    if (typeof value !== 'string' && typeof value !== 'number') return wrongType
    return parseDecimal(String(value)) ?? wrongType
  },
}

function bytesOfBase64(text: string): Uint8Array | Bad {
  if (text.length % 4 !== 0) return wrongType
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  if (/[^A-Za-z0-9+/]/.test(padding === 0 ? text : text.slice(0, -padding))) return wrongType
  return new Uint8Array(Buffer.from(text, 'base64'))
}

function arrayConvert(items: Convert): Convert {
  return (value) => {
    if (!Array.isArray(value)) return wrongType
    const out: unknown[] = []
    for (const item of value) {
      const converted = items(item)
      if (converted instanceof Bad) return converted
      out.push(converted)
    }
    return out
  }
}

function mapConvert(values: Convert): Convert {
  return (value) => {
    if (!isObject(value)) return wrongType
    const out: Record<string, unknown> = {}
    for (const name of Object.keys(value)) {
      const converted = values(value[name])
      if (converted instanceof Bad) return converted
      setOwn(out, name, converted)
    }
    return out
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Assigns an own property, whatever its name is. */
export function setOwn(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') target[name] = value
  else Object.defineProperty(target, name, dataProperty(value))
}

function dataProperty(value: unknown): PropertyDescriptor {
  return { value, writable: true, enumerable: true, configurable: true }
}

function unionConvert(members: readonly Convert[]): Convert {
  return (value) => {
    for (const member of members) {
      const converted = member(value)
      if (!(converted instanceof Bad)) return converted
    }
    return wrongType
  }
}

/** Tests of a field's commonest types, as source: what passes needs no call. */
const inlineTests: Partial<Record<FieldSchema['type'], (name: string) => string>> = {
  boolean: (name) => `typeof ${name} === 'boolean'`,
  integer: (name) => `Number.isSafeInteger(${name})`,
  float64: (name) => `typeof ${name} === 'number'`,
  string: (name) => `typeof ${name} === 'string'`,
  timestamp: (name) => `Number.isSafeInteger(${name})`,
}

/**
 * Source of a record's function. Every field is read, tested, converted; then a literal holds the
 * fields up to the first optional one, and assignments the others, so that the declared order
 * stays.
 */
function recordSource(schema: RecordSchema): string {
  const reads = schema.fields.map(([name, field], index) => {
    const own = name in Object.prototype
    const key = JSON.stringify(name)
    const read = own ? `Object.hasOwn(value, ${key}) ? value[${key}] : undefined` : `value[${key}]`
    const test = inlineTests[field.type]?.(`f${index}`) ?? 'false'
    const f = `f${index}`
    const convert = `${f} = convert[${index}](${f}); if (${f} instanceof Bad) return ${f}`
    const absent = `if (${f} === undefined) return missing; `
    return field.optional
      ? `let ${f} = ${read}; if (${f} !== undefined && !(${test})) { ${convert} }`
      : `let ${f} = ${read}; if (!(${test})) { ${absent}${convert} }`
  })
  const optionalFrom = schema.fields.findIndex(([, field]) => field.optional)
  const literalTo = optionalFrom < 0 ? schema.fields.length : optionalFrom
  const names = schema.fields.map(([name]) => JSON.stringify(name))
  const literal = names.slice(0, literalTo).map((name, index) => `${name}: f${index}`)
  const rest = schema.fields.slice(literalTo).map(([, field], at) => {
    const index = literalTo + at
    const assign = `out[${names[index]}] = f${index}`
    return field.optional ? `if (f${index} !== undefined) ${assign}` : assign
  })
  return `return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return notObject
    ${reads.join('\n    ')}
    const out = { ${literal.join(', ')} }
    ${rest.join('\n    ')}
    return out
  }`
}

/** `notObject` is what a value gives that is no object at all. */
function recordConvert(schema: RecordSchema, notObject: Bad): Convert {
  const make = new Function('convert', 'Bad', 'missing', 'notObject', recordSource(schema))
  const fields = schema.fields.map(([, field]) => convertOf(field))
  return make(fields, Bad, missingField, notObject) as Convert
}

function convertPresent(schema: FieldSchema): Convert {
  if (schema.type === 'array') return arrayConvert(convertOf(schema.items))
  if (schema.type === 'map') return mapConvert(convertOf(schema.values))
  if (schema.type === 'union') return unionConvert(schema.members.map(convertOf))
  if (schema.type === 'record') return recordConvert(schema, wrongType)
  if (schema.type === 'literal') {
    const values = new Set<unknown>(schema.values)
    return (value) => (values.has(value) ? value : wrongType)
  }
  return scalars[schema.type]
}

const made = new WeakMap<FieldSchema, Convert>()

/** The function of a field, made at the first call. */
export function convertOf(schema: FieldSchema): Convert {
  let convert = made.get(schema)
  if (convert === undefined) {
    const present = convertPresent(schema)
    convert = schema.nullable ? (value) => (value === null ? null : present(value)) : present
    made.set(schema, convert)
  }
  return convert
}

const madeWhole = new WeakMap<FieldSchema, Convert>()

/**
 * The same for a whole value: a record says `not-an-object` where a nested one says `wrong-type`.
 */
export function convertOfValue(schema: FieldSchema): Convert {
  if (schema.type !== 'record' || schema.nullable) return convertOf(schema)
  let convert = madeWhole.get(schema)
  if (convert === undefined) {
    convert = recordConvert(schema, notAnObject)
    madeWhole.set(schema, convert)
  }
  return convert
}
