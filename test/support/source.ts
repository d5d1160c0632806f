// Reads TypeScript sources well enough for the house rules: code without comments and texts, bodies
// of functions, imports and exports. Used by tidy.test.ts.
import { dirname, join } from 'node:path'

const REGEX_MAY_FOLLOW = /(^|[([{,;=:!&|?+\-*%<>~^]|\b(return|typeof|case|in|of|await|yield))\s*$/

/** The source with comments, and what is in strings, templates and regular expressions, blanked. */
export function blank(source: string): string {
  const out = [...source]
  /** Depth of braces at which a template goes on. */
  const templates: number[] = []
  let depth = 0
  let at = 0
  const hide = (end: number): void => {
    for (; at < end; at++) if (out[at] !== '\n') out[at] = ' '
  }
  const text = source.split('')
  while (at < text.length) {
    const here = source.startsWith.bind(source)
    const char = text[at]
    if (here('//', at)) hide(endOf(source, '\n', at))
    else if (here('/*', at)) hide(endOf(source, '*/', at + 2) + 2)
    else if (char === "'" || char === '"') {
      at++
      hide(endOfQuoted(source, char, at))
      at++
    } else if (char === '`' || (char === '}' && templates.at(-1) === depth)) {
      if (char === '}') templates.pop()
      at++
      const end = endOfTemplate(source, at)
      hide(end)
      if (source[end] === '`') at++
      else {
        templates.push(depth)
        at += 2
      }
    } else if (char === '/' && REGEX_MAY_FOLLOW.test(lastLine(out, at))) {
      at++
      hide(endOfRegex(source, at))
      at++
    } else {
      if (char === '{') depth++
      if (char === '}') depth--
      at++
    }
  }
  return out.join('')
}

function lastLine(out: readonly string[], at: number): string {
  return out
    .slice(Math.max(0, at - 40), at)
    .join('')
    .trimEnd()
}

function endOf(source: string, mark: string, from: number): number {
  const end = source.indexOf(mark, from)
  return end < 0 ? source.length : end
}

function endOfQuoted(source: string, quote: string, from: number): number {
  for (let at = from; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (source[at] === quote) return at
  }
  return source.length
}

/** Of the closing backtick, or of the `${`. */
function endOfTemplate(source: string, from: number): number {
  for (let at = from; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (source[at] === '`' || source.startsWith('${', at)) return at
  }
  return source.length
}

function endOfRegex(source: string, from: number): number {
  let inClass = false
  for (let at = from; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (source[at] === '[') inClass = true
    else if (source[at] === ']') inClass = false
    else if (source[at] === '/' && !inClass) return at
  }
  return source.length
}

export interface FunctionBody {
  /** From 1: the line of the opening brace. */
  readonly line: number
  readonly lines: number
}

/** Bodies of functions, methods and arrow functions; `code` is blanked. */
export function functionBodies(code: string): FunctionBody[] {
  const bodies: FunctionBody[] = []
  const open: { line: number; isFunction: boolean }[] = []
  let line = 1
  for (let at = 0; at < code.length; at++) {
    if (code[at] === '\n') line++
    else if (code[at] === '{') open.push({ line, isFunction: beginsFunction(code, at) })
    else if (code[at] === '}') {
      const begun = open.pop()
      if (begun?.isFunction) bodies.push({ line: begun.line, lines: line - begun.line + 1 })
    }
  }
  return bodies
}

function beginsFunction(code: string, brace: number): boolean {
  const before = code.slice(Math.max(0, brace - 4000), brace).trimEnd()
  if (before.endsWith('=>')) return true
  const statement = before.slice(before.lastIndexOf('\n\n') + 1)
  const header = /[^;{}]*$/.exec(statement)?.[0] ?? ''
  const hasType =
    /\)\s*:\s*(?:[^()=]|=>)+(\([^()]*\)(?:[^()=]|=>)*)*$/.test(header) && !/^\s*case\b/.test(header)
  if (!before.endsWith(')')) return hasType
  let depth = 0
  let at = before.length - 1
  for (; at >= 0; at--) {
    if (before[at] === ')') depth++
    if (before[at] === '(' && --depth === 0) break
  }
  return !/\b(if|for|for await|while|switch|catch|with)\s*$/.test(before.slice(0, at))
}

export interface Import {
  /** Path from the root of the repository. */
  readonly from: string
  /** What is taken; undefined for all of it. */
  readonly names: readonly string[] | undefined
}

const STATIC = /\b(?:import|export)\s+(?:type\s+)?([^'"`;]*?)\s*from\s*['"](\.[^'"]+)['"]/g
const BARE = /\bimport\s*['"](\.[^'"]+)['"]/g
const DYNAMIC = /\b(?:import|URL)\(\s*['"](\.[^'"]+)['"]/g

/** What the file at `path` takes from other files of the repository. */
export function importsOf(path: string, source: string): Import[] {
  const target = (specifier: string): string =>
    join(dirname(path), specifier).replace(/\.js$/, '.ts').replaceAll('\\', '/')
  const found: Import[] = []
  for (const [, clause, specifier] of source.matchAll(STATIC)) {
    const braces = /\{([^}]*)\}/.exec(clause)
    const names = braces?.[1].split(',').map((name) => name.trim().replace(/^type /, ''))
    const own = names?.filter((name) => name !== '').map((name) => name.split(/\s+as\s+/)[0])
    found.push({ from: target(specifier), names: own })
  }
  for (const [, specifier] of [...source.matchAll(BARE), ...source.matchAll(DYNAMIC)]) {
    found.push({ from: target(specifier), names: undefined })
  }
  return found
}

export interface Export {
  readonly name: string
  readonly isType: boolean
}

const EXPORT =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(const|let|function\*?|class|interface|type)\s+([\w$]+)/gm

/** What the file declares and exports; `code` is blanked. */
export function exportsOf(code: string): Export[] {
  return [...code.matchAll(EXPORT)].map(([, kind, name]) => ({
    name,
    isType: kind === 'interface' || kind === 'type',
  }))
}
