// The columns and parameters of a kernel from a command line, once the kernel's types are known.
// Called by `euphorion kernel run` and `bench`.
import { EuphorionError } from '../errors.ts'
import type { ColumnType } from '../kernel/user/column_types.ts'
import type { KernelInput, KernelProgram, Param, ProgramParameter } from './kernel_program.ts'
import { columnOf, type NamedText, parseValue } from './kernel_values.ts'

/** Throws USAGE where something is missing, unknown, or of another type. */
export function kernelInput(
  program: KernelProgram,
  given: { readonly columns: readonly NamedText[]; readonly params: readonly NamedText[] },
  seed: number,
): KernelInput {
  const columns = match(program, 'column', given.columns).map(([{ name, type }, text], index) => {
    return [name, columnOf({ name, text }, type as ColumnType, seed + index)] as const
  })
  const params = match(program, 'param', given.params).map(([{ name, type }, text]) => {
    const value = paramValue(type, text)
    if (value !== undefined) return [name, value] as const
    throw new EuphorionError('USAGE', `parameter ${name} is ${type}, which cannot be '${text}'`)
  })
  return { columns: Object.fromEntries(columns), params: Object.fromEntries(params) }
}

function paramValue(type: ProgramParameter['type'], text: string): Param | undefined {
  if (type !== 'bool') return parseValue(type, text)
  return text === 'true' || (text === 'false' ? false : undefined)
}

/** What is given for each. */
function match(
  { name: kernel, parameters }: KernelProgram,
  role: 'column' | 'param',
  given: readonly NamedText[],
): (readonly [ProgramParameter, string])[] {
  const [what, option] = role === 'param' ? ['parameter', '--param'] : ['column', '--columns']
  const wanted = parameters.filter((each) => each.role === role)
  const unknown = given.find(({ name }) => wanted.every((each) => each.name !== name))
  if (unknown !== undefined) {
    const names = wanted.map(({ name }) => name).join(', ')
    const has = names === '' ? `takes no ${what}s` : `takes ${names}`
    throw new EuphorionError('USAGE', `there is no ${what} ${unknown.name}: ${kernel} ${has}`)
  }
  return wanted.flatMap((each) => {
    const found = given.find(({ name }) => name === each.name)
    if (found !== undefined) return [[each, found.text] as const]
    if (each.isOptional) return []
    const filled = role === 'column' ? `, or --out ${each.name} if it is to be filled` : ''
    const taken = `${kernel} takes ${what} ${each.name} (${each.type})`
    throw new EuphorionError('USAGE', `${taken}: give ${option} ${each.name}=…${filled}`)
  })
}
