// The columns that batches of a topic have: the fields of its record that an array can hold, by
// name. Made once for each agent.
import { EuphorionError } from '../errors.ts'
import type { Column, ColumnType } from '../kernel/plan.ts'
import type { RecordSchema } from '../record/schema.ts'
import { columnTypeOf } from './columns.ts'
import { compileRows, type RowMakers } from './record_values.ts'

export interface BatchColumn extends Column {
  /** As in `batch.column(name)`: fields of nested records as 'place.city'. */
  readonly name: string
  /** The field, or a record around it, may be absent or null. */
  readonly mayBeMissing: boolean
}

export class BatchShape {
  /** Undefined where values are no records: then there are no columns. */
  readonly schema: RecordSchema | undefined
  readonly columns: readonly BatchColumn[]
  /** Make values and events of columns; undefined where these do not say everything. */
  readonly makers: RowMakers | undefined
  readonly #indexes: ReadonlyMap<string, number>

  /** A record that may be null has no columns: a null has no fields. */
  constructor(schema: RecordSchema | undefined) {
    this.schema = schema?.nullable ? undefined : schema
    const all = this.schema === undefined ? [] : columnsOf(this.schema, [], false)
    // a field of the record itself goes before one of a nested record whose path reads the same
    all.sort((a, b) => a.path.length - b.path.length)
    this.columns = all.filter(({ name }, i) => all.findIndex((each) => each.name === name) === i)
    this.makers = compileRows(this)
    this.#indexes = new Map(this.columns.map(({ name }, i) => [name, i]))
  }

  /** Throws APP_INVALID: the compiler knows the names, but programs without types can pass any. */
  indexOf(name: string): number {
    const index = this.#indexes.get(name)
    if (index !== undefined) return index
    const names = this.columns.map((column) => column.name).join(', ')
    const has = names === '' ? 'values without declared fields have no columns' : `it has ${names}`
    throw new EuphorionError('APP_INVALID', `a batch has no column '${name}': ${has}`)
  }
}

function columnsOf(
  schema: RecordSchema,
  parent: readonly string[],
  parentMayBeMissing: boolean,
): BatchColumn[] {
  return schema.fields.flatMap(([field, of]): BatchColumn[] => {
    const path = [...parent, field]
    const mayBeMissing = parentMayBeMissing || of.optional === true || of.nullable === true
    if (of.type === 'record') return columnsOf(of, path, mayBeMissing)
    const type: ColumnType | undefined = columnTypeOf(of)
    return type === undefined ? [] : [{ name: path.join('.'), path, type, mayBeMissing }]
  })
}
