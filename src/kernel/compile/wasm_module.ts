// Puts the parts of a WebAssembly module together: types, imports, functions, globals, constant
// data. Used by the emission.
import { ByteWriter, type Code, type WasmType, wasmTypes } from './wasm_code.ts'

export interface Signature {
  readonly parameters: readonly WasmType[]
  readonly results: readonly WasmType[]
}

interface WasmFunction {
  readonly signature: Signature
  readonly locals: readonly WasmType[]
  readonly code: Code
}

interface Import {
  readonly name: string
  readonly signature: Signature
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

export class ModuleWriter {
  readonly #types: string[] = []
  readonly #typeBytes: ByteWriter[] = []
  readonly #imports: Import[] = []
  readonly #functions: (WasmFunction | undefined)[] = []
  readonly #globals: { readonly initial: number; readonly name: string }[] = []
  readonly #data: { readonly address: number; readonly bytes: Uint8Array }[] = []
  readonly #exports: { readonly name: string; readonly index: number }[] = []

  typeIndex({ parameters, results }: Signature): number {
    const key = `${parameters} ${results}`
    const known = this.#types.indexOf(key)
    if (known >= 0) return known
    const bytes = new ByteWriter().byte(0x60)
    for (const each of [parameters, results]) {
      bytes.unsigned(each.length)
      for (const type of each) bytes.byte(wasmTypes[type])
    }
    this.#typeBytes.push(bytes)
    return this.#types.push(key) - 1
  }

  /** All imports come before the first function. */
  import(name: string, signature: Signature): number {
    return this.#imports.push({ name, signature }) - 1
  }

  get imports(): readonly string[] {
    return this.#imports.map(({ name }) => name)
  }

  /** Its index, known before its code is. */
  reserve(): number {
    return this.#imports.length + this.#functions.push(undefined) - 1
  }

  define(index: number, fn: WasmFunction): void {
    this.#functions[index - this.#imports.length] = fn
  }

  /** A 32-bit variable that the host can read and write. */
  global(name: string, initial: number): number {
    return this.#globals.push({ name, initial }) - 1
  }

  data(address: number, bytes: Uint8Array): void {
    this.#data.push({ address, bytes })
  }

  export(name: string, index: number): void {
    this.#exports.push({ name, index })
  }

  finish(): Uint8Array {
    const functions = this.#functions.map((fn) => {
      if (fn === undefined) throw new Error('a function without code')
      return fn
    })
    const declared = functions.map(({ signature }) =>
      new ByteWriter().unsigned(this.typeIndex(signature)),
    )
    const imports = this.#importBytes()
    const out = new ByteWriter().bytes(MAGIC)
    section(out, 1, this.#typeBytes)
    section(out, 2, imports)
    section(out, 3, declared)
    section(
      out,
      6,
      this.#globals.map(({ initial }) =>
        new ByteWriter().bytes([0x7f, 1, 0x41]).signed(initial).byte(0x0b),
      ),
    )
    section(out, 7, this.#exportBytes())
    section(out, 10, functions.map(functionBytes))
    section(out, 11, this.#data.map(dataBytes))
    return out.finish()
  }

  #importBytes(): ByteWriter[] {
    const memory = new ByteWriter().text('host').text('memory').bytes([2, 0, 1])
    return [
      memory,
      ...this.#imports.map(({ name, signature }) =>
        new ByteWriter().text('host').text(name).byte(0).unsigned(this.typeIndex(signature)),
      ),
    ]
  }

  #exportBytes(): ByteWriter[] {
    return [
      ...this.#exports.map(({ name, index }) =>
        new ByteWriter().text(name).byte(0).unsigned(index),
      ),
      ...this.#globals.map(({ name }, index) =>
        new ByteWriter().text(name).byte(3).unsigned(index),
      ),
    ]
  }
}

function section(out: ByteWriter, id: number, items: readonly ByteWriter[]): void {
  if (items.length === 0) return
  const body = new ByteWriter().unsigned(items.length)
  for (const item of items) body.bytes(item.finish())
  out.byte(id).sized(body)
}

function functionBytes({ locals, code }: WasmFunction): ByteWriter {
  const body = new ByteWriter().unsigned(locals.length)
  for (const type of locals) body.unsigned(1).byte(wasmTypes[type])
  body.bytes(code.finish()).byte(0x0b)
  return new ByteWriter().sized(body)
}

function dataBytes({ address, bytes }: { address: number; bytes: Uint8Array }): ByteWriter {
  return new ByteWriter()
    .bytes([0, 0x41])
    .signed(address)
    .byte(0x0b)
    .unsigned(bytes.length)
    .bytes(bytes)
}
