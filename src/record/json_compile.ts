// Compiles a record type to a function that writes a record's JSON into bytes: generated code, one
// statement a field, without an object or a string per record. Used by sendMany.

import type { JsonBytes } from './json_bytes.ts'
import { writeOf } from './json_write.ts'
import { isInt64 } from './scalar_text.ts'
import type { FieldSchema, RecordSchema } from './schema.ts'

/**
 * Writes one record behind `to.at`, which is 0. False where a field does not fit: then the codec
 * says what is wrong. May throw what the writers of json_write.ts throw.
 */
export type RecordWriter<Source> = (to: JsonBytes, from: Source, index: number) => boolean

/** The columns of a record's fields in declared order; undefined for an optional one. */
export type FieldColumns = readonly (ArrayLike<unknown> | undefined)[]

/** Source that reads a field, by its number. */
type Read = (field: number) => string

const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

/** Source that writes the field in `f`; it returns false where the value does not fit. */
function writeSource(schema: FieldSchema, f: string, index: number): string {
  switch (schema.type) {
    case 'string':
      return `if (typeof ${f} !== 'string') return false; to.string(${f})`
    case 'boolean':
      return `if (typeof ${f} !== 'boolean') return false; to.raw(${f} ? yes : no)`
    case 'integer':
    case 'timestamp':
      return `if (!Number.isSafeInteger(${f})) return false; to.integer(${f})`
    case 'float64':
      return `if (!Number.isFinite(${f})) return false; to.number(${f})`
    case 'float32':
      return `if (typeof ${f} !== 'number' || !Number.isFinite(Math.fround(${f}))) return false; to.number(Math.fround(${f}))`
    case 'int64':
      return `if (typeof ${f} !== 'bigint' || !isInt64(${f})) return false; to.text(String(${f}))`
    default:
      return `to.text(write[${index}](${f}))`
  }
}

function fieldSource(schema: RecordSchema, index: number, read: string, isFirst: string): string {
  const [, field] = schema.fields[index]
  const f = `f${index}`
  const write = writeSource(field, f, index)
  const present = field.nullable ? `if (${f} === null) to.raw(none); else { ${write} }` : write
  const key = `to.raw(${isFirst} ? first[${index}] : next[${index}])`
  const all = `${key}; ${present}`
  return `const ${f} = ${read}; ${field.optional ? `if (${f} !== undefined) { ${all} }` : all}`
}

/** `head` comes first in the function's body. */
function compile<Source>(schema: RecordSchema, head: string, read: Read): RecordWriter<Source> {
  let isSomethingBefore = false
  const fields = schema.fields.map(([, field], index) => {
    const source = fieldSource(
      schema,
      index,
      read(index),
      isSomethingBefore ? 'false' : 'to.at === 0',
    )
    if (!field.optional) isSomethingBefore = true
    return source
  })
  const end = isSomethingBefore ? 'to.raw(end)' : 'to.raw(to.at === 0 ? empty : end)'
  const source = `return (to, from, index) => {
    ${head}
    ${fields.join('\n    ')}
    ${end}
    return true
  }`
  const names = schema.fields.map(([name]) => JSON.stringify(name))
  const constants = {
    first: names.map((name) => ascii(`{${name}:`)),
    next: names.map((name) => ascii(`,${name}:`)),
    write: schema.fields.map(([, field]) => writeOf(field)),
    yes: ascii('true'),
    no: ascii('false'),
    none: ascii('null'),
    end: ascii('}'),
    empty: ascii('{}'),
    isInt64,
  }
  return new Function(...Object.keys(constants), source)(...Object.values(constants))
}

/** The writer of events. */
export function compileEvents(schema: RecordSchema): RecordWriter<unknown> {
  const head = `if (typeof from !== 'object' || from === null || Array.isArray(from)) return false`
  return compile(schema, head, (field) => {
    const [name] = schema.fields[field]
    const key = JSON.stringify(name)
    if (!(name in Object.prototype)) return `from[${key}]`
    return `Object.hasOwn(from, ${key}) ? from[${key}] : undefined`
  })
}

/** The writer of rows of columns. */
export function compileColumns(schema: RecordSchema): RecordWriter<FieldColumns> {
  return compile(schema, '', (field) => {
    const column = `from[${field}]`
    const isOptional = schema.fields[field][1].optional
    return isOptional
      ? `${column} === undefined ? undefined : ${column}[index]`
      : `${column}[index]`
  })
}
