// The state of emission: one function's code, locals and open blocks, and what functions of a
// module share. Used by all emit_*.ts.
import { type Assumption, assumptionKey } from './assumptions.ts'
import type {
  ExpressionOf,
  Frame,
  FunctionIR,
  HostMathName,
  Statement,
  Target,
  Variable,
} from './ir.ts'
import { isRange, isSmall, type Known } from './range.ts'
import type { Place } from './syntax.ts'
import { isArray, type ResultType } from './types.ts'
import { Code, type WasmType } from './wasm_code.ts'
import type { ModuleWriter, Signature } from './wasm_module.ts'

/** The undefined of a read out of bounds: a NaN that no arithmetic makes from other numbers. */
export const UNDEFINED_BITS = 0x7ff8_7564_6566_0001n

/** Why a run ended before its end. */
export type Exit =
  | { readonly kind: 'refuted'; readonly key: string }
  | { readonly kind: 'throw'; readonly text: string }
  | { readonly kind: 'memory' }

/** What the functions of a module share. */
export interface ModuleState {
  readonly writer: ModuleWriter
  readonly live: ReadonlySet<Statement>
  readonly indices: ReadonlyMap<FunctionIR, number>
  /** Of imports: 'pow', 'sin', 'hypot3'… */
  readonly host: ReadonlyMap<string, number>
  readonly helpers: Readonly<Record<'remainder' | 'toInt32' | 'allocate', number>>
  readonly globals: Readonly<Record<'exit' | 'top' | 'undefined', number>>
  readonly exits: Exit[]
}

export function representation(known: Known): WasmType {
  if (!isRange(known)) return 'f64'
  return isSmall(known) ? 'i32' : 'i64'
}

/** How values of a type stand on the stack: an array is its address and its length. */
export function stackTypes(type: ResultType, known: Known): WasmType[] {
  if (type === 'void') return []
  if (type === 'number') return [representation(known)]
  return type === 'boolean' ? ['i32'] : ['i32', 'i32']
}

export function variableTypes(variable: Variable): WasmType[] {
  return stackTypes(variable.type, variable.known)
}

export function resultTypes(frame: Frame): WasmType[] {
  return stackTypes(frame.type ?? 'void', frame.result?.known)
}

export class Emitter {
  readonly module: ModuleState
  readonly code = new Code()
  readonly locals: WasmType[] = []
  /** Depth of the block behind (break, return) or around (continue) which a jump goes on. */
  readonly labels = new Map<Target | Frame, number>()
  readonly function: FunctionIR
  readonly #variables = new Map<Variable, readonly number[]>()
  readonly #parameters: number
  /** Where the memory of its own arrays begins. */
  #mark: number | undefined

  constructor(module: ModuleState, fn: FunctionIR) {
    this.module = module
    this.function = fn
    let count = 0
    for (const parameter of fn.parameters)
      this.#variables.set(
        parameter,
        variableTypes(parameter).map(() => count++),
      )
    this.#parameters = count
  }

  local(type: WasmType): number {
    return this.#parameters + this.locals.push(type) - 1
  }

  /** One local, or address and length. */
  localsOf(variable: Variable): readonly number[] {
    let locals = this.#variables.get(variable)
    if (locals === undefined) {
      locals = variableTypes(variable).map((type) => this.local(type))
      this.#variables.set(variable, locals)
    }
    return locals
  }

  signatureType(results: readonly WasmType[]): WasmType | number | undefined {
    return results.length > 1
      ? this.module.writer.typeIndex({ parameters: [], results })
      : results[0]
  }

  /** Keeps what is on the stack there, and in a local. */
  keep(type: WasmType): number {
    const local = this.local(type)
    this.code.tee(local)
    return local
  }

  /** Remembers how much memory is in use. */
  markMemory(): number {
    const mark = this.local('i32')
    this.code.globalGet(this.module.globals.top).set(mark)
    return mark
  }

  releaseTo(mark: number): void {
    this.code.get(mark).globalSet(this.module.globals.top)
  }

  /** Arrays that the function makes are dead where it ends. */
  ownsMemory(): void {
    this.#mark = this.markMemory()
  }

  release(): void {
    if (this.#mark !== undefined) this.releaseTo(this.#mark)
  }

  exit(exit: Exit): void {
    const { exits, globals } = this.module
    this.code.i32(exits.push(exit)).globalSet(globals.exit).op('unreachable')
  }

  /** Ends the run where the condition on the stack holds. */
  exitIf(exit: Exit): void {
    this.code.open('if')
    this.exit(exit)
    this.code.close()
  }

  refuteIf(assumption: Assumption, place: Place, name = ''): void {
    this.exitIf({ kind: 'refuted', key: assumptionKey(assumption, place, name) })
  }

  callHost(name: HostMathName, count: number): void {
    this.code.call(this.#indexOf(hostName(name, count)))
  }

  #indexOf(name: string): number {
    const index = this.module.host.get(name)
    if (index === undefined) throw new Error(`no import ${name}`)
    return index
  }
}

/** Math.hypot takes any number of arguments; each number is an import of its own. */
export function hostName(name: HostMathName, count: number): string {
  return name === 'hypot' ? `hypot${count}` : name
}

export function hostSignature(count: number): Signature {
  return { parameters: Array.from({ length: count }, () => 'f64' as const), results: ['f64'] }
}

/** Address and length of an array, as something to push. */
export interface ArrayPlace {
  readonly pushAddress: () => void
  readonly pushLength: () => void
  /** Of constant data: an offset of the access, not an address on the stack. */
  readonly offset: number | undefined
}

export function arrayPlace(
  e: Emitter,
  array: ExpressionOf<'get'> | ExpressionOf<'data'>,
): ArrayPlace {
  if (array.kind === 'data') {
    const { address, length } = array.data
    return {
      pushAddress: () => e.code.i32(address),
      pushLength: () => e.code.i32(length),
      offset: address,
    }
  }
  if (!isArray(array.type)) throw new Error('an element of no array')
  const [address, length] = e.localsOf(array.variable)
  return {
    pushAddress: () => e.code.get(address),
    pushLength: () => e.code.get(length),
    offset: undefined,
  }
}
