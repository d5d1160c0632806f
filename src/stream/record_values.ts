// Events of a declared record made from its columns: a compiled constructor, one literal an event.
// What the codec would have made of the same bytes. Used by agents that read value by value.
import type { BatchArray } from '../kernel/extract/extracted_rows.ts'
import type { RecordSchema } from '../record/schema.ts'
import type { BatchColumn, BatchShape } from './batch_shape.ts'

/** The event of a row. */
export type ValueOfRow = (columns: readonly BatchArray[], row: number) => unknown

/**
 * Undefined where columns do not say everything: fields without one, and such as may be absent or
 * null.
 */
export function compileValues({ schema, columns }: BatchShape): ValueOfRow | undefined {
  const literal = schema && literalOf(schema, [], columns)
  if (literal === undefined) return undefined
  return new Function('columns', 'row', `return ${literal}`) as ValueOfRow
}

function literalOf(
  schema: RecordSchema,
  parent: readonly string[],
  columns: readonly BatchColumn[],
): string | undefined {
  const fields: string[] = []
  for (const [name, field] of schema.fields) {
    const path = [...parent, name]
    const isNested = field.type === 'record' && !field.optional && !field.nullable
    const value = isNested ? literalOf(field, path, columns) : columnSource(path, columns)
    if (value === undefined) return undefined
    fields.push(`${JSON.stringify(name)}: ${value}`)
  }
  return `{ ${fields.join(', ')} }`
}

function columnSource(path: readonly string[], columns: readonly BatchColumn[]) {
  const isSame = (column: BatchColumn) =>
    column.path.length === path.length && column.path.every((part, i) => part === path[i])
  const index = columns.findIndex(isSame)
  if (index < 0 || columns[index].mayBeMissing) return undefined
  const value = `columns[${index}][row]`
  return columns[index].type === 'boolean' ? `${value} !== 0` : value
}
