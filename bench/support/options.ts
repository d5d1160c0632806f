// What is named by an option of a bench. Called by programs of the frame that have parts.
import { type BenchContext, BenchUsage } from '../report/bench.ts'

/** Of 'a,b'; all where nothing is given. Throws for a name that there is not. */
export function namesOf<Name extends string>(
  { values }: Pick<BenchContext, 'values'>,
  option: string,
  all: readonly Name[],
): readonly Name[] {
  const given = values[option]
  if (typeof given !== 'string') return all
  return given.split(',').map((word) => {
    const name = all.find((each) => each === word)
    if (name !== undefined) return name
    throw new BenchUsage(`--${option} ${word}: there are ${all.join(', ')}`)
  })
}
