// What is named by an option of a bench. Called by programs of the frame that have parts.
import type { BenchContext } from '../report/bench.ts'

/** Of 'a,b'; all where nothing is given. Throws for a name that there is not. */
export function namesOf(
  { values }: Pick<BenchContext, 'values'>,
  option: string,
  all: readonly string[],
): readonly string[] {
  const given = values[option]
  if (typeof given !== 'string') return all
  const chosen = given.split(',')
  const unknown = chosen.find((name) => !all.includes(name))
  if (unknown === undefined) return chosen
  throw new Error(`--${option} ${unknown}: there are ${all.join(', ')}`)
}
