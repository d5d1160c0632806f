// WebAssembly as this project uses it. TypeScript declares it only together with the browser's
// globals, which a Node library should not see.

export interface WasmMemory {
  readonly buffer: SharedArrayBuffer
}

/** A memory of one thread. Growing replaces the buffer. */
export interface PrivateMemory {
  readonly buffer: ArrayBuffer
  /** By pages of 64 KiB; throws RangeError beyond the maximum. */
  grow(pages: number): number
}

/** A compiled module; can be posted to other threads. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: 'WebAssembly.Module'
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>
}

/** By module and name. */
export type WasmImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>

interface Imported {
  readonly module: string
  readonly name: string
  readonly kind: 'function' | 'table' | 'memory' | 'global'
}

interface WasmApi {
  readonly Memory: {
    new (limits: { initial: number; maximum: number; shared: true }): WasmMemory
    new (limits: { initial: number; maximum: number }): PrivateMemory
  }
  readonly Module: {
    new (bytes: Uint8Array): WasmModule
    imports(module: WasmModule): Imported[]
    exports(module: WasmModule): Omit<Imported, 'module'>[]
  }
  readonly Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance
}

export const wasm = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly
