// Methods of typed arrays, written in the subset itself: ARRAY stands for the type of the array
// that has the method, SOURCE for that of an array argument. Compiled with the user's functions
// when they are called. $view and $move are the two things that the subset cannot say.
import type { ArrayName } from './types.ts'

/** Where its functions stand, as far as anybody can see. */
export const LIBRARY_PATH = 'euphorion-library.ts'

const library: Readonly<Record<string, string>> = {
  // A position as the methods of arrays read it: counted from the end where it is negative.
  position: `function position(at: number, length: number): number {
  const whole = Math.trunc(at)
  if (whole !== whole) return 0
  return whole < 0 ? Math.max(length + whole, 0) : Math.min(whole, length)
}`,
  at: `function at(array: ARRAY, index: number): number {
  const whole = Math.trunc(index)
  if (whole !== whole) return array[0]
  return array[whole < 0 ? array.length + whole : whole]
}`,
  copyWithin: `function copyWithin(array: ARRAY, target: number, start: number, end: number): void {
  const length = array.length
  const to = position(target, length)
  const from = position(start, length)
  const count = Math.min(position(end, length) - from, length - to)
  if (count > 0) $move(array, to, array, from, count)
}`,
  fill: `function fill(array: ARRAY, value: number, start: number, end: number): void {
  const last = position(end, array.length)
  for (let i = position(start, array.length); i < last; i++) array[i] = value
}`,
  // Of two and three numbers, as V8 does it: host_math.ts sees to it that it is so.
  hypot2: `function hypot2(x: number, y: number): number {
  const a = Math.abs(x)
  const b = Math.abs(y)
  if (a === Infinity || b === Infinity) return Infinity
  const most = Math.max(a, b)
  if (!(most > 0)) return most
  const p = a / most
  const q = b / most
  return Math.sqrt(p * p + q * q) * most
}`,
  hypot3: `function hypot3(x: number, y: number, z: number): number {
  const a = Math.abs(x)
  const b = Math.abs(y)
  const c = Math.abs(z)
  if (a === Infinity || b === Infinity || c === Infinity) return Infinity
  const most = Math.max(a, b, c)
  if (!(most > 0)) return most
  const p = a / most
  const q = b / most
  const r = c / most
  const first = p * p
  const sum = first + q * q
  const lost = sum - first - q * q
  return Math.sqrt(sum + (r * r - lost)) * most
}`,
  includes: `function includes(array: ARRAY, value: number, start: number): boolean {
  const length = array.length
  for (let i = position(start, length); i < length; i++) {
    const each = array[i]
    if (each === value || (each !== each && value !== value)) return true
  }
  return false
}`,
  indexOf: `function indexOf(array: ARRAY, value: number, start: number): number {
  const length = array.length
  for (let i = position(start, length); i < length; i++) if (array[i] === value) return i
  return -1
}`,
  reverse: `function reverse(array: ARRAY): void {
  for (let i = 0, k = array.length - 1; i < k; i++, k--) {
    const each = array[i]
    array[i] = array[k]
    array[k] = each
  }
}`,
  set: `function set(array: ARRAY, source: SOURCE, offset: number): void {
  const at = Math.trunc(offset)
  if (at < 0) throw new RangeError('offset is out of bounds')
  const to = at === at ? at : 0
  const length = source.length
  if (to + length > array.length) throw new RangeError('offset is out of bounds')
  COPY
}`,
  slice: `function slice(array: ARRAY, start: number, end: number): ARRAY {
  const from = position(start, array.length)
  const count = Math.max(position(end, array.length) - from, 0)
  const copy = new ARRAY(count)
  $move(copy, 0, array, from, count)
  return copy
}`,
  subarray: `function subarray(array: ARRAY, begin: number, end: number): ARRAY {
  const from = position(begin, array.length)
  return $view(array, from, Math.max(position(end, array.length), from))
}`,
  sort: `function sort(array: ARRAY): void {
  sortPart(array, 0, array.length - 1, 0)
}`,
  // NaN last, -0 before 0. Equal elements cannot be told apart, so any order of them will do.
  sortFloats: `function sortFloats(array: ARRAY): void {
  let length = array.length
  for (let i = length - 1; i >= 0; i--) {
    const each = array[i]
    if (each !== each) {
      length--
      array[i] = array[length]
      array[length] = each
    }
  }
  sortPart(array, 0, length - 1, 0)
  sortZeros(array, length)
}`,
  // Quicksort on the median of three; insertion sort of short parts; heap sort where it
  // degenerates.
  sortPart: `function sortPart(array: ARRAY, first: number, last: number, depth: number): void {
  let lo = first
  let hi = last
  let deep = depth
  while (hi - lo > 16) {
    if (deep > 48) {
      sortHeap(array, lo, hi)
      return
    }
    deep++
    const middle = (lo + hi) >> 1
    if (array[middle] < array[lo]) [array[middle], array[lo]] = [array[lo], array[middle]]
    if (array[hi] < array[lo]) [array[hi], array[lo]] = [array[lo], array[hi]]
    if (array[hi] < array[middle]) [array[hi], array[middle]] = [array[middle], array[hi]]
    const pivot = array[middle]
    let i = lo
    let k = hi
    while (i <= k) {
      while (array[i] < pivot) i++
      while (pivot < array[k]) k--
      if (i <= k) {
        const each = array[i]
        array[i] = array[k]
        array[k] = each
        i++
        k--
      }
    }
    if (k - lo < hi - i) {
      sortPart(array, lo, k, deep)
      lo = i
    } else {
      sortPart(array, i, hi, deep)
      hi = k
    }
  }
  for (let i = lo + 1; i <= hi; i++) {
    const each = array[i]
    let k = i - 1
    while (k >= lo && each < array[k]) {
      array[k + 1] = array[k]
      k--
    }
    array[k + 1] = each
  }
}`,
  sortHeap: `function sortHeap(array: ARRAY, lo: number, hi: number): void {
  const count = hi - lo + 1
  for (let i = (count >> 1) - 1; i >= 0; i--) sink(array, lo, i, count)
  for (let end = count - 1; end > 0; end--) {
    const each = array[lo]
    array[lo] = array[lo + end]
    array[lo + end] = each
    sink(array, lo, 0, end)
  }
}`,
  sink: `function sink(array: ARRAY, lo: number, start: number, end: number): void {
  let parent = start
  const each = array[lo + parent]
  for (;;) {
    let child = parent * 2 + 1
    if (child >= end) break
    if (child + 1 < end && array[lo + child] < array[lo + child + 1]) child++
    if (!(each < array[lo + child])) break
    array[lo + parent] = array[lo + child]
    parent = child
  }
  array[lo + parent] = each
}`,
  sortZeros: `function sortZeros(array: ARRAY, length: number): void {
  let lo = 0
  let hi = length
  while (lo < hi) {
    const middle = (lo + hi) >> 1
    if (array[middle] < 0) lo = middle + 1
    else hi = middle
  }
  let negative = 0
  for (let i = lo; i < length && array[i] === 0; i++) if (1 / array[i] < 0) negative++
  for (let i = lo; i < length && array[i] === 0; i++) array[i] = i - lo < negative ? -0 : 0
}`,
}

/** Bytes where both are of one type; element by element, as conversions want it, where not. */
const sameType = '$move(array, to, source, 0, length)'
const otherType = 'for (let i = 0; i < length; i++) array[to + i] = source[i]'

/** Empty where the library has no such function. */
export function libraryFunction(name: string, types: readonly ArrayName[]): string {
  const [array = 'Float64Array', source] = types
  const text = Object.hasOwn(library, name) ? library[name] : ''
  const copy = array === source ? sameType : otherType
  const typed = text
    .replaceAll('ARRAY', nameOfArray(array))
    .replaceAll('SOURCE', nameOfArray(source ?? array))
  return typed.replace('COPY', copy)
}

export function nameOfArray(type: ArrayName): string {
  return type === 'number[]' ? 'readonly number[]' : type
}
