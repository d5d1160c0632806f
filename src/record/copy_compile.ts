// Compiles a record type to a function that copies its events: generated code, one literal an
// event. For records whose fields no copy can share: text, numbers, booleans, and records of them.
// Used by agents' tables, where each reader gets an object of his own.
import type { FieldSchema, RecordSchema } from './schema.ts'

/** What writing the event and reading it back would give; undefined for one that does not fit. */
export type CopyEvent = (event: unknown) => object | undefined

/** Source that is true where the value in `f` fits, and of its copy. */
const simple: Partial<Record<FieldSchema['type'], readonly [(f: string) => string, string]>> = {
  string: [(f) => `typeof ${f} === 'string'`, ''],
  boolean: [(f) => `typeof ${f} === 'boolean'`, ''],
  // + 0: JSON has one zero
  integer: [(f) => `Number.isSafeInteger(${f})`, ' + 0'],
  timestamp: [(f) => `Number.isSafeInteger(${f})`, ' + 0'],
  float64: [(f) => `Number.isFinite(${f})`, ' + 0'],
}

/** Undefined for a record with fields of other types. */
export function compileCopy(schema: RecordSchema): CopyEvent | undefined {
  const copies: (CopyEvent | undefined)[] = []
  for (const [name, field] of schema.fields) {
    const nested = field.type === 'record' ? compileCopy(field) : undefined
    if (name in Object.prototype || (nested === undefined && simple[field.type] === undefined))
      return undefined
    copies.push(nested)
  }
  const lines = schema.fields.map(([name, field], index) => fieldSource(name, field, index))
  return new Function('copy', source(schema, lines))(copies)
}

/** Reads the field into `f`, and leaves its copy there. */
function fieldSource(name: string, field: FieldSchema, index: number): string {
  const f = `f${index}`
  const read = `let ${f} = event[${JSON.stringify(name)}]`
  const [fits, change] = simple[field.type] ?? [undefined, '']
  const copy =
    fits === undefined
      ? `if ((${f} = copy[${index}](${f})) === undefined) return undefined`
      : `if (!(${fits(f)})) return undefined; ${change && `${f} = ${f}${change}`}`
  const may = [field.nullable && `${f} !== null`, field.optional && `${f} !== undefined`]
  const when = may.filter((each) => each).join(' && ')
  return when === '' ? `${read}; ${copy}` : `${read}; if (${when}) { ${copy} }`
}

/** A literal up to the first optional field, assignments behind it: the order is the declared. */
function source({ fields }: RecordSchema, lines: readonly string[]): string {
  const firstOptional = fields.findIndex(([, { optional }]) => optional)
  const end = firstOptional < 0 ? fields.length : firstOptional
  const name = (index: number): string => JSON.stringify(fields[index][0])
  const literal = fields.slice(0, end).map((_, index) => `${name(index)}: f${index}`)
  const others = fields.slice(end).map(([, { optional }], at) => {
    const assign = `made[${name(end + at)}] = f${end + at}`
    return optional ? `if (f${end + at} !== undefined) ${assign}` : assign
  })
  return `return (event) => {
    if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined
    ${lines.join('\n    ')}
    const made = { ${literal.join(', ')} }
    ${others.join('\n    ')}
    return made
  }`
}
