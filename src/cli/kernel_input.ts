// The columns and parameters of a kernel from a command line, once the kernel's types are known.
// Called by `euphorion kernel run` and `bench`.
import { EuphorionError } from '../errors.ts'
import type { KernelParameter } from '../kernel/user/assembly_request.ts'
import type { Columns, Params } from '../kernel/user/check_columns.ts'
import type { KernelProgram } from './kernel_program.ts'
import { columnOf, type NamedText, parseValue } from './kernel_values.ts'

export interface KernelInput {
  readonly columns: Columns
  readonly params: Params
}

/** Throws USAGE where something is missing, unknown, or of another type. */
export function kernelInput(
  program: KernelProgram,
  given: { readonly columns: readonly NamedText[]; readonly params: readonly NamedText[] },
  seed: number,
): KernelInput {
  const columns = match(program, 'column', given.columns).map(([{ name, type }, text], index) => {
    return [name, columnOf({ name, text }, type, seed + index)] as const
  })
  const params = match(program, 'param', given.params).map(([{ name, type }, text]) => {
    const value = parseValue(type, text)
    if (value !== undefined) return [name, value] as const
    throw new EuphorionError('USAGE', `parameter ${name} is ${type}, which cannot be '${text}'`)
  })
  return { columns: Object.fromEntries(columns), params: Object.fromEntries(params) }
}

type Role = 'column' | 'param'

/** What is given for each. */
function match(
  { name: kernel, parameters }: KernelProgram,
  role: Role,
  given: readonly NamedText[],
): (readonly [KernelParameter, string])[] {
  const [what, option] = role === 'param' ? ['parameter', '--param'] : ['column', '--columns']
  const wanted = parameters.filter((each) => each.role === role)
  const unknown = given.find(({ name }) => wanted.every((each) => each.name !== name))
  if (unknown !== undefined) {
    const names = wanted.map(({ name }) => name).join(', ')
    const has = names === '' ? `takes no ${what}s` : `takes ${names}`
    throw new EuphorionError('USAGE', `there is no ${what} ${unknown.name}: ${kernel} ${has}`)
  }
  return wanted.map((each) => {
    const found = given.find(({ name }) => name === each.name)
    if (found !== undefined) return [each, found.text] as const
    const filled = role === 'column' ? `, or --out ${each.name} if it is to be filled` : ''
    const taken = `${kernel} takes ${what} ${each.name} (${each.type})`
    const message = `${taken}: give ${option} ${each.name}=…${filled}`
    throw new EuphorionError('USAGE', message)
  })
}
