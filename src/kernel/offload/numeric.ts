// The module of numeric kernels (assembly/numeric) over the pool's memory. Instances have no state
// but scratch globals; whoever runs kernels makes one for each thread.
import { readFileSync } from 'node:fs'
import { type WasmMemory, type WasmModule, wasm } from '../../batch/wasm.ts'
import type { ColumnExports } from '../column/wasm_kernels.ts'

/** The functions of assembly/numeric/index.ts; addresses are in the memory of the instance. */
export interface NumericExports extends ColumnExports {
  ready(): number
  /** Prepares a slot of SLOT_BYTES for an image, or for a band of it. */
  mandelbrotBegin(
    slot: number,
    counts: number,
    taken: number,
    chunk: number,
    first: number,
    points: number,
    nx: number,
    ny: number,
    xFrom: number,
    xTo: number,
    yFrom: number,
    yTo: number,
    iterations: number,
    shortcuts: number,
  ): void
  /** Some work on it; 1: nothing is left to do. */
  mandelbrotRun(slot: number, budget: number): number
}

let compiled: WasmModule | undefined

/** dist/numeric.wasm, compiled once a process; can be posted to threads. */
export function numericModule(): WasmModule {
  compiled ??= new wasm.Module(readFileSync(new URL('../../../numeric.wasm', import.meta.url)))
  return compiled
}

/** An instance over that memory. */
export function loadNumeric(memory: WasmMemory, module = numericModule()): NumericExports {
  const abort = (_message: number, _file: number, line: number, column: number): never => {
    throw new Error(`a numeric kernel aborted at ${line}:${column}`)
  }
  const instance = new wasm.Instance(module, { env: { memory, abort } })
  return instance.exports as unknown as NumericExports
}
