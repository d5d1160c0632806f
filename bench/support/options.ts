// Options of a bench that are texts, and names in them. Called by programs of the frame.
import { type BenchContext, BenchUsage } from '../report/bench.ts'

/** Of 'a,b'; all where nothing is given. Throws for a name that there is not. */
export function namesOf<Name extends string>(
  context: Pick<BenchContext, 'values'>,
  option: string,
  all: readonly Name[],
): readonly Name[] {
  const given = textOption(context, option)
  if (given === undefined) return all
  return given.split(',').map((word) => {
    const name = all.find((each) => each === word)
    if (name !== undefined) return name
    throw new BenchUsage(`--${option} ${word}: there are ${all.join(', ')}`)
  })
}

/** Undefined where nothing is given. */
export function textOption(
  { values }: Pick<BenchContext, 'values'>,
  option: string,
): string | undefined {
  const given = values[option]
  return typeof given === 'string' ? given : undefined
}
