// Functions inside of functions, which use and change variables around them; compiled unchanged by
// functions.test.ts.

/** N queens by backtracking. */
export function queensPlaced(n: number): number {
  let count = 0
  const columns = new Int32Array(n)
  const isFree = (row: number, column: number): boolean => {
    for (let i = 0; i < row; i++) {
      const other = columns[i]
      if (other === column || Math.abs(other - column) === row - i) return false
    }
    return true
  }
  const place = (row: number) => {
    if (row === n) {
      count++
      return
    }
    for (let column = 0; column < n; column++) {
      if (!isFree(row, column)) continue
      columns[row] = column
      place(row + 1)
    }
  }
  place(0)
  return count
}

/** The cheapest order of the values, by trying all; how many steps that took. */
export function cheapestOrder(values: Float64Array): number[] {
  let least = Number.POSITIVE_INFINITY
  let steps = 0
  let isFound = false
  const order = values.slice()
  function swap(i: number, k: number) {
    const kept = order[i]
    order[i] = order[k]
    order[k] = kept
  }
  function walk(k: number, cost: number): void {
    steps++
    if (cost >= least) return
    if (k === values.length) {
      least = cost
      isFound = true
      return
    }
    for (let i = k; i < values.length; i++) {
      swap(k, i)
      walk(k + 1, cost + (k > 0 ? Math.abs(order[k] - order[k - 1]) : 0))
      swap(k, i)
    }
  }
  walk(0, 0)
  return [least, steps, isFound ? 1 : 0]
}

/** Cells of the same colour that hang together, by two functions that call each other. */
export function patchSize(cells: Uint8Array, width: number, start: number): number {
  const colour = cells[start]
  const seen = new Uint8Array(cells.length)
  let size = 0
  const visit = (cell: number): void => {
    if (cells[cell] !== colour || seen[cell] === 1) return
    seen[cell] = 1
    size++
    neighbours(cell)
  }
  const neighbours = (cell: number): void => {
    if (cell % width > 0) visit(cell - 1)
    if (cell % width < width - 1) visit(cell + 1)
    visit(cell - width)
    visit(cell + width)
  }
  visit(start)
  return size
}

/** Ackermann's function, and how deep it went. */
export function ackermann(m: number, n: number): number[] {
  let depth = 0
  let deepest = 0
  const value = (x: number, y: number): number => {
    depth++
    if (depth > deepest) deepest = depth
    const result = x === 0 ? y + 1 : y === 0 ? value(x - 1, 1) : value(x - 1, value(x, y - 1))
    depth--
    return result
  }
  return [value(m, n), deepest]
}
