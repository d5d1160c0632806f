// The types that columns of a kernel can have, and the typed arrays that hold them. Used by every
// kernel that takes or gives columns.

const arrays = {
  f64: Float64Array,
  f32: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  i16: Int16Array,
  u16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
} as const

interface Arrays {
  readonly f64: Float64Array
  readonly f32: Float32Array
  readonly i32: Int32Array
  readonly u32: Uint32Array
  readonly i16: Int16Array
  readonly u16: Uint16Array
  readonly i8: Int8Array
  readonly u8: Uint8Array
  readonly i64: BigInt64Array
  readonly u64: BigUint64Array
}

/** A column's type: kind of number and its bits. */
export type ColumnType = keyof Arrays

/** The typed array of a column type; over an ordinary or a shared buffer. */
export type ColumnArray<T extends ColumnType = ColumnType> = Arrays[T]

/** One value of a column: a bigint for i64 and u64, else a number. */
export type ColumnValue<T extends ColumnType> = T extends 'i64' | 'u64' ? bigint : number

/** Columns by name, as a kernel declares them. */
export type ColumnTypes = Readonly<Record<string, ColumnType>>

/** `ColumnArrays<{ values: 'f64' }>` is `{ readonly values: Float64Array }`. */
export type ColumnArrays<Types extends ColumnTypes> = {
  readonly [Name in keyof Types]: ColumnArray<Types[Name]>
}

/** `ColumnValues<{ alpha: 'f64' }>` is `{ readonly alpha: number }`: parameters of a kernel. */
export type ColumnValues<Types extends ColumnTypes> = {
  readonly [Name in keyof Types]: ColumnValue<Types[Name]>
}

export const columnTypes = Object.keys(arrays) as readonly ColumnType[]

/** The constructor: `columnConstructor('f64')` is Float64Array. */
export function columnConstructor<T extends ColumnType>(type: T): (typeof arrays)[T] {
  return arrays[type]
}

/** Bytes of one value. */
export function columnBytes(type: ColumnType): number {
  return arrays[type].BYTES_PER_ELEMENT
}

/** The type of a typed array; undefined for anything else (also Uint8ClampedArray, DataView). */
export function columnTypeOf(value: unknown): ColumnType | undefined {
  if (!ArrayBuffer.isView(value)) return undefined
  const tag = (value as Partial<ColumnArray>)[Symbol.toStringTag]
  return columnTypes.find((type) => arrays[type].name === tag)
}
