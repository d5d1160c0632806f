// The process that compiles AssemblyScript. The compiler takes half a second to load and 150 MB to
// run, so it lives here and goes with the process. Started by assembly_compiler.ts; one request at
// a time.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Parser, Range } from 'assemblyscript'
import * as asc from 'assemblyscript/asc'
import { systemClock } from '../../clock.ts'
import { type KernelEntry, makeEntry } from './assembly_entry.ts'
import { forbiddenImports } from './assembly_imports.ts'
import { assemblyOptions } from './assembly_options.ts'
import { type RangedProblem, Refusal } from './assembly_refusal.ts'
import type {
  AssemblyAnswer,
  AssemblyRequest,
  CompiledAssembly,
  Dependency,
  Problem,
  SourcePlace,
} from './assembly_request.ts'
import { findFunction } from './assembly_signature.ts'
import { moduleImports } from './module_bytes.ts'

/** A compiler that is asked nothing for so long goes. */
const IDLE_MS = 1000
/** Read first; what it imports is parsed, and then the entry can be written. */
const START = 'euphorion-start.ts'
const ENTRY = 'euphorion-entry.ts'
const WASM = 'kernel.wasm'

/** asc's kinds of diagnostics: pedantic 0, info 1, warning 2, error 3. */
const ERROR = 3
const WARNING = 2

interface Position {
  readonly start: number
  readonly end: number
  readonly file: string
}

class Compilation {
  readonly #request: AssemblyRequest
  readonly #folder: string
  readonly #name: string
  /** By the names that asc knows them by. */
  readonly #texts = new Map<string, string>()
  readonly #dependencies = new Map<string, string | null>()
  readonly #problems: Problem[] = []
  readonly #warnings: Problem[] = []
  readonly #written = new Map<string, Uint8Array | string>()
  #entry: KernelEntry | undefined

  constructor(request: AssemblyRequest) {
    this.#request = request
    this.#folder = dirname(request.path)
    this.#name = basename(request.path)
  }

  async run(): Promise<AssemblyAnswer> {
    const { collectGarbage } = this.#request.declared
    const output: string[] = []
    const stream = { write: (text: string) => output.push(String(text)) }
    const { error } = await asc.main(
      [START, '--baseDir', this.#folder, '--outFile', WASM, ...assemblyOptions(collectGarbage)],
      {
        stdout: stream,
        stderr: stream,
        readFile: (name, folder) => this.#read(name, folder),
        writeFile: (name, contents) => void this.#written.set(name, contents),
        listFiles: () => [],
        reportDiagnostic: (each) => this.#report(each as unknown as Diagnostic),
        transforms: [{ afterParse: (parser: Parser) => this.#parsed(parser) }] as never,
      },
    )
    if (this.#problems.length > 0) return { problems: this.#problems }
    if (error !== null) return { problems: [{ message: output.join('') || error.message }] }
    return this.#finish()
  }

  #finish(): AssemblyAnswer {
    const wasm = this.#written.get(WASM) as Uint8Array
    const imports = moduleImports(wasm)
    const problems = forbiddenImports(imports, this.#texts)
    if (problems.length > 0) return { problems }
    const memory = imports.find(({ kind }) => kind === 'memory')
    const compiled: CompiledAssembly = {
      layout: { ...this.#entry!.layout, initialPages: memory?.minimum ?? 1 },
      wasm: Uint8Array.from(wasm),
      sourceMap: withoutSources(String(this.#written.get(`${WASM}.map`))),
      dependencies: [...this.#dependencies].sort() as readonly Dependency[],
      warnings: this.#warnings,
    }
    return { compiled }
  }

  /** asc looks for imported files by trying names; what it does not find counts too. */
  async #read(name: string, folder: string): Promise<string | null> {
    if (name === START) return `import ${JSON.stringify(this.#moduleName())}\n`
    if (name === 'asconfig.json') return null
    let text: string | null
    if (name === this.#name) text = this.#request.text
    else {
      text = await readFile(join(folder, name), 'utf8').catch(() => null)
      this.#dependencies.set(name, text === null ? null : hash(text))
    }
    if (text !== null) this.#texts.set(name, text)
    return text
  }

  #moduleName(): string {
    return `./${this.#name.replace(/\.ts$/, '')}`
  }

  /** The user's files are parsed: writes the entry. */
  #parsed(parser: Parser): void {
    const { declared } = this.#request
    const internal = this.#name.replace(/\.ts$/, '')
    try {
      const source = parser.sources.find((each) => each.internalPath === internal)
      const written = findFunction(parser.sources, source!, declared.name)
      this.#entry = makeEntry(written, declared, this.#moduleName())
      parser.parseFile(this.#entry.text, ENTRY, true)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.#problems.push(...error.problems.map((each) => this.#placed(each)))
      throw error
    }
  }

  #report({ message, category, range, relatedRange }: Diagnostic): void {
    if (category < WARNING) return
    const list = category === ERROR ? this.#problems : this.#warnings
    const line = range?.source?.normalizedPath === ENTRY ? this.#entryLine(range.start) : undefined
    if (line !== undefined) {
      list.push(this.#placed({ message: `${line.message}: ${message}`, range: line.range }))
      return
    }
    list.push({
      message,
      place: this.#place(positionOf(range)),
      related: this.#place(positionOf(relatedRange)),
    })
  }

  #entryLine(start: number) {
    const number = this.#entry!.text.slice(0, start).split('\n').length
    return this.#entry!.lines.get(number)
  }

  #placed({ message, range }: RangedProblem): Problem {
    const position = range && {
      start: range.start,
      end: range.end,
      file: range.source.normalizedPath,
    }
    return { message, place: this.#place(position) }
  }

  #place(position: Position | undefined): SourcePlace | undefined {
    if (position === undefined) return undefined
    const { start, end, file } = position
    const text = this.#texts.get(file) ?? libraryText(file)
    if (text === undefined) return undefined
    const lineStart = text.lastIndexOf('\n', start - 1) + 1
    const lineEnd = text.indexOf('\n', start)
    const line = text.slice(lineStart, lineEnd < 0 ? undefined : lineEnd).replace(/\r$/, '')
    const column = start - lineStart + 1
    return {
      file,
      line: text.slice(0, lineStart).split('\n').length,
      column,
      length: Math.max(1, Math.min(end - start, line.length - column + 1)),
      text: line,
    }
  }
}

/** As asc hands it over: ranges hold plain data. */
interface Diagnostic {
  readonly message: string
  readonly category: number
  readonly range: DiagnosticRange | null
  readonly relatedRange: DiagnosticRange | null
}

type DiagnosticRange = Pick<Range, 'start' | 'end'> & {
  readonly source: { readonly normalizedPath: string } | null
}

function positionOf(range: DiagnosticRange | null): Position | undefined {
  if (range?.source === undefined || range.source === null) return undefined
  return { start: range.start, end: range.end, file: range.source.normalizedPath }
}

function libraryText(file: string): string | undefined {
  const name = /^~lib\/(.*)\.ts$/.exec(file)?.[1]
  return name === undefined ? undefined : asc.libraryFiles[name]
}

function withoutSources(sourceMap: string): string {
  const { sources, mappings } = JSON.parse(sourceMap) as Record<string, unknown>
  return JSON.stringify({ version: 3, sources, names: [], mappings })
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

let leave: (() => void) | undefined

// Ctrl+C reaches every process of a terminal; this one ends with the one that started it.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit())
process.on('message', async (request: AssemblyRequest) => {
  leave?.()
  const answer = await new Compilation(request).run().catch((error: Error) => {
    return { crashed: `${error.name}: ${error.message}` }
  })
  process.send?.(answer)
  leave = systemClock.after(IDLE_MS, () => process.exit())
})
