// A kernel in AssemblyScript for `euphorion kernel`. Called by kernel_open.ts.
import { dirname } from 'node:path'
import { EuphorionError } from '../errors.ts'
import { kernelSettings } from '../kernel/offload/options.ts'
import { openAssembly } from '../kernel/user/assembly_file.ts'
import { describeProblems } from '../kernel/user/assembly_problems.ts'
import type { KernelParameter, ResultType } from '../kernel/user/assembly_request.ts'
import type { Params } from '../kernel/user/check_columns.ts'
import type { ColumnTypes } from '../kernel/user/column_types.ts'
import { AssemblyKernel } from '../kernel/user/load.ts'
import type { OutTypes } from '../kernel/user/load_options.ts'
import { type KernelProgram, makeCall, type ProgramOptions } from './kernel_program.ts'

/** Rejects with KERNEL_INVALID. */
export async function openAssemblyProgram(
  path: string,
  { name, columns = {}, params = {}, out, result, collectGarbage }: ProgramOptions,
): Promise<KernelProgram> {
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
  const parameters = layout.parameters.map((each) => {
    return { ...each, isOptional: false, isGiven: each.role === 'out' }
  })
  const returned = resultText(layout.result)
  return {
    language: 'AssemblyScript',
    name: layout.name,
    signature: layout.signature,
    parameters,
    result: returned,
    wasm,
    cached: file.cached,
    warnings: describeProblems(warnings, dirname(file.path)),
    run: (input) => kernel.run(input.columns, { params: input.params as Params }),
    prepare: (input) => makeCall({ parameters, result: returned }, input, out),
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
  const hasColumns = parameters.some(({ role }) => role === 'column')
  const types = Object.entries(typesOf(parameters, 'out')).map(([name, column]) => {
    const length = lengths[name]
    if (length === undefined && !hasColumns) {
      throw new EuphorionError('USAGE', `how long is ${name}? --out ${name}:LENGTH`)
    }
    return [name, length === undefined ? column : { column, length }]
  })
  return Object.fromEntries(types)
}

function resultText(result: ResultType): string {
  return typeof result === 'object' ? `column of ${result.column}` : result
}
