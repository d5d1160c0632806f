// What `euphorion kernel` knows of a kernel, whatever its language is: what its function takes and
// gives, and how to run it. Made by kernel_assembly.ts and kernel_typescript.ts.
import { EuphorionError } from '../errors.ts'
import type { DeclaredTypes, ResultType } from '../kernel/user/assembly_request.ts'
import type { Columns } from '../kernel/user/check_columns.ts'
import {
  type ColumnArray,
  type ColumnType,
  columnConstructor,
} from '../kernel/user/column_types.ts'

export const languages = ['auto', 'assemblyscript', 'typescript'] as const

export type KernelLanguage = (typeof languages)[number]

/** What the command line says of the function; what it leaves out is as the function has it. */
export interface ProgramOptions {
  readonly language: KernelLanguage
  readonly name?: string
  readonly columns?: DeclaredTypes
  readonly params?: DeclaredTypes
  /** With the lengths; undefined: that of the first column. */
  readonly out: Readonly<Record<string, number | undefined>>
  readonly result?: ResultType
  readonly collectGarbage: boolean
  /** The names that something is given for. */
  readonly given?: { readonly columns: readonly string[]; readonly params: readonly string[] }
}

export interface ProgramParameter {
  readonly name: string
  readonly role: 'column' | 'param' | 'out'
  readonly type: ColumnType | 'bool'
  /** It can be left out. */
  readonly isOptional: boolean
  /** A column that the caller gets back, with what the function made of it. */
  readonly isGiven: boolean
}

export type Param = number | bigint | boolean

export interface KernelInput {
  readonly columns: Columns
  /** Without those that are left out. */
  readonly params: Readonly<Record<string, Param>>
}

export interface KernelProgram {
  readonly language: 'AssemblyScript' | 'TypeScript'
  readonly name: string
  readonly signature: string
  /** In the order of the function. */
  readonly parameters: readonly ProgramParameter[]
  /** 'f64', 'column of f64', 'void'. */
  readonly result: string
  readonly wasm: Uint8Array
  readonly cached: boolean
  /** For people; empty if there is nothing to warn of. */
  readonly warnings: string
  /** What it returns, or an object of the columns that it gives. */
  run(input: KernelInput): Promise<unknown>
  /** The same for its JavaScript. */
  prepare(input: KernelInput): Call
}

/** `z` or `z:64`, by name. Throws USAGE. */
export function outLengths(given: readonly string[] = []): ProgramOptions['out'] {
  const lengths = given.map((each) => {
    const [, name, length] = /^([\p{ID_Start}_$][\p{ID_Continue}$]*)(?::(\d+))?$/u.exec(each) ?? []
    if (name !== undefined) return [name, length === undefined ? undefined : Number(length)]
    throw new EuphorionError('USAGE', `--out takes name or name:length, not '${each}'`)
  })
  return Object.fromEntries(lengths)
}

/** Arguments for a function of JavaScript, and what they are afterwards. */
export interface Call {
  readonly args: readonly unknown[]
  /** What the program's run() would give, from what the function returned. */
  resultOf(returned: unknown): unknown
}

/** With copies of the columns. `toArray` makes of one what the function takes. */
export function makeCall(
  { parameters, result }: Pick<KernelProgram, 'parameters' | 'result'>,
  { columns, params }: KernelInput,
  out: ProgramOptions['out'],
  toArray: (column: ColumnArray, index: number) => ArrayLike<unknown> = (column) => column,
): Call {
  const given: Record<string, unknown> = {}
  const args = parameters.map(({ name, role, type, isGiven }, index) => {
    if (role === 'param') return params[name]
    const column = role === 'column' ? columns[name].slice() : zeros(type, out[name], columns)
    const array = toArray(column, index)
    if (isGiven) given[name] = array
    return array
  })
  const resultOf = (returned: unknown): unknown => {
    if (Object.keys(given).length === 0) return returned
    return result === 'void' ? given : { ...given, result: returned }
  }
  return { args, resultOf }
}

function zeros(
  type: ProgramParameter['type'],
  length: number | undefined,
  columns: Columns,
): ColumnArray {
  const values = length ?? Object.values(columns)[0]?.length ?? 0
  return new (columnConstructor(type as ColumnType))(values)
}
