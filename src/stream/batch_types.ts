// What the compiler knows of the columns of a batch: which names a record's fields give, and which
// arrays they are. `batch.column('value')` is a Float64Array where value is declared as float64().
import type { ColumnType } from '../kernel/plan.ts'
import type { FieldMap, KindOf, MayBeMissing } from '../record/fields.ts'

/** Of values that are no records, or of which nothing is known. */
export type NoFields = Record<never, never>

/** The array of a column. A field that may be missing has `undefined` among its strings. */
interface ArrayOf<Missing extends boolean> {
  boolean: Uint8Array
  integer: Float64Array
  timestamp: Float64Array
  float64: Float64Array
  float32: Float32Array
  int64: BigInt64Array
  string: readonly (Missing extends true ? string | undefined : string)[]
}

/** Names of the fields that columns can hold; those of nested records as `'place.city'`. */
export type ColumnNames<Fields extends FieldMap> = {
  [Name in keyof Fields & string]: KindOf<Fields[Name]> extends infer Kind
    ? Kind extends ColumnType
      ? Name
      : Kind extends FieldMap
        ? `${Name}.${ColumnNames<Kind>}`
        : never
    : never
}[keyof Fields & string]

/** The kind of the field of that name, and whether it may be missing. */
export type FieldAt<
  Fields extends FieldMap,
  Name extends string,
  Missing extends boolean = false,
> = Name extends keyof Fields
  ? {
      kind: KindOf<Fields[Name]>
      missing: Missing extends true ? true : MayBeMissing<Fields[Name]>
    }
  : Name extends `${infer Head}.${infer Rest}`
    ? Head extends keyof Fields
      ? KindOf<Fields[Head]> extends infer Kind extends FieldMap
        ? FieldAt<Kind, Rest, Missing extends true ? true : MayBeMissing<Fields[Head]>>
        : never
      : never
    : never

/** The array that `batch.column(name)` gives. */
export type ColumnAt<Fields extends FieldMap, Name extends string> =
  FieldAt<Fields, Name> extends {
    kind: infer Kind extends ColumnType
    missing: infer Missing extends boolean
  }
    ? ArrayOf<Missing>[Kind]
    : never
