// Arguments and results of compiled functions: checks what the caller gives, lays arrays out in the
// module's memory, brings back what was written and makes the result. Used by the runners.
import { EuphorionError } from '../../errors.ts'
import type { ProgramParameter } from './program.ts'
import type { Region } from './run_task.ts'
import {
  arrayFacts,
  constructorOf,
  isArray,
  type ResultType,
  type TypedArray,
  typeOfValue,
} from './types.ts'

const ALIGNMENT = 16

/** An array of the caller, and where its copy is. */
interface Placed {
  /** Of its address among the values. */
  readonly slot: number
  readonly parameter: ProgramParameter
  /** What the caller gave. */
  readonly given: unknown
  /** The same, or a typed array of a list. */
  readonly array: TypedArray
  address: number
}

export interface Bound {
  readonly regions: readonly Region[]
  readonly values: readonly number[]
  readonly memoryTop: number
  readonly placed: readonly Placed[]
}

export type Argument = number | boolean | TypedArray | readonly number[]

/** Checks the arguments; defaults are filled in. */
export function checkArguments(
  name: string,
  parameters: readonly ProgramParameter[],
  given: readonly unknown[],
): Argument[] {
  return parameters.map((parameter, i): Argument => {
    const value = given[i] === undefined ? parameter.initial : given[i]
    const wanted = parameter.type
    if (isArray(wanted) ? isArrayOf(value, wanted) : typeof value === wanted)
      return value as Argument
    const what = typeOfValue(value)
    throw new EuphorionError(
      'KERNEL_INVALID',
      `argument ${i + 1} of ${name} ('${parameter.name}') must be of type ${wanted}, not ${what}`,
    )
  })
}

function isArrayOf(value: unknown, type: string): boolean {
  if (type !== 'number[]') return typeOfValue(value) === type && ArrayBuffer.isView(value)
  return Array.isArray(value) && value.every((each) => typeof each === 'number')
}

/** Arrays that share bytes keep doing so: each stretch of a buffer is copied once. */
export function bindArguments(
  name: string,
  parameters: readonly ProgramParameter[],
  given: readonly Argument[],
  memoryBase: number,
): Bound {
  const placed: Placed[] = []
  const values: number[] = []
  for (const [i, value] of given.entries()) {
    if (typeof value === 'number' || typeof value === 'boolean') {
      values.push(Number(value))
      continue
    }
    const array = Array.isArray(value) ? Float64Array.from(value) : (value as TypedArray)
    placed.push({ slot: values.length, parameter: parameters[i], given: value, array, address: 0 })
    values.push(0, array.length)
  }
  const regions: Region[] = []
  let top = memoryBase
  for (const group of overlapping(placed)) {
    const region = placeGroup(name, group, align(top))
    regions.push(region)
    top = region.address + Math.max(region.bytes.length, 1)
  }
  for (const { slot, address } of placed) values[slot] = address
  return { regions, values, memoryTop: align(top), placed }
}

function placeGroup(name: string, group: readonly Placed[], top: number): Region {
  const [{ array, parameter }] = group
  if (group.some((each) => each.parameter.type !== parameter.type))
    throw new EuphorionError(
      'KERNEL_INVALID',
      `arguments of ${name} share memory as arrays of different types`,
    )
  const start = array.byteOffset
  let end = start
  let isWritten = false
  const address = top + (start % ALIGNMENT)
  for (const each of group) {
    end = Math.max(end, each.array.byteOffset + each.array.byteLength)
    each.address = address + each.array.byteOffset - start
    isWritten ||= each.parameter.isWritten
  }
  return { address, bytes: new Uint8Array(array.buffer, start, end - start), isWritten }
}

function align(address: number): number {
  return Math.ceil(address / ALIGNMENT) * ALIGNMENT
}

/** Groups whose bytes overlap, each in the order of their bytes. */
function overlapping(placed: readonly Placed[]): readonly Placed[][] {
  const isShared = placed.some(({ array }, i) =>
    placed.some((other, k) => k < i && other.array.buffer === array.buffer),
  )
  if (!isShared) return placed.map((each) => [each])
  const groups: Placed[][] = []
  const sorted = [...placed].sort((a, b) => a.array.byteOffset - b.array.byteOffset)
  for (const each of sorted) {
    const group = groups.find(
      (others) =>
        others[0].array.buffer === each.array.buffer &&
        others.some(({ array }) => array.byteOffset + array.byteLength > each.array.byteOffset),
    )
    if (group && each.array.byteLength > 0) group.push(each)
    else groups.push([each])
  }
  return groups
}

/** @param memory of the module, or of its regions alone, as a function of the address */
export function bringBack(
  bound: Bound,
  bytesAt: (address: number, length: number) => Uint8Array,
): void {
  for (const { parameter, array, address } of bound.placed) {
    if (!parameter.isWritten || array.byteLength === 0) continue
    const target = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    target.set(bytesAt(address, array.byteLength))
  }
}

/** The caller's own array where the function returns one of its arguments or a part of it. */
export function arrayResult(
  bound: Bound,
  type: ResultType,
  [address, length]: readonly [number, number],
  bytesAt: (address: number, length: number) => Uint8Array,
): TypedArray | readonly number[] {
  if (!isArray(type)) throw new Error('a result that is no array')
  const bytes = length << arrayFacts[type].shift
  const same = bound.placed.filter(({ parameter }) => parameter.type === type)
  const whole = same.find((each) => each.address === address && each.array.length === length)
  if (whole !== undefined) return whole.given as TypedArray
  const Type = constructorOf(type)
  const part = same.find(
    ({ address: start, array }) =>
      address >= start && address + bytes <= start + array.byteLength && array.byteLength > 0,
  )
  if (part !== undefined && type !== 'number[]')
    return new Type(part.array.buffer, part.array.byteOffset + address - part.address, length)
  const copy = bytesAt(address, bytes).slice()
  const array = new Type(copy.buffer, 0, length)
  return type === 'number[]' ? Array.from(array) : array
}
