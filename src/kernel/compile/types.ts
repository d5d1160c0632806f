// The types that compile: numbers, booleans, typed arrays, and plain arrays of numbers that nobody
// writes to. Used by the lowering, the inference and the emission.
import type { Range } from './range.ts'

export interface ArrayFacts {
  readonly shift: 0 | 1 | 2 | 3
  readonly load: string
  readonly store: string
  /** What elements can be; undefined: any number. */
  readonly elements: Range | undefined
}

const range = (lo: number, hi: number): Range => ({ lo, hi })

const facts = {
  Float64Array: { shift: 3, load: 'f64.load', store: 'f64.store', elements: undefined },
  Float32Array: { shift: 2, load: 'f32.load', store: 'f32.store', elements: undefined },
  Int32Array: {
    shift: 2,
    load: 'i32.load',
    store: 'i32.store',
    elements: range(-(2 ** 31), 2 ** 31 - 1),
  },
  Uint32Array: {
    shift: 2,
    load: 'i64.load32_u',
    store: 'i32.store',
    elements: range(0, 2 ** 32 - 1),
  },
  Int16Array: {
    shift: 1,
    load: 'i32.load16_s',
    store: 'i32.store16',
    elements: range(-32768, 32767),
  },
  Uint16Array: { shift: 1, load: 'i32.load16_u', store: 'i32.store16', elements: range(0, 65535) },
  Int8Array: { shift: 0, load: 'i32.load8_s', store: 'i32.store8', elements: range(-128, 127) },
  Uint8Array: { shift: 0, load: 'i32.load8_u', store: 'i32.store8', elements: range(0, 255) },
  Uint8ClampedArray: {
    shift: 0,
    load: 'i32.load8_u',
    store: 'i32.store8',
    elements: range(0, 255),
  },
  'number[]': { shift: 3, load: 'f64.load', store: 'f64.store', elements: undefined },
} as const satisfies Record<string, ArrayFacts>

export type ArrayName = keyof typeof facts
export type TypedArrayName = Exclude<ArrayName, 'number[]'>
export type ValueType = 'number' | 'boolean' | ArrayName
export type ResultType = ValueType | 'void'

export const arrayFacts: Readonly<Record<ArrayName, ArrayFacts>> = facts

const constructors = {
  Float64Array,
  Float32Array,
  Int32Array,
  Uint32Array,
  Int16Array,
  Uint16Array,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
}

export type TypedArray = InstanceType<(typeof constructors)[TypedArrayName]>
export type NumericArrayConstructor = new (
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
) => TypedArray

/** `number[]` has the layout of a Float64Array. */
export function constructorOf(name: ArrayName): NumericArrayConstructor {
  return constructors[name === 'number[]' ? 'Float64Array' : name]
}

export function isArray(type: ResultType | undefined): type is ArrayName {
  return type !== undefined && type in facts
}

export function isTypedArrayName(name: string): name is TypedArrayName {
  return name in constructors
}

/** The name of a value's type, as messages say it. */
export function typeOfValue(value: unknown): string {
  if (ArrayBuffer.isView(value) || Array.isArray(value)) return value.constructor.name
  return value === null ? 'null' : typeof value
}
