// The shape of an agents' table as one line of JSON: the types of its keys and values, as far as
// they decide what the stored bytes mean. Stored beside the table's number (meta.ts) and in its
// changelog; compared when a program opens the table, and enough to read it without the program.
//
// Names of records are not in it. A program may add optional fields, allow what was not allowed
// (optional, nullable, more literals, more members of a union) and reorder fields: what is stored
// can be read all the same. The way back is another shape, because a program that does not know a
// field would drop it with the next write.
import type { WindowPlan } from '../kernel/plan.ts'
import { type CodecLike, text } from '../record/codec.ts'
import type { FieldSchema } from '../record/schema.ts'

/** A field type, or a codec of which only the name is known. */
export type TypeShape = FieldSchema | { readonly codec: string }

export interface AgentShape {
  readonly key: TypeShape
  readonly value: TypeShape
  /** Rows have the start of a window in front of their keys. */
  readonly window?: Pick<WindowPlan, 'sizeMs' | 'stepMs'>
  /** Rows are members of sets: they have no values. */
  readonly isSet?: boolean
}

export function writeAgentShape(key: CodecLike<unknown>, value: CodecLike<unknown>): string {
  return JSON.stringify({ key: typeShape(key), value: typeShape(value) } satisfies AgentShape)
}

/** Grace and expiry may change: what is stored means the same. */
export function addWindow(shape: string, { sizeMs, stepMs }: WindowPlan): string {
  return JSON.stringify({ ...JSON.parse(shape), window: { sizeMs, stepMs } })
}

/** `member` takes the place of the values. */
export function writeSetShape(key: CodecLike<unknown>, member: CodecLike<unknown>): string {
  return JSON.stringify({ ...JSON.parse(writeAgentShape(key, member)), isSet: true })
}

/** Undefined for the shape of an aggregation (shape.ts). */
export function readAgentShape(shape: string): AgentShape | undefined {
  const read = JSON.parse(shape) as Partial<AgentShape>
  return read.key !== undefined && read.value !== undefined
    ? {
        key: read.key,
        value: read.value,
        ...(read.window && { window: read.window }),
        ...(read.isSet && { isSet: true }),
      }
    : undefined
}

/**
 * Why what is stored as one shape cannot be gone on with as the other, as the end of a sentence
 * ('… : field total of its values is string and was integer'); undefined where it can.
 */
export function agentShapeChange(stored: string, declared: string): string | undefined {
  const before = readAgentShape(stored)
  const now = readAgentShape(declared)
  if (before === undefined) return 'it is the table of agents and was that of an aggregation'
  if (now === undefined) return 'it is the table of an aggregation and was that of agents'
  if (JSON.stringify(before.key) !== JSON.stringify(now.key))
    return changed('its keys', before.key, now.key)
  if (windowWords(before) !== windowWords(now))
    return `it has ${windowWords(now)} and had ${windowWords(before)}`
  if (before.isSet !== now.isSet)
    return `its values are ${now.isSet ? 'sets' : 'no sets'} and were ${before.isSet ? 'sets' : 'none'}`
  // members are found by their bytes: a record that has one more field is another
  if (now.isSet && JSON.stringify(before.value) !== JSON.stringify(now.value))
    return changed('its members', before.value, now.value)
  return change(before.value, now.value, '')
}

function windowWords({ window }: AgentShape): string {
  if (window === undefined) return 'no windows'
  const { sizeMs, stepMs } = window
  return `windows of ${sizeMs} ms${stepMs === sizeMs ? '' : ` every ${stepMs} ms`}`
}

function typeShape(type: CodecLike<unknown>): TypeShape {
  if ('schema' in type) return withoutNames(type.schema)
  return (type as unknown) === text() ? { type: 'string' } : { codec: type.name }
}

function withoutNames(schema: FieldSchema): FieldSchema {
  switch (schema.type) {
    case 'record': {
      const fields = schema.fields.map(([name, field]) => [name, withoutNames(field)] as const)
      return { ...schema, name: '', fields }
    }
    case 'array':
      return { ...schema, items: withoutNames(schema.items) }
    case 'map':
      return { ...schema, values: withoutNames(schema.values) }
    case 'union':
      return { ...schema, members: schema.members.map(withoutNames) }
    default:
      return schema
  }
}

/** `path`: the field, '' for the whole value. */
function change(before: TypeShape, now: TypeShape, path: string): string | undefined {
  const of = path === '' ? 'its values' : `field ${path} of its values`
  if ('codec' in before || 'codec' in now) {
    const isSame = 'codec' in before && 'codec' in now && before.codec === now.codec
    return isSame ? undefined : changed(of, before, now)
  }
  if (before.nullable && !now.nullable) return `${of} can no longer be null`
  if (before.type === 'record' && now.type === 'record')
    return fieldsChange(before.fields, now.fields, path)
  if (before.type === 'array' && now.type === 'array')
    return change(before.items, now.items, `${path}[]`)
  if (before.type === 'map' && now.type === 'map')
    return change(before.values, now.values, `${path}{}`)
  if (before.type === 'union' && now.type === 'union') {
    const isKept = before.members.every(
      (member, index) => now.members[index] && !change(member, now.members[index], path),
    )
    return isKept ? undefined : changed(of, before, now)
  }
  if (before.type === 'literal' && now.type === 'literal') {
    const isKept = before.values.every((value) => now.values.includes(value))
    return isKept ? undefined : changed(of, before, now)
  }
  return before.type === now.type ? undefined : changed(of, before, now)
}

type Fields = readonly (readonly [name: string, schema: FieldSchema])[]

function fieldsChange(before: Fields, now: Fields, path: string): string | undefined {
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`)
  const fields = new Map(now)
  for (const [name, field] of before) {
    const kept = fields.get(name)
    if (kept === undefined) return `field ${at(name)} of its values is gone`
    if (field.optional && !kept.optional)
      return `field ${at(name)} of its values is no longer optional`
    const found = change(field, kept, at(name))
    if (found !== undefined) return found
    fields.delete(name)
  }
  const added = [...fields].find(([, field]) => !field.optional)
  return added && `field ${at(added[0])} of its values is new and not optional`
}

function changed(what: string, before: TypeShape, now: TypeShape): string {
  const is = /^its \w+s$/.test(what) ? ['are', 'were'] : ['is', 'was']
  return `${what} ${is[0]} ${words(now)} and ${is[1]} ${words(before)}`
}

function words(shape: TypeShape): string {
  if ('codec' in shape) return shape.codec
  switch (shape.type) {
    case 'record':
      return `a record of ${shape.fields.map(([name]) => name).join(', ')}`
    case 'array':
      return `an array of ${words(shape.items)}`
    case 'map':
      return `a map of ${words(shape.values)}`
    case 'literal':
      return `one of ${shape.values.map((value) => JSON.stringify(value)).join(', ')}`
    case 'union':
      return `one of ${shape.members.map(words).join(', ')}`
    default:
      return shape.type
  }
}
