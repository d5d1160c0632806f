// Whether one of two settings is better, from runs made in turns (A B, B A, A B …): the ratio of
// each pair, the middle of them, and an interval that holds for any distribution of noise which
// strikes both alike. Called by the search of `tune` and by its report.

/** What pairs of runs say of B against A, whose values are better the larger they are. */
export interface Comparison {
  readonly pairs: number
  /** B : A, by the Hodges–Lehmann estimate over the logarithms. */
  readonly ratio: number
  /** Of 95%, where there are enough pairs for one (6); else from 0 to infinity. */
  readonly low: number
  readonly high: number
  readonly verdict: 'better' | 'worse' | 'within the noise'
}

const CONFIDENCE = 0.95
/** More pairs than this are rare, and their ranks are counted exactly all the same. */
const PAIRS_MAX = 200

/**
 * Compares values of the same length, all of them positive; those of a pair were measured next to
 * each other. The interval is the one that Wilcoxon's signed ranks give: where neither is better,
 * it says otherwise in at most 5 of 100 comparisons, and 'better' in at most 2.5.
 */
export function compare(a: readonly number[], b: readonly number[]): Comparison {
  const logs = b.slice(0, PAIRS_MAX).map((value, pair) => Math.log(value / a[pair]))
  const walsh = walshAverages(logs)
  const ratio = Math.exp(medianOf(walsh))
  const skipped = rankSkipped(logs.length)
  if (skipped === undefined) {
    return { pairs: logs.length, ratio, low: 0, high: Infinity, verdict: 'within the noise' }
  }
  const low = Math.exp(walsh[skipped])
  const high = Math.exp(walsh[walsh.length - 1 - skipped])
  const verdict = low > 1 ? 'better' : high < 1 ? 'worse' : 'within the noise'
  return { pairs: logs.length, ratio, low, high, verdict }
}

/** Fewest pairs that allow a verdict. */
export const pairsMin = 6

/**
 * One of each, next to each other. The one that goes first changes from pair to pair, so that
 * neither always has the cooler machine.
 */
export async function inTurns<T>(
  pair: number,
  runA: () => Promise<T>,
  runB: () => Promise<T>,
): Promise<[a: T, b: T]> {
  if (pair % 2 === 0) return [await runA(), await runB()]
  const b = await runB()
  return [await runA(), b]
}

/** Means of all pairs of values, each with itself too, in their order. */
function walshAverages(values: readonly number[]): readonly number[] {
  return values
    .flatMap((value, index) => values.slice(index).map((other) => (value + other) / 2))
    .sort((a, b) => a - b)
}

/**
 * How many of the averages are outside of the interval at each end: as many as a sum of ranks that
 * is so small has less than half of what is left of the confidence. Undefined: too few pairs.
 */
function rankSkipped(pairs: number): number | undefined {
  const ways = waysOfSums(pairs)
  const limit = ((1 - CONFIDENCE) / 2) * 2 ** pairs
  let seen = ways[0]
  let skipped = 0
  while (seen <= limit) {
    skipped++
    seen += ways[skipped]
  }
  return skipped === 0 ? undefined : skipped - 1
}

/** How many subsets of the ranks 1 … pairs add up to 0, 1, 2 … */
function waysOfSums(pairs: number): readonly number[] {
  const ways = new Array<number>((pairs * (pairs + 1)) / 2 + 1).fill(0)
  ways[0] = 1
  for (let rank = 1; rank <= pairs; rank++)
    for (let sum = ways.length - 1; sum >= rank; sum--) ways[sum] += ways[sum - rank]
  return ways
}

/** The mean of the middle two where their number is even; NaN of none. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
