// Methods of arrays that call a function for each element, written in the subset: ARRAY stands for
// the type of the array, `callback(…)` for the user's function with the arguments that it takes.
// Called by the lowering of such methods; a user's small function ends up inside of the loop.
import { nameOfArray } from './library.ts'
import type { ArrayName } from './types.ts'

const loop = 'for (let i = 0; i < array.length; i++)'
const backwards = 'for (let i = array.length - 1; i >= 0; i--)'

const callbacks: Readonly<Record<string, string>> = {
  every: `function every(array: ARRAY): boolean {
  ${loop} if (!callback(array[i], i, array)) return false
  return true
}`,
  filter: `function filter(array: ARRAY): ARRAY {
  const kept = new ARRAY(array.length)
  let count = 0
  ${loop} {
    const each = array[i]
    if (callback(each, i, array)) {
      kept[count] = each
      count++
    }
  }
  return kept.slice(0, count)
}`,
  find: `function find(array: ARRAY): number {
  ${loop} {
    const each = array[i]
    if (callback(each, i, array)) return each
  }
  return array[array.length]
}`,
  findIndex: `function findIndex(array: ARRAY): number {
  ${loop} if (callback(array[i], i, array)) return i
  return -1
}`,
  findLast: `function findLast(array: ARRAY): number {
  ${backwards} {
    const each = array[i]
    if (callback(each, i, array)) return each
  }
  return array[array.length]
}`,
  findLastIndex: `function findLastIndex(array: ARRAY): number {
  ${backwards} if (callback(array[i], i, array)) return i
  return -1
}`,
  forEach: `function forEach(array: ARRAY): void {
  ${loop} callback(array[i], i, array)
}`,
  map: `function map(array: ARRAY): ARRAY {
  const mapped = new ARRAY(array.length)
  ${loop} mapped[i] = callback(array[i], i, array)
  return mapped
}`,
  reduce: `function reduce(array: ARRAY, initial: number) {
  let result = initial
  ${loop} result = callback(result, array[i], i, array)
  return result
}`,
  reduceFirst: `function reduceFirst(array: ARRAY): number {
  if (array.length === 0) throw new TypeError('Reduce of empty array with no initial value')
  let result = array[0]
  for (let i = 1; i < array.length; i++) result = callback(result, array[i], i, array)
  return result
}`,
  some: `function some(array: ARRAY): boolean {
  ${loop} if (callback(array[i], i, array)) return true
  return false
}`,
  // V8's merge sort step by step, with a stack of its own (from, to, what is done): where the
  // comparisons contradict each other (NaN), the order that comes out depends on the algorithm.
  sort: `function sort(array: ARRAY): void {
  const length = array.length
  if (length < 2) return
  const sorted = array.slice()
  const work = array.slice()
  const stack = new Int32Array(120)
  stack[1] = length
  let depth = 0
  while (depth >= 0) {
    const from = stack[3 * depth]
    const to = stack[3 * depth + 1]
    const step = stack[3 * depth + 2]
    const middle = from + ((to - from) >> 1)
    stack[3 * depth + 2] = step + 1
    if (step < 2) {
      const start = step === 0 ? from : middle
      const end = step === 0 ? middle : to
      if (end - start > 1) {
        depth++
        stack[3 * depth] = start
        stack[3 * depth + 1] = end
        stack[3 * depth + 2] = 0
      }
      continue
    }
    const source = depth % 2 === 0 ? work : sorted
    const target = depth % 2 === 0 ? sorted : work
    let left = from
    let right = middle
    for (let i = from; i < to; i++) {
      if (right >= to || (left < middle && !(callback(source[left], source[right]) > 0))) {
        target[i] = source[left]
        left++
      } else {
        target[i] = source[right]
        right++
      }
    }
    depth--
  }
  array.set(sorted)
}`,
}

/** @param count arguments that the user's function takes; empty where there is no such method */
export function callbackFunction(name: string, type: ArrayName, count: number): string {
  const text = Object.hasOwn(callbacks, name) ? callbacks[name] : ''
  const taken = text.replace(/callback\(([^()]*)\)/g, (_, given: string) => {
    return `callback(${given.split(', ').slice(0, count).join(', ')})`
  })
  return taken.replaceAll('ARRAY', nameOfArray(type))
}
