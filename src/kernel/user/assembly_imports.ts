// A kernel sees its columns and its parameters and nothing else, so that the same input gives the
// same result in every thread and on every machine. Says what a compiled module asks for beyond
// that, and where. Called by assembly_child.ts.
import type { Problem, SourcePlace } from './assembly_request.ts'
import type { ModuleImport } from './module_bytes.ts'

/** What every kernel may have: its memory, the way it fails, and lines for a person. */
const allowed = new Set(['env.memory', 'env.abort', 'env.trace'])

const PRINT = 'print with trace(text, n, …numbers)'

/** By import: how it is written, and what to do instead. */
const known: readonly (readonly [imported: RegExp, written: RegExp, advice: string])[] = [
  [
    /^env\.seed$/,
    /\bMath(f)?\s*\.\s*random\b/,
    'the same columns must give the same result: take a seed as a parameter',
  ],
  [/^env\.console\./, /\bconsole\s*\.\s*\w+/, PRINT],
  [
    /^env\.(Date|performance)\.now$/,
    /\b(Date|performance)\s*\.\s*now\b/,
    'take the time as a parameter',
  ],
  [/^env\.process\./, /\bprocess\s*\.\s*\w+/, PRINT],
  [/^env\.crypto\./, /\bcrypto\s*\.\s*\w+/, 'take random numbers as a column'],
]

/** One problem for each import that a kernel cannot have; `texts` are the user's files. */
export function forbiddenImports(
  imports: readonly ModuleImport[],
  texts: ReadonlyMap<string, string>,
): Problem[] {
  return imports
    .map(({ module, name }) => ({ name, whole: `${module}.${name}` }))
    .filter(({ whole }) => !allowed.has(whole))
    .map(({ name, whole }) => {
      const [, written, advice] = known.find(([imported]) => imported.test(whole)) ?? []
      const shown = whole.replace(/^env\./, '').replace(/^seed$/, 'Math.random')
      if (written === undefined) {
        const message = `it imports ${whole}, and a kernel has only its columns and parameters`
        return { message, place: find(texts, new RegExp(`\\b${escaped(lastPart(name))}\\b`)) }
      }
      return { message: `a kernel has no ${shown}: ${advice}`, place: find(texts, written) }
    })
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

/** The first place outside of comments. */
function find(texts: ReadonlyMap<string, string>, written: RegExp): SourcePlace | undefined {
  for (const [file, text] of texts) {
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, (comment) =>
      comment.replaceAll(/[^\n]/g, ' '),
    )
    const match = written.exec(code)
    if (match === null) continue
    const before = code.slice(0, match.index).split('\n')
    const column = before[before.length - 1].length + 1
    const line = before.length
    return { file, line, column, length: match[0].length, text: text.split('\n')[line - 1] }
  }
  return undefined
}
