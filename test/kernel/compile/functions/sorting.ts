// Sorting and searching; compiled unchanged by functions.test.ts.

export function quicksort(values: Float64Array): void {
  sortBetween(values, 0, values.length - 1)
}

function sortBetween(values: Float64Array, first: number, last: number): void {
  if (first >= last) return
  const pivot = values[(first + last) >> 1]
  let i = first
  let k = last
  while (i <= k) {
    while (values[i] < pivot) i++
    while (values[k] > pivot) k--
    if (i <= k) {
      const value = values[i]
      values[i++] = values[k]
      values[k--] = value
    }
  }
  sortBetween(values, first, k)
  sortBetween(values, i, last)
}

export function heapsort(values: Int32Array): Int32Array {
  const sift = (start: number, end: number): void => {
    let root = start
    for (;;) {
      let child = 2 * root + 1
      if (child >= end) return
      if (child + 1 < end && values[child] < values[child + 1]) child++
      if (values[root] >= values[child]) return
      ;[values[root], values[child]] = [values[child], values[root]]
      root = child
    }
  }
  for (let i = Math.floor(values.length / 2) - 1; i >= 0; i--) sift(i, values.length)
  for (let end = values.length - 1; end > 0; end--) {
    ;[values[0], values[end]] = [values[end], values[0]]
    sift(0, end)
  }
  return values
}

/** Index of the value in a sorted array, or -1. */
export function binarySearch(sorted: Float64Array, value: number): number {
  let lo = 0
  let hi = sorted.length - 1
  while (lo <= hi) {
    const middle = Math.floor((lo + hi) / 2)
    const found = sorted[middle]
    if (found === value) return middle
    if (found < value) lo = middle + 1
    else hi = middle - 1
  }
  return -1
}

/** Of an even number of values the mean of the two in the middle; the array is left as it is. */
export function median(values: Float64Array): number {
  const sorted = values.slice().sort()
  const middle = sorted.length / 2
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)]
  return (sorted[middle - 1] + sorted[middle]) / 2
}

/** Merge sort from the bottom up; counts the inversions. */
export function countInversions(values: Int32Array): number {
  let from = values.slice()
  let to = new Int32Array(values.length)
  let inversions = 0
  for (let width = 1; width < values.length; width *= 2) {
    for (let start = 0; start < values.length; start += 2 * width) {
      const middle = Math.min(start + width, values.length)
      const end = Math.min(start + 2 * width, values.length)
      let left = start
      let right = middle
      for (let i = start; i < end; i++) {
        if (left < middle && (right >= end || from[left] <= from[right])) to[i] = from[left++]
        else {
          to[i] = from[right++]
          inversions += middle - left
        }
      }
    }
    const swapped = from
    from = to
    to = swapped
  }
  return inversions
}

/** The values by their distance from another, nearest first; the farthest are left out. */
export function nearest(values: Float64Array, target: number, most: number): Float64Array {
  const near = values.filter((value) => Math.abs(value - target) <= most)
  return near.sort((a, b) => Math.abs(a - target) - Math.abs(b - target))
}

/** From high to low, in place, as V8 does it even where NaN makes the comparison contradictory. */
export const sortDown = (values: Float64Array) => values.sort((a, b) => b - a)
