// Options of benches as values. Called by programs of the frame.
import type { BenchContext } from '../report/bench.ts'

type Values = BenchContext['values']

/** '20_000' too. Throws for what is no whole number from 1 on. */
export function wholeOf(values: Values, name: string, fallback: number): number {
  const given = values[name]
  if (typeof given !== 'string') return fallback
  const value = Number(given.replaceAll('_', ''))
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new Error(`--${name} ${given}: it is a whole number from 1`)
}

/** Of 'a,b'; all where nothing is given. Throws for a name that there is not. */
export function namesOf(values: Values, name: string, all: readonly string[]): readonly string[] {
  const given = values[name]
  if (typeof given !== 'string') return all
  const chosen = given.split(',')
  const unknown = chosen.find((each) => !all.includes(each))
  if (unknown === undefined) return chosen
  throw new Error(`--${name} ${unknown}: there are ${all.join(', ')}`)
}
