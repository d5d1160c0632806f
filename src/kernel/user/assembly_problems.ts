// Writes what is wrong with a kernel as a person reads it: file, line and column, the message, the
// line itself and what of it is meant. Called where a kernel is loaded and by `euphorion kernel`.
import { isAbsolute, join, relative } from 'node:path'
import type { Problem, SourcePlace } from './assembly_request.ts'

/** Listed in full; of more there is the number. */
const LISTED_MAX = 100

/**
 * ```
 *   ewma.kernel.ts:3:18: Conversion from type 'f64' to 'i32' requires an explicit cast.
 *     3 │   const n: i32 = values[0]
 *       │                  ~~~~~~~~~
 * ```
 * `folder` is the kernel's. Each begins with a line break.
 */
export function describeProblems(problems: readonly Problem[], folder: string): string {
  const listed = problems.slice(0, LISTED_MAX).map((each) => describe(each, folder))
  const rest = problems.length - listed.length
  return [...listed, ...(rest > 0 ? [`\n  and ${rest} more`] : [])].join('')
}

function describe({ message, place, related }: Problem, folder: string): string {
  const lines = [`\n  ${place === undefined ? '' : `${placeText(place, folder)}: `}${message}`]
  if (place !== undefined) lines.push(...context(place))
  if (related !== undefined) lines.push(`  see ${placeText(related, folder)}`, ...context(related))
  return lines.join('\n')
}

function context({ line, column, length, text }: SourcePlace): string[] {
  const number = String(line)
  // tabs stay tabs, so that the marks stand below what they mean
  const indent = text.slice(0, column - 1).replaceAll(/[^\t]/g, ' ')
  return [
    `    ${number} │ ${text}`,
    `    ${' '.repeat(number.length)} │ ${indent}${length === 1 ? '^' : '~'.repeat(length)}`,
  ]
}

/** 'ewma.kernel.ts:3:18', as a person in the working directory would name the file. */
export function placeText(
  { file, line, column }: Pick<SourcePlace, 'file' | 'line' | 'column'>,
  folder: string,
): string {
  return `${shownPath(file, folder)}:${line}:${column}`
}

function shownPath(file: string, folder: string): string {
  return file.startsWith('~lib/') ? file : pathText(join(folder, file))
}

/** Relative to the working directory if it is in there. */
export function pathText(path: string): string {
  const near = relative(process.cwd(), path)
  return near === '' || near.startsWith('..') || isAbsolute(near) ? path : near
}
