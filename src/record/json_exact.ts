// Decodes JSON text that JSON.parse has accepted, for schemas with int64 or decimal fields: there a
// number's own digits count, which JSON.parse rounds away. Called by json.ts where they may matter.
import { Bad, missingField, notAnObject, wrongType } from './bad.ts'
import { convertOf, setOwn } from './convert.ts'
import { parseDecimal, parseInt64 } from './scalar_text.ts'
import type { FieldSchema, RecordSchema } from './schema.ts'

const exact = new WeakMap<FieldSchema, boolean>()

/** Whether a value of the schema holds a field whose digits count. */
export function needsExact(schema: FieldSchema, type: 'int64' | 'decimal'): boolean {
  if (schema.type === type) return true
  if (schema.type === 'array') return needsExact(schema.items, type)
  if (schema.type === 'map') return needsExact(schema.values, type)
  if (schema.type === 'union') return schema.members.some((member) => needsExact(member, type))
  return schema.type === 'record' && schema.fields.some(([, field]) => needsExact(field, type))
}

function isExact(schema: FieldSchema): boolean {
  let known = exact.get(schema)
  if (known === undefined) {
    known = needsExact(schema, 'int64') || needsExact(schema, 'decimal')
    exact.set(schema, known)
  }
  return known
}

/**
 * `text` is one whole JSON value, known to be good. Recursion is as deep as the schema, not the
 * text.
 */
export function decodeExact(schema: FieldSchema, text: string): unknown {
  const start = skipSpace(text, 0)
  if (schema.type === 'record' && !schema.nullable && text[start] !== '{') return notAnObject
  return decodeAt(schema, text, start)
}

function decodeAt(schema: FieldSchema, text: string, start: number): unknown {
  const first = text[start]
  if (first === 'n') return schema.nullable ? null : convertOf(schema)(null)
  if (schema.type === 'record' && isExact(schema))
    return first === '{' ? recordAt(schema, text, start) : wrongType
  if (schema.type === 'map' && isExact(schema))
    return first === '{' ? mapAt(schema.values, text, start) : wrongType
  if (schema.type === 'array' && isExact(schema))
    return first === '[' ? arrayAt(schema.items, text, start) : wrongType
  if (schema.type === 'union' && isExact(schema)) {
    for (const member of schema.members) {
      const value = decodeAt(member, text, start)
      if (!(value instanceof Bad)) return value
    }
    return wrongType
  }
  const token = text.slice(start, skipValue(text, start))
  if (schema.type === 'int64') return parseInt64(token) ?? wrongType
  if (schema.type === 'decimal' && first !== '"') return parseDecimal(token) ?? wrongType
  return convertOf(schema)(JSON.parse(token))
}

function recordAt(schema: RecordSchema, text: string, start: number): unknown {
  const starts = new Map<string, number>()
  eachMember(text, start, (name, at) => starts.set(name, at))
  const out: Record<string, unknown> = {}
  for (const [name, field] of schema.fields) {
    const at = starts.get(name)
    if (at === undefined) {
      if (field.optional) continue
      return missingField
    }
    const value = decodeAt(field, text, at)
    if (value instanceof Bad) return value
    out[name] = value
  }
  return out
}

function mapAt(values: FieldSchema, text: string, start: number): unknown {
  const starts = new Map<string, number>()
  eachMember(text, start, (name, at) => starts.set(name, at))
  const out: Record<string, unknown> = {}
  for (const [name, at] of starts) {
    const value = decodeAt(values, text, at)
    if (value instanceof Bad) return value
    setOwn(out, name, value)
  }
  return out
}

function arrayAt(items: FieldSchema, text: string, start: number): unknown {
  const out: unknown[] = []
  let at = skipSpace(text, start + 1)
  while (text[at] !== ']') {
    const value = decodeAt(items, text, at)
    if (value instanceof Bad) return value
    out.push(value)
    at = skipSpace(text, skipValue(text, at))
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return out
}

/** Visits the members of the object that begins at `start`, each with the place of its value. */
function eachMember(
  text: string,
  start: number,
  visit: (name: string, valueAt: number) => void,
): void {
  let at = skipSpace(text, start + 1)
  while (text[at] !== '}') {
    const nameEnd = skipString(text, at)
    const plain = text.slice(at + 1, nameEnd - 1)
    const name = plain.includes('\\') ? (JSON.parse(`"${plain}"`) as string) : plain
    const valueAt = skipSpace(text, skipSpace(text, nameEnd) + 1)
    visit(name, valueAt)
    at = skipSpace(text, skipValue(text, valueAt))
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
}

function skipSpace(text: string, at: number): number {
  while (text.charCodeAt(at) <= 32) at++
  return at
}

/** The place behind the string that begins at `at`. */
function skipString(text: string, at: number): number {
  for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++
  return at + 1
}

/** The place behind the value that begins at `at`. */
function skipValue(text: string, at: number): number {
  if (text[at] === '"') return skipString(text, at)
  if (text[at] !== '{' && text[at] !== '[') {
    while (at < text.length && !',]}'.includes(text[at]) && text.charCodeAt(at) > 32) at++
    return at
  }
  let depth = 0
  do {
    const mark = text[at]
    if (mark === '"') {
      at = skipString(text, at)
      continue
    }
    if (mark === '{' || mark === '[') depth++
    if (mark === '}' || mark === ']') depth--
    at++
  } while (depth > 0)
  return at
}
