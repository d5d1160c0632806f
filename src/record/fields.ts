// The builders of field types: what a user writes inside record(…), or as the type of a key or a
// value. A field is schema data; what its events look like is known to the compiler only.
import { EuphorionError } from '../errors.ts'
import type { FieldSchema, LiteralValue, ScalarType } from './schema.ts'

/** Names a phantom property: it exists for the compiler only. */
declare const facts: unique symbol

/** What the compiler knows a field by: its type's name, or for a nested record its fields. */
export type FieldKind = ScalarType | 'array' | 'map' | 'literal' | 'union' | FieldMap

export interface FieldMap {
  readonly [name: string]: Field<unknown, FieldKind, boolean>
}

/** A field type. `Event` is the type of its value in an event. */
export interface Field<Event, Kind extends FieldKind, Optional extends boolean = false> {
  readonly schema: FieldSchema
  readonly [facts]: { event: Event; kind: Kind; optional: Optional }
}

type AnyField = Field<unknown, FieldKind, boolean>
type PresentField = Field<unknown, FieldKind, false>

/** The type of a field's value: `Infer<typeof Reading>` of a record is the type of its events. */
export type Infer<F extends AnyField> = F[typeof facts]['event']

/** The kind of a field. */
export type KindOf<F extends AnyField> = F[typeof facts]['kind']

/** Whether the field may be absent or null. */
export type MayBeMissing<F extends AnyField> = F[typeof facts]['optional'] extends true
  ? true
  : null extends Infer<F>
    ? true
    : false

type OptionalNames<Fields extends FieldMap> = {
  [Name in keyof Fields]: Fields[Name][typeof facts]['optional'] extends true ? Name : never
}[keyof Fields]

type Flat<T> = { [Name in keyof T]: T[Name] }

/** The type of an event with these fields. */
export type EventOf<Fields extends FieldMap> = Flat<
  { -readonly [Name in Exclude<keyof Fields, OptionalNames<Fields>>]: Infer<Fields[Name]> } & {
    -readonly [Name in OptionalNames<Fields>]?: Infer<Fields[Name]>
  }
>

/** For record.ts: a field of this schema; the caller answers for the type. */
export function fieldOf<Event, Kind extends FieldKind, Optional extends boolean = false>(
  schema: FieldSchema,
): Field<Event, Kind, Optional> {
  return { schema } as Field<Event, Kind, Optional>
}

/** true or false. */
export const boolean = () => fieldOf<boolean, 'boolean'>({ type: 'boolean' })
/** A number that is a safe integer; `1e3` and `10.0` are integers too. */
export const integer = () => fieldOf<number, 'integer'>({ type: 'integer' })
/** A bigint of 64 bits, exact to the last digit; a number in JSON. */
export const int64 = () => fieldOf<bigint, 'int64'>({ type: 'int64' })
/** A number. JSON beyond the largest double reads as Infinity, which cannot be written. */
export const float64 = () => fieldOf<number, 'float64'>({ type: 'float64' })
/** A number, rounded to 32 bits. */
export const float32 = () => fieldOf<number, 'float32'>({ type: 'float32' })
/** Text. As the type of a key or a value: its UTF-8, without quotes. */
export const string = () => fieldOf<string, 'string'>({ type: 'string' })
/**
 * A Uint8Array; base64 with padding in JSON. As the type of a key or a value: the bytes as they
 * are.
 */
export const bytes = () => fieldOf<Uint8Array, 'bytes'>({ type: 'bytes' })
/** Whole milliseconds since the epoch, as a number; ISO-8601 text is read too (parseTimestamp). */
export const timestamp = () => fieldOf<number, 'timestamp'>({ type: 'timestamp' })
/** A Date; ISO-8601 text in JSON, milliseconds since the epoch are read too. */
export const date = () => fieldOf<Date, 'date'>({ type: 'date' })
/**
 * An exact decimal number as text, e.g. `'-12.50'`: no exponent, no leading zeros, the digits after
 * the point as written. Text in JSON; numbers are read too, by their own digits. 1,000 characters
 * at most.
 */
export const decimal = () => fieldOf<string, 'decimal'>({ type: 'decimal' })

/** The field may be absent. Null is no value of it, unless it is nullable too. */
export function optional<Event, Kind extends FieldKind>(
  field: Field<Event, Kind, boolean>,
): Field<Event, Kind, true> {
  return fieldOf({ ...field.schema, optional: true })
}

/** The value may be null. */
export function nullable<Event, Kind extends FieldKind, Optional extends boolean>(
  field: Field<Event, Kind, Optional>,
): Field<Event | null, Kind, Optional> {
  return fieldOf({ ...field.schema, nullable: true })
}

/** An array whose items are all of one type. */
export function array<Event>(items: Field<Event, FieldKind>): Field<Event[], 'array'> {
  return fieldOf({ type: 'array', items: items.schema })
}

/** An object of any names whose values are all of one type. */
export function map<Event>(values: Field<Event, FieldKind>): Field<Record<string, Event>, 'map'> {
  return fieldOf({ type: 'map', values: values.schema })
}

/** One of the given strings, finite numbers or booleans. */
export function literal<const Values extends readonly [LiteralValue, ...LiteralValue[]]>(
  ...values: Values
): Field<Values[number], 'literal'> {
  if (values.length === 0 || values.some((value) => !isLiteral(value)))
    throw new EuphorionError(
      'APP_INVALID',
      `literal(${values.map(String).join(', ')}): give at least one string, finite number or boolean`,
    )
  return fieldOf({ type: 'literal', values })
}

function isLiteral(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

/** A value of one of the types: the first one, in the order given, that it fits. */
export function union<const Members extends readonly [PresentField, ...PresentField[]]>(
  ...members: Members
): Field<Infer<Members[number]>, 'union'> {
  if (members.length === 0)
    throw new EuphorionError('APP_INVALID', 'union(): give at least one type')
  return fieldOf({ type: 'union', members: members.map((member) => member.schema) })
}
