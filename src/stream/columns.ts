// Typed references to the fields of a record, and conditions on them: what `v` is in `where((v) =>
// …)` and in `aggregate(name, (v) => …)`. Plain data; aggregation.ts makes a plan of it.
import { inspect } from 'node:util'
import { EuphorionError } from '../errors.ts'
import type { ColumnType, Predicate } from '../kernel/plan.ts'
import type { FieldMap, KindOf } from '../record/fields.ts'
import { isInt64 } from '../record/scalar_text.ts'
import type { FieldSchema, RecordSchema } from '../record/schema.ts'

/** What a value of each column type is in TypeScript. */
export interface ColumnValues {
  boolean: boolean
  integer: number
  int64: bigint
  float64: number
  float32: number
  string: string
  timestamp: number
}

export type NumericType = 'integer' | 'int64' | 'float64' | 'float32' | 'timestamp'

/** A reference to a field. Its value in a record may be missing, if the field may be. */
export interface ColumnRef<Type extends ColumnType> {
  readonly path: readonly string[]
  readonly type: Type
}

export type AnyColumn = ColumnRef<ColumnType>

/** The fields of a record that columns can hold; nested records are objects of theirs. */
export type ColumnsOf<Fields extends FieldMap> = {
  readonly [Name in keyof Fields as KindOf<Fields[Name]> extends ColumnType | FieldMap
    ? Name
    : never]: KindOf<Fields[Name]> extends infer Kind
    ? Kind extends ColumnType
      ? ColumnRef<Kind>
      : Kind extends FieldMap
        ? ColumnsOf<Kind>
        : never
    : never
}

/** Names of the fields whose type is one of `Types`. */
export type FieldsOfType<Fields extends FieldMap, Types extends ColumnType> = {
  [Name in keyof Fields]: KindOf<Fields[Name]> extends Types ? Name & string : never
}[keyof Fields]

type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'

/** A condition on a record; made by and, or, not, eq, ne, lt, le, gt, ge and present. */
export type Condition =
  | { readonly op: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly op: 'not'; readonly of: Condition }
  | {
      readonly op: Comparison
      readonly column: AnyColumn
      readonly value: string | number | bigint | boolean
    }
  | { readonly op: 'present'; readonly column: AnyColumn }

const COLUMN_TYPES: ReadonlySet<string> = new Set<ColumnType>([
  'boolean',
  'integer',
  'int64',
  'float64',
  'float32',
  'string',
  'timestamp',
])

export function columnTypeOf(schema: FieldSchema | undefined): ColumnType | undefined {
  return schema !== undefined && COLUMN_TYPES.has(schema.type)
    ? (schema.type as ColumnType)
    : undefined
}

/** The references of a record's fields. */
export function columnsOf(
  schema: RecordSchema,
  parent: readonly string[] = [],
): Record<string, unknown> {
  const columns: Record<string, unknown> = {}
  for (const [name, field] of schema.fields) {
    const path = [...parent, name]
    const type = columnTypeOf(field)
    if (field.type === 'record') columns[name] = columnsOf(field, path)
    else if (type !== undefined) columns[name] = { path, type } satisfies AnyColumn
  }
  return columns
}

/** Programs without types can pass anything. */
export function checkColumn(column: AnyColumn | undefined, user: string): AnyColumn {
  if (column === undefined || !Array.isArray(column.path) || !COLUMN_TYPES.has(column.type))
    throw new EuphorionError(
      'APP_INVALID',
      `${user}: ${inspect(column, { depth: 0 })} is no field that a column can hold`,
    )
  return column
}

export function fitsColumn(type: ColumnType, value: unknown): boolean {
  if (type === 'boolean' || type === 'string') return typeof value === type
  if (type === 'int64') return typeof value === 'bigint' && isInt64(value)
  return typeof value === 'number' && !Number.isNaN(value)
}

function compare<Type extends ColumnType>(
  op: Comparison,
  column: ColumnRef<Type>,
  value: ColumnValues[Type],
): Condition {
  const { type, path } = checkColumn(column, op)
  const ordered = type !== 'boolean' && type !== 'string'
  if (!fitsColumn(type, value) || !(ordered || op === 'eq' || op === 'ne'))
    throw new EuphorionError(
      'APP_INVALID',
      `${op}: ${path.join('.')} is of type ${type} and cannot be compared so with ${inspect(value)}`,
    )
  // The column holds 32 bits: 0.1 is to equal the 0.1 that was read.
  return { op, column, value: type === 'float32' ? Math.fround(Number(value)) : value }
}

/** The field equals the value. False where the field is missing or null. */
export function eq<Type extends ColumnType>(column: ColumnRef<Type>, value: ColumnValues[Type]) {
  return compare('eq', column, value)
}

/** The field is there and differs from the value. */
export function ne<Type extends ColumnType>(column: ColumnRef<Type>, value: ColumnValues[Type]) {
  return compare('ne', column, value)
}

/** The field is less than the value. False where the field is missing or null. */
export function lt<Type extends NumericType>(column: ColumnRef<Type>, value: ColumnValues[Type]) {
  return compare('lt', column, value)
}

/** The field is at most the value. False where the field is missing or null. */
export function le<Type extends NumericType>(column: ColumnRef<Type>, value: ColumnValues[Type]) {
  return compare('le', column, value)
}

/** The field is greater than the value. False where the field is missing or null. */
export function gt<Type extends NumericType>(column: ColumnRef<Type>, value: ColumnValues[Type]) {
  return compare('gt', column, value)
}

/** The field is at least the value. False where the field is missing or null. */
export function ge<Type extends NumericType>(column: ColumnRef<Type>, value: ColumnValues[Type]) {
  return compare('ge', column, value)
}

/** The field is there and not null. */
export function present(column: AnyColumn): Condition {
  return { op: 'present', column: checkColumn(column, 'present') }
}

/** All of the conditions hold. */
export function and(...of: readonly [Condition, ...Condition[]]): Condition {
  return { op: 'and', of }
}

/** At least one of the conditions holds. */
export function or(...of: readonly [Condition, ...Condition[]]): Condition {
  return { op: 'or', of }
}

/** The condition does not hold: also where it compares a missing field. */
export function not(of: Condition): Condition {
  return { op: 'not', of }
}

/** The condition as a plan has it; `indexOf` numbers the columns. */
export function predicateOf(
  condition: Condition,
  indexOf: (column: AnyColumn) => number,
): Predicate {
  switch (condition?.op) {
    case 'and':
    case 'or':
      return { op: condition.op, of: condition.of.map((part) => predicateOf(part, indexOf)) }
    case 'not':
      return { op: 'not', of: predicateOf(condition.of, indexOf) }
    case 'present':
      return { op: 'present', column: indexOf(condition.column) }
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return { op: condition.op, column: indexOf(condition.column), value: condition.value }
    default:
      throw new EuphorionError('APP_INVALID', `where: ${inspect(condition)} is no condition`)
  }
}
