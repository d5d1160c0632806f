// TypeScript sources as trees: reads and parses a file, says where a node is, and refuses what the
// compiler cannot take. Used by every other file here.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { relative } from 'node:path'
import { EuphorionError } from '../../errors.ts'

type Parser = typeof import('@babel/parser')

export type ProgramNode = ReturnType<Parser['parse']>['program']
export type StatementNode = ProgramNode['body'][number]
export type ExpressionNode = Extract<StatementNode, { type: 'ExpressionStatement' }>['expression']
export type Node = StatementNode | ExpressionNode
export type NodeOf<T extends Node['type']> = Extract<Node, { type: T }>
export type FunctionNode =
  | NodeOf<'FunctionDeclaration'>
  | NodeOf<'FunctionExpression'>
  | NodeOf<'ArrowFunctionExpression'>
export type ParameterNode = FunctionNode['params'][number]

/** What every node of the tree has. */
export interface AnyNode {
  readonly type: string
  readonly start?: number | null
  readonly end?: number | null
}

export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly program: ProgramNode
}

/** Where something stands in the user's source. */
export interface Place {
  readonly file: Pick<SourceFile, 'path' | 'text'>
  readonly start: number
  readonly end: number
}

/** 149 kB of parser, loaded when the first function is compiled. */
let parser: Parser | undefined

export function parseSource(path: string, text: string): SourceFile {
  parser ??= createRequire(import.meta.url)('@babel/parser') as Parser
  const typed = /\.[mc]?ts$/.test(path)
  try {
    const { program } = parser.parse(text, {
      sourceType: 'module',
      plugins: typed ? ['typescript'] : [],
      attachComment: false,
    })
    return { path, text, program }
  } catch (error) {
    const { pos, message } = error as { pos?: number; message: string }
    const start = pos ?? 0
    const what = message.replace(/\s*\(\d+:\d+\)$/, '').replace(/\.$/, '')
    refuse(
      { file: { path, text }, start, end: start + 1 },
      `this is not ${language(typed)}: ${what}`,
    )
  }
}

function language(typed: boolean): string {
  return typed ? 'TypeScript' : 'JavaScript'
}

export function readSource(path: string): SourceFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new EuphorionError('KERNEL_INVALID', `${shown(path)} cannot be read`, {
      cause,
      place: { path },
    })
  }
  return parseSource(path, text)
}

export function placeOf(file: Place['file'], node: AnyNode): Place {
  return { file, start: node.start ?? 0, end: node.end ?? 0 }
}

/** Ends the compilation: what is wrong, file and line, the source line with a mark under it. */
export function refuse(place: Place, message: string): never {
  const { file, start } = place
  const line = file.text.slice(0, start).split('\n').length
  const first = file.text.lastIndexOf('\n', start - 1) + 1
  const source = file.text.slice(first).split('\n', 1)[0].trimEnd()
  const column = start - first
  const width = Math.max(1, Math.min(place.end - start, source.length - column))
  const number = String(line)
  const indent = source.slice(0, column).replace(/\S/g, ' ')
  throw new EuphorionError(
    'KERNEL_INVALID',
    `${shown(file.path)}:${line}: ${message}\n` +
      `  ${number} | ${source}\n` +
      `  ${' '.repeat(number.length)} | ${indent}${'^'.repeat(width)}`,
    { place: { path: `${file.path}:${line}:${column + 1}` } },
  )
}

/** A path as a person at the terminal would write it. */
export function shown(path: string): string {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? path : near
}
