// The column kernels once more, as their documentation says it and without regard to time: an
// oracle that shares no code with them. Also columns to try them on. Used by the contract of the
// column kernels.
import { seededRandom } from '../../src/clock.ts'
import type { FloatColumn } from '../../src/kernels.ts'

/** Blocks of 1024, in each sixteen stripes that are joined by halves. */
export function blockSums(values: readonly number[]): number[] {
  const sums: number[] = []
  for (let from = 0; from < values.length; from += 1024) {
    let stripes = new Array<number>(16).fill(0)
    const block = values.slice(from, from + 1024)
    block.forEach((value, k) => {
      stripes[k % 16] += value
    })
    while (stripes.length > 1) {
      const half = stripes.length / 2
      stripes = stripes.slice(0, half).map((sum, k) => sum + stripes[k + half])
    }
    sums.push(stripes[0])
  }
  return sums
}

export function movingAverage(values: readonly number[], window: number): number[] {
  const sumOf = (part: readonly number[]) => part.reduce((sum, value) => sum + value, 0)
  return values.map((_, i) => {
    const group = i - (i % window)
    const prefix = sumOf(values.slice(group, i + 1))
    if (group === 0) return prefix / (i + 1)
    const suffix = sumOf(values.slice(i - window + 1, group).reverse())
    return (suffix + prefix) / window
  })
}

export function ewma(values: readonly number[], alpha: number, previous = values[0]): number[] {
  let y = previous
  return values.map((x, i) => {
    if (i > 0 || previous !== values[0]) y = alpha * x + (1 - alpha) * y
    return y
  })
}

/** Kinds of columns, each by a function of a random number and the index. */
export const shapes: Readonly<Record<string, (random: number, index: number) => number>> = {
  uniform: (random) => random * 100 - 30,
  large: (random) => 1e9 + random,
  wide: (random, i) => (i % 2 ? -1 : 1) * 10 ** (random * 40 - 20),
  counts: (random) => Math.floor(random * 3),
  zeros: (random) => (random < 0.5 ? -0 : 0),
  'negative zeros': () => -0,
  'not above zero': (random) => (random < 0.2 ? 0 : -random),
  constant: () => 0.1,
  tiny: (random) => (random - 0.5) * 1e-310,
  huge: (random) => (random - 0.5) * 1e308,
  'a NaN': (random, i) => (i === 7 ? Number.NaN : random),
  infinities: (random, i) => (i % 5 === 3 ? (i % 2 ? 1 : -1) / 0 : random),
  'an infinity': (random, i) => (i === 5 ? Number.POSITIVE_INFINITY : random),
}

export function makeColumn(
  shape: string,
  length: number,
  seed: number,
  type: Float64ArrayConstructor | Float32ArrayConstructor = Float64Array,
): FloatColumn {
  const random = seededRandom(seed)
  return new type(length).map((_, i) => shapes[shape](random(), i))
}
