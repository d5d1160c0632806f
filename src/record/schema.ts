// A record's shape as plain data: what the codecs, the kernels and the command line read. Users
// write it with the builders of fields.ts; it crosses threads as JSON.

export type ScalarType =
  | 'boolean'
  | 'integer'
  | 'int64'
  | 'float64'
  | 'float32'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'date'
  | 'decimal'

interface Presence {
  /** The field may be absent. */
  readonly optional?: boolean
  /** The field may be null. */
  readonly nullable?: boolean
}

export type LiteralValue = string | number | boolean

export type FieldSchema = Presence &
  (
    | { readonly type: ScalarType }
    | { readonly type: 'array'; readonly items: FieldSchema }
    | { readonly type: 'map'; readonly values: FieldSchema }
    | { readonly type: 'literal'; readonly values: readonly LiteralValue[] }
    | { readonly type: 'union'; readonly members: readonly FieldSchema[] }
    | RecordSchema
  )

/** Fields in declared order. Fields of the JSON object that are not declared are ignored. */
export interface RecordSchema extends Presence {
  readonly type: 'record'
  readonly name: string
  readonly fields: readonly (readonly [name: string, schema: FieldSchema])[]
}
