// A kernel in plain TypeScript or JavaScript for `euphorion kernel`: a function of the file,
// compiled as it is. Called by kernel_open.ts.
import { resolve } from 'node:path'
import { EuphorionError } from '../errors.ts'
import { compileSource } from '../kernel/compile/compile_function.ts'
import { lowerSource } from '../kernel/compile/compile_source.ts'
import { evaluateConstant } from '../kernel/compile/constants.ts'
import { Modules } from '../kernel/compile/modules.ts'
import type { ProgramParameter as CompiledParameter, Program } from '../kernel/compile/program.ts'
import { type ArrayName, arrayFacts, isArray, type ResultType } from '../kernel/compile/types.ts'
import { type ColumnType, columnConstructor, columnTypes } from '../kernel/user/column_types.ts'
import {
  type Call,
  type KernelInput,
  type KernelProgram,
  makeCall,
  type ProgramOptions,
  type ProgramParameter,
} from './kernel_program.ts'

/** Throws KERNEL_INVALID. */
export function openTypeScriptProgram(file: string, options: ProgramOptions): KernelProgram {
  const path = resolve(file)
  const modules = new Modules(evaluateConstant)
  const name = options.name ?? onlyFunction(modules, path, file)
  const types = typesOf(modules, path, name, options)
  const { program } = lowerSource(path, name, types)
  const compiled = compileSource(path, name, { parameters: types })
  checkDeclared(program, options)
  const parameters = program.parameters.map((each) => parameterOf(each, options))
  const shown = program.parameters.map(({ name: each, type, initial }) => {
    return `${each}${initial === undefined ? '' : '?'}: ${type}`
  })
  const result = resultText(program.result)
  const prepare = (input: KernelInput): Call =>
    makeCall({ parameters, result }, input, options.out, (column, index) => {
      const { type } = program.parameters[index]
      if (type === 'number[]') return Array.from(column as ArrayLike<number>)
      return type === 'Uint8ClampedArray' ? Uint8ClampedArray.from(column as Uint8Array) : column
    })
  return {
    language: 'TypeScript',
    name,
    signature: `${name}(${shown.join(', ')}): ${program.result}`,
    parameters,
    result,
    wasm: program.compile(new Map(), false).bytes,
    cached: false,
    warnings: '',
    prepare,
    async run(input) {
      const { args, resultOf } = prepare(input)
      return resultOf(await compiled.call(...(args as never[])))
    },
  }
}

/** The function that the file exports, if there is one. */
function onlyFunction(modules: Modules, path: string, shown: string): string {
  const file = modules.open(path)
  const isFunction = (name: string) => file.exported(name)?.kind === 'function'
  const names = [...new Set(['default', ...file.names])].filter(isFunction)
  const own = names.length > 1 ? names.filter((name) => name !== 'default') : names
  if (own.length === 1) return own[0]
  const message =
    own.length === 0
      ? `${shown} exports no function`
      : `${shown} exports several functions: ${own.join(', ')}; say with --function which one`
  throw new EuphorionError('KERNEL_INVALID', message)
}

/** For parameters whose type the file does not state (JavaScript): what they are given as. */
function typesOf(
  modules: Modules,
  path: string,
  name: string,
  { columns = {}, given, out }: ProgramOptions,
): ('number' | ArrayName | undefined)[] {
  const file = modules.open(path)
  const binding = file.scope.find(name) ?? file.exported(name)
  if (binding?.kind !== 'function') return []
  return binding.template.node.params.map((node) => {
    const target = node.type === 'AssignmentPattern' ? node.left : node
    if (target.type !== 'Identifier') return undefined
    const type = columns[target.name] ?? 'any'
    if (type !== 'any') return arrayName(type)
    const isColumn = given?.columns.includes(target.name) || Object.hasOwn(out, target.name)
    return isColumn ? 'Float64Array' : 'number'
  })
}

function arrayName(type: ColumnType): ArrayName {
  const { name } = columnConstructor(type)
  if (name in arrayFacts) return name as ArrayName
  throw new EuphorionError('KERNEL_INVALID', `TypeScript is compiled without ${name}`)
}

function typeOf(type: ResultType): ColumnType | 'bool' | 'void' {
  if (type === 'number' || type === 'number[]') return 'f64'
  if (type === 'boolean') return 'bool'
  if (type === 'void') return 'void'
  return columnTypes.find((each) => columnConstructor(each).name === type) ?? 'u8'
}

function resultText(type: ResultType): string {
  return isArray(type) ? `column of ${typeOf(type)}` : typeOf(type)
}

function parameterOf(
  { name, type, initial, isWritten }: CompiledParameter,
  { out }: ProgramOptions,
): ProgramParameter {
  const isOut = Object.hasOwn(out, name)
  return {
    name,
    role: isArray(type) ? (isOut ? 'out' : 'column') : 'param',
    type: typeOf(type) as ProgramParameter['type'],
    isOptional: initial !== undefined,
    isGiven: isOut || isWritten,
  }
}

/** Throws KERNEL_INVALID where the command line says something else than the file. */
function checkDeclared(
  { name, parameters, result }: Pick<Program, 'name' | 'parameters' | 'result'>,
  { columns = {}, params = {}, out, result: declared }: ProgramOptions,
): void {
  const wrong: string[] = []
  const outs = Object.fromEntries(Object.keys(out).map((each) => [each, 'any' as const]))
  for (const [list, types] of Object.entries({ columns, params, out: outs })) {
    for (const [each, type] of Object.entries(types)) {
      const found = parameters.find((parameter) => parameter.name === each)
      const isFit =
        found !== undefined &&
        isArray(found.type) === (list !== 'params') &&
        (type === 'any' || typeOf(found.type) === type)
      if (isFit) continue
      const has = found === undefined ? 'has no such parameter' : `takes ${each}: ${found.type}`
      wrong.push(
        `${list} declares ${each}${type === 'any' ? '' : `: '${type}'`}, and ${name} ${has}`,
      )
    }
  }
  const wanted = typeof declared === 'object' ? `column of ${declared.column}` : declared
  if (wanted !== undefined && wanted !== resultText(result)) {
    wrong.push(`result is declared as ${wanted}, and ${name} gives ${result}`)
  }
  if (wrong.length > 0) throw new EuphorionError('KERNEL_INVALID', wrong.join('; '))
}
