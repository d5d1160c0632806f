// A kernel's file as `euphorion kernel` works with it: compiled, with what its function takes,
// ready to be run; whatever its language is.
import { dirname } from 'node:path'
import { EuphorionError } from '../errors.ts'
import { kernelSettings } from '../kernel/offload/options.ts'
import { openAssembly } from '../kernel/user/assembly_file.ts'
import { describeProblems } from '../kernel/user/assembly_problems.ts'
import type { DeclaredTypes, KernelParameter, ResultType } from '../kernel/user/assembly_request.ts'
import type { Columns, Params } from '../kernel/user/check_columns.ts'
import type { ColumnTypes } from '../kernel/user/column_types.ts'
import { AssemblyKernel } from '../kernel/user/load.ts'
import type { OutTypes } from '../kernel/user/load_options.ts'

export const languages = ['auto', 'assemblyscript'] as const

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
}

export interface KernelProgram {
  readonly language: 'AssemblyScript' | 'TypeScript'
  readonly name: string
  readonly signature: string
  readonly parameters: readonly KernelParameter[]
  /** Lengths of filled columns that were given. */
  readonly outLengths: Readonly<Record<string, number | undefined>>
  readonly result: string
  readonly wasm: Uint8Array
  readonly cached: boolean
  /** For people; empty if there is nothing to warn of. */
  readonly warnings: string
  run(columns: Columns, params: Params): Promise<unknown>
}

/** Rejects with KERNEL_INVALID. */
export async function openProgram(path: string, options: ProgramOptions): Promise<KernelProgram> {
  const { name, columns = {}, params = {}, out, result, collectGarbage } = options
  const outs = Object.fromEntries(Object.keys(out).map((each) => [each, 'any' as const]))
  const declared = { name, columns, params, out: outs, inferRest: true, result, collectGarbage }
  const file = await openAssembly(path, declared, kernelSettings().cacheDir)
  const { layout, wasm, warnings } = file.compiled
  const kernel = new AssemblyKernel(file, {
    columns: typesOf(layout.parameters, 'column'),
    params: typesOf(layout.parameters, 'param'),
    out: outTypes(layout.parameters, out),
    result,
    name,
    lengths: 'any',
    collectGarbage,
  })
  return {
    language: 'AssemblyScript',
    name: layout.name,
    signature: layout.signature,
    parameters: layout.parameters,
    outLengths: out,
    result: resultText(layout.result),
    wasm,
    cached: file.cached,
    warnings: describeProblems(warnings, dirname(file.path)),
    run: (columns, params) => kernel.run(columns, { params }),
  }
}

function typesOf(
  parameters: readonly KernelParameter[],
  wanted: KernelParameter['role'],
): ColumnTypes {
  const found = parameters.filter(({ role }) => role === wanted)
  return Object.fromEntries(found.map(({ name, type }) => [name, type]))
}

function outTypes(
  parameters: readonly KernelParameter[],
  lengths: ProgramOptions['out'],
): OutTypes {
  const types = Object.entries(typesOf(parameters, 'out')).map(([name, column]) => {
    const length = lengths[name]
    return [name, length === undefined ? column : { column, length }]
  })
  return Object.fromEntries(types)
}

/** `z` or `z:64`, by name. Throws USAGE. */
export function outLengths(given: readonly string[] = []): ProgramOptions['out'] {
  const lengths = given.map((each) => {
    const [, name, length] = /^([A-Za-z_$][\w$]*)(?::(\d+))?$/.exec(each) ?? []
    if (name !== undefined) return [name, length === undefined ? undefined : Number(length)]
    throw new EuphorionError('USAGE', `--out takes name or name:length, not '${each}'`)
  })
  return Object.fromEntries(lengths)
}

/** 'f64', 'column of f64'. */
function resultText(result: ResultType): string {
  return typeof result === 'object' ? `column of ${result.column}` : result
}
