// Checks what column kernels are given. Called by the files that have the kernels.
import { EuphorionError } from '../../errors.ts'
import { columnTypeOf } from '../user/column_types.ts'
import type { FloatColumn } from './piece_kernels.ts'

function invalid(kernel: string, message: string): never {
  throw new EuphorionError('KERNEL_INVALID', `${kernel}: ${message}`)
}

export function checkColumn(kernel: string, name: string, column: FloatColumn): void {
  const type = columnTypeOf(column)
  if (type === 'f64' || type === 'f32') return
  invalid(kernel, `${name} must be a Float64Array or a Float32Array, not ${described(column)}`)
}

function described(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value)
  return value.constructor?.name ?? 'an object'
}

/**
 * Two columns of one length. Of one type, too: a float32 column beside a float64 one is widened in
 * a copy, which is exact.
 */
export function checkPair(
  kernel: string,
  x: FloatColumn,
  y: FloatColumn,
): [x: FloatColumn, y: FloatColumn] {
  checkColumn(kernel, 'x', x)
  checkColumn(kernel, 'y', y)
  if (x.length !== y.length)
    invalid(kernel, `x has ${x.length} elements and y ${y.length}: they must have the same number`)
  if (x.BYTES_PER_ELEMENT === y.BYTES_PER_ELEMENT) return [x, y]
  return x.BYTES_PER_ELEMENT === 4 ? [new Float64Array(x), y] : [x, new Float64Array(y)]
}

/** A number in low … high; `high` itself is allowed, `low` only where `from` says so. */
export function checkNumber(
  kernel: string,
  name: string,
  value: number,
  { low, high, isLowIn = false }: { low: number; high: number; isLowIn?: boolean },
): void {
  const isAbove = isLowIn ? value >= low : value > low
  if (typeof value === 'number' && isAbove && value <= high) return
  const bound = isLowIn ? `from ${low}` : `above ${low}`
  invalid(kernel, `${name} must be a number ${bound} up to ${high}, not ${String(value)}`)
}

export function checkWhole(
  kernel: string,
  name: string,
  value: number,
  { low, high }: { low: number; high: number },
): void {
  if (Number.isSafeInteger(value) && value >= low && value <= high) return
  invalid(kernel, `${name} must be a whole number from ${low} to ${high}, not ${String(value)}`)
}

/**
 * Where a series goes: `into`, or a new array. It must have the type and the length that are
 * wanted, and no memory in common with what is read.
 */
export function outputFor<T extends FloatColumn | Uint8Array>(
  kernel: string,
  values: FloatColumn,
  into: T | undefined,
  make: new (length: number) => T,
): T {
  if (into === undefined) return new make(values.length)
  if (columnTypeOf(into) !== columnTypeOf(new make(0)))
    invalid(kernel, `into must be a ${make.name}, not ${described(into)}`)
  if (into.length !== values.length)
    invalid(kernel, `into has ${into.length} elements, ${values.length} are needed`)
  const isBefore = into.byteOffset + into.byteLength <= values.byteOffset
  const isAfter = into.byteOffset >= values.byteOffset + values.byteLength
  if (into.buffer === values.buffer && !isBefore && !isAfter)
    invalid(kernel, 'into must not overlap the values')
  return into
}
