// Columns in the memory that numeric kernels share: kernels work on them in place, in any thread.
// Also tells the drivers of the column kernels which arrays lie there.
import type { SharedMemory } from '../../batch/memory.ts'
import { EuphorionError } from '../../errors.ts'
import { kernelPool } from '../offload/pool.ts'
import {
  type ColumnArray,
  type ColumnType,
  columnBytes,
  columnConstructor,
  columnTypes,
} from '../user/column_types.ts'

interface Allocation {
  readonly address: number
  readonly end: number
  /** Kernels that work on it. */
  users: number
  isReleased: boolean
}

/** A class of typed arrays, to be made over shared memory. */
export type SharedArrayClass<T> = new (
  buffer: SharedArrayBuffer,
  address: number,
  length: number,
) => T

const allocations = new WeakMap<object, Allocation>()

/** All that are not free, by address. */
const taken: Allocation[] = []

const collected = new FinalizationRegistry<Allocation>(release)

/** The index of the first that begins behind the address. */
function indexBehind(address: number): number {
  let [low, high] = [0, taken.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (taken[middle].address > address) high = middle
    else low = middle + 1
  }
  return low
}

/** The one that a shared array lies in. */
function allocationOf({ byteOffset }: ArrayBufferView): Allocation | undefined {
  const allocation = taken[indexBehind(byteOffset) - 1]
  return allocation !== undefined && byteOffset < allocation.end ? allocation : undefined
}

function release(allocation: Allocation): void {
  if (allocation.isReleased) return
  allocation.isReleased = true
  freeIfUnused(allocation)
}

function freeIfUnused(allocation: Allocation): void {
  if (!allocation.isReleased || allocation.users > 0) return
  taken.splice(indexBehind(allocation.address) - 1, 1)
  kernelPool().memory.free(allocation.address)
}

/**
 * A column of zeros in the kernels' shared memory (setting kernelMemoryMib): the built-in kernels
 * work on it without a copy, in the pool too. It is freed by releaseColumn, or when it is garbage:
 * keep the column itself as long as you use subarrays of it, which do not keep it alive. Throws
 * MEMORY_EXHAUSTED, and KERNEL_INVALID for another type or length.
 */
export function allocateColumn<T extends ColumnType>(type: T, length: number): ColumnArray<T> {
  if (!columnTypes.includes(type))
    throw new EuphorionError('KERNEL_INVALID', `allocateColumn: there is no type ${String(type)}`)
  if (!Number.isSafeInteger(length) || length < 0)
    throw new EuphorionError('KERNEL_INVALID', `allocateColumn: ${length} is no length`)
  const { memory } = kernelPool()
  const bytes = length * columnBytes(type)
  const address = memory.allocate(bytes, `a column of ${length} ${type}`)
  const make = columnConstructor(type) as unknown as SharedArrayClass<ColumnArray<T>>
  const column = new make(memory.wasm.buffer, address, length)
  memory.span(address, bytes).fill(0)
  const allocation = { address, end: address + bytes, users: 0, isReleased: false }
  taken.splice(indexBehind(address), 0, allocation)
  allocations.set(column, allocation)
  collected.register(column, allocation, column)
  return column
}

/**
 * Gives the memory of a column back: at once, or when the kernels that work on it are done. The
 * column and its subarrays must not be used any more; kernels refuse them (KERNEL_INVALID).
 * Releasing it once more does nothing. Throws KERNEL_INVALID for what is no column of
 * allocateColumn.
 */
export function releaseColumn(column: ColumnArray): void {
  const allocation = allocations.get(column)
  if (allocation === undefined) {
    const message = 'releaseColumn: that was not made by allocateColumn (a subarray is no column)'
    throw new EuphorionError('KERNEL_INVALID', message)
  }
  collected.unregister(column)
  release(allocation)
}

/**
 * Keeps the columns that these arrays lie in from being freed until unpin. Throws KERNEL_INVALID
 * for what was released, as long as nothing else lies there.
 */
export function pin(kernel: string, arrays: readonly ArrayBufferView[]): void {
  const shared = arrays.filter(isHeld)
  for (const array of shared) {
    if (allocationOf(array)?.isReleased === false) continue
    throw new EuphorionError('KERNEL_INVALID', `${kernel}: the column was released`)
  }
  for (const array of shared) allocationOf(array)!.users++
}

export function unpin(arrays: readonly ArrayBufferView[]): void {
  for (const array of arrays) {
    if (!isHeld(array)) continue
    const allocation = allocationOf(array)!
    allocation.users--
    freeIfUnused(allocation)
  }
}

/** Of no values there is nothing to keep. */
function isHeld(array: ArrayBufferView): boolean {
  return array.byteLength > 0 && isShared(array)
}

/** Whether it lies in the memory of a pool, by default that of the process. */
export function isShared(array: ArrayBufferView, memory?: SharedMemory): boolean {
  if (!(array.buffer instanceof SharedArrayBuffer)) return false
  return array.buffer === (memory ?? kernelPool().memory).wasm.buffer
}
