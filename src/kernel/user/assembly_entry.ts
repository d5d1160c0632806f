// Holds a kernel's function against what the program declares of it, and writes the entry through
// which the module is called. The entry's types are the declared ones, so AssemblyScript itself
// decides whether they fit; its line says what does not. Called by assembly_child.ts.
import type { Range } from 'assemblyscript'
import { type RangedProblem, Refusal } from './assembly_refusal.ts'
import {
  type DeclaredFunction,
  type DeclaredTypes,
  entryExports,
  type KernelLayout,
  type KernelParameter,
  type ResultType,
} from './assembly_request.ts'
import type { WrittenFunction, WrittenParameter } from './assembly_signature.ts'
import { type ColumnType, columnTypes } from './column_types.ts'

/** What a line of the entry is about, should it not compile. */
interface EntryLine {
  /** Both sides, as a sentence. */
  readonly message: string
  readonly range: Range
}

export interface KernelEntry {
  readonly text: string
  readonly layout: Omit<KernelLayout, 'initialPages'>
  /** By line, from 1. */
  readonly lines: ReadonlyMap<number, EntryLine>
}

/** AssemblyScript has the typed arrays of JavaScript, but for two names. */
const arrayNames: Readonly<Record<ColumnType, string>> = {
  f64: 'Float64Array',
  f32: 'Float32Array',
  i32: 'Int32Array',
  u32: 'Uint32Array',
  i16: 'Int16Array',
  u16: 'Uint16Array',
  i8: 'Int8Array',
  u8: 'Uint8Array',
  i64: 'Int64Array',
  u64: 'Uint64Array',
}

const numberNames: Readonly<Record<string, ColumnType>> = {
  ...Object.fromEntries(columnTypes.map((type) => [type, type])),
  number: 'f64',
  isize: 'i32',
  usize: 'u32',
}

function arrayType(written: string): ColumnType | undefined {
  return columnTypes.find((type) => arrayNames[type] === written)
}

type Matched = KernelParameter & Pick<WrittenParameter, 'range'> & { readonly written: string }

/** Throws a Refusal that names everything that does not fit. */
export function makeEntry(
  written: WrittenFunction,
  declared: DeclaredFunction,
  /** Path to import the function from. */
  from: string,
): KernelEntry {
  const problems: RangedProblem[] = []
  const parameters: Matched[] = []
  let skipped: WrittenParameter | undefined
  for (const each of written.parameters) {
    const matched = match(each, declared)
    if (typeof matched === 'string') problems.push({ message: matched, range: each.range })
    else if (matched === undefined) skipped ??= each
    else if (skipped === undefined) parameters.push(matched)
    else {
      const message = `${skipped.name} is not declared and stands before ${each.name}, which is`
      problems.push({ message, range: skipped.range })
    }
  }
  problems.push(...missing(written, declared))
  const result = resultOf(written, declared)
  if (typeof result === 'string') problems.push({ message: result, range: written.resultRange })
  if (problems.length > 0 || typeof result === 'string') throw new Refusal(problems)
  const layout = {
    name: written.name,
    signature: written.text,
    parameters: parameters.map(({ name, role, type }) => ({ name, role, type })),
    result: result.type,
  }
  return { ...write(written, parameters, result.type, from), layout }
}

/** The parameter as it is called; undefined: left out; a text: what is wrong. */
function match(each: WrittenParameter, declared: DeclaredFunction): Matched | string | undefined {
  const { name, type: written, range } = each
  const array = arrayType(written)
  const number = numberNames[written]
  const found = roleOf(name, declared)
  if (found !== undefined) {
    const type = found.type === 'any' ? (found.role === 'param' ? number : array) : found.type
    if (type !== undefined) return { name, role: found.role, type, range, written }
    const wanted = found.role === 'param' ? 'a number' : 'a typed array'
    return `${name} is ${written}, and not ${wanted} that a kernel can be given`
  }
  if (array !== undefined && declared.inferRest) {
    return { name, role: 'column', type: array, range, written }
  }
  if (each.optional) return undefined
  if (number !== undefined && declared.inferRest) {
    return { name, role: 'param', type: number, range, written }
  }
  const where = array === undefined ? 'params' : 'columns'
  return `the function takes ${name}: ${written}, which is not declared in ${where}`
}

type Role = KernelParameter['role']

function roleOf(
  name: string,
  { columns, params, out }: DeclaredFunction,
): { readonly role: Role; readonly type: ColumnType | 'any' } | undefined {
  const lists: readonly (readonly [Role, DeclaredTypes])[] = [
    ['column', columns],
    ['param', params],
    ['out', out],
  ]
  for (const [role, types] of lists) {
    if (Object.hasOwn(types, name)) return { role, type: types[name] }
  }
  return undefined
}

/** What is declared and not taken. */
function missing(
  { name, text, nameRange, parameters }: WrittenFunction,
  { columns, params, out }: DeclaredFunction,
): RangedProblem[] {
  const taken = new Set(parameters.map((each) => each.name))
  const lists = Object.entries({ columns, params, out })
  return lists.flatMap(([list, types]) =>
    Object.entries(types)
      .filter(([each]) => !taken.has(each))
      .map(([each, type]) => {
        const typed = type === 'any' ? each : `${each}: '${type}'`
        const message = `${list} declares ${typed}, and ${name} has no such parameter: ${text}`
        return { message, range: nameRange }
      }),
  )
}

/** A text: what is wrong. In an object, since a type is a text too. */
function resultOf(
  { result }: WrittenFunction,
  declared: DeclaredFunction,
): { readonly type: ResultType } | string {
  if (declared.result !== undefined) return { type: declared.result }
  // what out columns hold is the result
  if (Object.keys(declared.out).length > 0 || result === 'void' || result === '') {
    return { type: 'void' }
  }
  if (result === 'bool' || result === 'boolean') return { type: 'bool' }
  const column = arrayType(result)
  if (column !== undefined) return { type: { column } }
  const type = numberNames[result]
  if (type !== undefined) return { type }
  return `it gives ${result}, and a kernel's result is a number, bool, a typed array or nothing; if it is one of these by another name, declare result`
}

function write(
  written: WrittenFunction,
  parameters: readonly Matched[],
  result: ResultType,
  from: string,
): Pick<KernelEntry, 'text' | 'lines'> {
  const column = typeof result === 'object' ? arrayNames[result.column] : undefined
  const type = typeof result === 'object' || result === 'void' ? 'void' : result
  const before = column !== undefined ? 'result = ' : result === 'void' ? '' : 'return '
  const imported =
    written.exportedAs === 'default' ? 'kernel' : `{ ${written.exportedAs} as kernel }`
  const head = [
    `import ${imported} from ${JSON.stringify(from)}`,
    ...(column === undefined ? [] : [`let result!: ${column}`]),
    `export function ${entryExports.allocate}(bytes: i32): usize {`,
    '  return __pin(__new(<usize>bytes, idof<ArrayBuffer>()))',
    '}',
    `export function ${entryExports.run}(`,
    ...parameters.map(({ role, type }, index) =>
      role === 'param' ? `  a${index}: ${type},` : `  a${index}: usize, n${index}: i32,`,
    ),
    `): ${type} {`,
  ]
  const call = parameters.map(({ role, type }, index) =>
    role === 'param'
      ? `    a${index},`
      : `    ${arrayNames[type]}.wrap(changetype<ArrayBuffer>(a${index}), 0, n${index}),`,
  )
  const tail =
    column === undefined
      ? []
      : [
          `export function ${entryExports.resultAddress}(): usize { return result.dataStart }`,
          `export function ${entryExports.resultLength}(): i32 { return result.length }`,
        ]
  const lines = new Map<number, EntryLine>()
  const callLine = head.length + 1
  lines.set(callLine, { message: resultSides(written, result), range: written.resultRange })
  for (const [index, each] of parameters.entries()) {
    lines.set(callLine + 1 + index, { message: parameterSides(each), range: each.range })
  }
  const text = [...head, `  ${before}kernel(`, ...call, '  )', '}', ...tail, ''].join('\n')
  return { text, lines }
}

function parameterSides({ name, role, type, written }: Matched): string {
  const list = role === 'column' ? 'columns' : role === 'param' ? 'params' : 'out'
  const array = role === 'param' ? '' : ` (${arrayNames[type]})`
  return `${list} declares ${name}: '${type}'${array}, and the function takes ${name}: ${written}`
}

function resultSides({ result: written }: WrittenFunction, result: ResultType): string {
  const declared =
    typeof result === 'object'
      ? `{ column: '${result.column}' } (${arrayNames[result.column]})`
      : `'${result}'`
  return `result is declared as ${declared}, and the function gives ${written || 'void'}`
}
