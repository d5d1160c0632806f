// What the process that compiles AssemblyScript is asked for, and what it answers: data that is
// sent from one to the other and, as far as it was compiled, kept by the cache.
import type { ColumnType } from './column_types.ts'

/** What a kernel's function gives back. */
export type ResultType = ColumnType | 'bool' | 'void' | { readonly column: ColumnType }

/** Types by name; 'any' is whatever the function has. */
export type DeclaredTypes = Readonly<Record<string, ColumnType | 'any'>>

/** What a program says of the function. */
export interface DeclaredFunction {
  /** Default: the only function that the file exports. */
  readonly name?: string
  /** Typed arrays that it reads. */
  readonly columns: DeclaredTypes
  /** Numbers. */
  readonly params: DeclaredTypes
  /** Typed arrays that it fills. */
  readonly out: DeclaredTypes
  /** Whether what is in none of them is a column or a parameter, as its type says. */
  readonly inferRest: boolean
  /** Undefined: what the function says. */
  readonly result?: ResultType
  /** Whether memory is collected while the kernel runs. */
  readonly collectGarbage: boolean
}

export interface AssemblyRequest {
  /** The kernel's file, absolute. */
  readonly path: string
  /** Its text, read by whoever looked into the cache: what is kept belongs to this text. */
  readonly text: string
  readonly declared: DeclaredFunction
}

export interface KernelParameter {
  readonly name: string
  readonly role: 'column' | 'param' | 'out'
  readonly type: ColumnType
}

/** How the compiled module is called. */
export interface KernelLayout {
  /** Of the function. */
  readonly name: string
  /** 'ewma(values: Float64Array, alpha: f64): Float64Array' */
  readonly signature: string
  /** In the order of the function, which is that of the arguments. */
  readonly parameters: readonly KernelParameter[]
  readonly result: ResultType
  /** Pages of memory that the module needs to begin with. */
  readonly initialPages: number
}

/** A file that was looked for, relative to the kernel's; the SHA-256 of its text, or null: none. */
export type Dependency = readonly [path: string, hash: string | null]

export interface CompiledAssembly {
  readonly layout: KernelLayout
  readonly wasm: Uint8Array
  /** From offsets in `wasm` to lines: a source map without the sources, as JSON. */
  readonly sourceMap: string
  /** Everything but the kernel's own file that decided what came out. */
  readonly dependencies: readonly Dependency[]
  readonly warnings: readonly Problem[]
}

/** Somewhere in a source file. */
export interface SourcePlace {
  /** Relative to the kernel's file; `~lib/…` in AssemblyScript's own library. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  /** Characters of the line that are meant, at least 1. */
  readonly length: number
  /** The whole line. */
  readonly text: string
}

/** One thing that is wrong with a kernel. */
export interface Problem {
  readonly message: string
  readonly place?: SourcePlace
  /** Another place that the message is about. */
  readonly related?: SourcePlace
}

export type AssemblyAnswer =
  | { readonly compiled: CompiledAssembly }
  | { readonly problems: readonly Problem[] }
  /** The compiler threw: what it said. */
  | { readonly crashed: string }

/** The names that the generated entry exports. */
export const entryExports = {
  allocate: 'allocate',
  run: 'run',
  resultAddress: 'resultAddress',
  resultLength: 'resultLength',
} as const
