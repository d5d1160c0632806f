// What the command line says of a kernel's columns and parameters: types, numbers, files of
// numbers, random numbers. Called by `euphorion kernel`.
import { readFileSync } from 'node:fs'
import { type Random, seededRandom } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import {
  type ColumnArray,
  type ColumnType,
  columnBytes,
  columnConstructor,
  columnTypes,
} from '../kernel/user/column_types.ts'

/** `name=value`, as it was given. */
export interface NamedText {
  readonly name: string
  readonly text: string
}

/** More make no sense in a command, and less than this fits any memory. */
const VALUES_MAX = 100_000_000
const BIG = 64

function usage(message: string): EuphorionError {
  return new EuphorionError('USAGE', message)
}

/** Throws USAGE unless each is `name=value` and no name is there twice. */
export function namedTexts(option: string, given: readonly string[] = []): NamedText[] {
  const named = given.map((each): NamedText => {
    const [, name, text] = /^([\p{ID_Start}_$][\p{ID_Continue}$]*)=(.+)$/su.exec(each) ?? []
    if (name === undefined) throw usage(`${option} takes name=value, not '${each}'`)
    return { name, text }
  })
  const names = named.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw usage(`${option} has ${twice} twice`)
  return named
}

/** `values=f64,weights=f32`, in one or in several; undefined if none was given. */
export function namedTypes(
  option: string,
  given: readonly string[] | undefined,
): Record<string, ColumnType> | undefined {
  if (given === undefined) return undefined
  const named = namedTexts(
    option,
    given.flatMap((each) => each.split(',')),
  )
  return Object.fromEntries(named.map(({ name, text }) => [name, typeOf(option, text)]))
}

export function typeOf(option: string, text: string): ColumnType {
  const type = columnTypes.find((each) => each === text)
  if (type !== undefined) return type
  throw usage(`${option}: there is no type ${text}, there are ${columnTypes.join(', ')}`)
}

/**
 * The column: `1,2,3`, `@file.csv`, `@file.csv#field` or `random:1000`. Random floats are in
 * [0, 1), random integers any of their type.
 */
export function columnOf({ name, text }: NamedText, type: ColumnType, seed: number): ColumnArray {
  const random = /^random:(\d[\d_]*)$/.exec(text)
  if (random !== null) return randomColumn(name, type, random[1], seededRandom(seed))
  if (!text.startsWith('@')) return columnFrom(name, type, text.split(','), 'the command line')
  const [, path, field] = /^@(.*?)(?:#([^#]*))?$/s.exec(text) ?? []
  return columnFrom(name, type, fieldOf(path, field, name), path)
}

function randomColumn(name: string, type: ColumnType, text: string, random: Random): ColumnArray {
  const length = Number(text.replaceAll('_', ''))
  if (length > VALUES_MAX) throw usage(`${name}: at most ${VALUES_MAX} random values`)
  const isFloat = type.startsWith('f')
  const bits = columnBytes(type) * 8
  const half = () => BigInt(Math.floor(random() * 2 ** 32))
  const value = () => {
    if (isFloat) return random()
    return bits === BIG ? (half() << 32n) | half() : Math.floor(random() * 2 ** bits)
  }
  const column = new (columnConstructor(type))(length)
  for (let index = 0; index < length; index++) column[index] = value() as never
  return column
}

function columnFrom(
  name: string,
  type: ColumnType,
  texts: readonly string[],
  where: string,
): ColumnArray {
  const column = new (columnConstructor(type))(texts.length)
  for (const [index, text] of texts.entries()) {
    const value = parseValue(type, text)
    if (value === undefined) {
      throw usage(`column ${name} is ${type}: value ${index + 1} of ${where} is '${text.trim()}'`)
    }
    column[index] = value as never
  }
  return column
}

/** Undefined: the type has no such value. */
export function parseValue(type: ColumnType, given: string): number | bigint | undefined {
  const text = given.trim()
  if (type.startsWith('f')) {
    const value = text === '' ? Number.NaN : Number(text)
    return Number.isNaN(value) && text !== 'NaN' ? undefined : value
  }
  const column = new (columnConstructor(type))(1)
  const isBig = columnBytes(type) * 8 === BIG
  if (!/^[-+]?\d+$/.test(text)) return undefined
  const value = isBig ? BigInt(text.replace(/^\+/, '')) : Number(text)
  column[0] = value as never
  return column[0] === value ? value : undefined
}

/** One field of a CSV file's records: the named one, or the only one. */
function fieldOf(path: string, field: string | undefined, column: string): string[] {
  const records = readText(path)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1')))
  const [head = []] = records
  const hasHead = head.some(
    (cell) => Number.isNaN(Number(cell)) && !/^[-+]?(NaN|Infinity)$/.test(cell),
  )
  const wanted = field ?? column
  const named = hasHead ? head.indexOf(wanted) : -1
  const isOnly = named < 0 && field === undefined && head.length === 1
  if (named < 0 && !isOnly) {
    const has = hasHead ? `has ${head.join(', ')}` : 'has no line of names'
    throw usage(`${path} has no field ${wanted}: it ${has}`)
  }
  return records.slice(hasHead ? 1 : 0).map((record) => record[isOnly ? 0 : named] ?? '')
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const message = `cannot read ${path}`
    throw new EuphorionError('USAGE', message, { cause })
  }
}
