// WebAssembly as this project uses it. TypeScript declares it only together with the browser's
// globals, which a Node library should not see.

export interface WasmMemory {
  readonly buffer: SharedArrayBuffer
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

interface WasmApi {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => WasmMemory
  readonly Module: new (bytes: Uint8Array) => WasmModule
  readonly Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance
}

export const wasm = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly
