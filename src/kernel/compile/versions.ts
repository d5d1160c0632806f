// The versions of a compiled function: each call gets one whose assumptions its arguments fit, and
// an assumption that a run refutes is dropped for good. Used by the runners.
import { setFlagsFromString } from 'node:v8'
import { type WasmModule, wasm } from '../../batch/wasm.ts'
import { EuphorionError } from '../../errors.ts'
import { assumptionKey } from './assumptions.ts'
import type { Argument } from './bind.ts'
import type { Exit } from './emitter.ts'
import type { Program, Version } from './program.ts'
import { isRange } from './range.ts'
import { memoryExhausted } from './run_task.ts'

/** After so many versions nothing is assumed any more. */
const ATTEMPTS_MAX = 24

export interface LoadedVersion extends Version {
  readonly module: WasmModule
  readonly id: number
}

let modules = 0

export class Versions {
  readonly program: Program
  readonly #refuted = new Map<string, number>()
  #attempts = 0
  #isNone: boolean
  #current: LoadedVersion | undefined

  /** @param none every number a float from the start: for tests of what is left at the end */
  constructor(program: Program, none = false) {
    this.program = program
    this.#isNone = none
  }

  /** Compiled now, unless it is already. */
  current(): LoadedVersion {
    this.#current ??= loadVersion(this.program.compile(this.#refuted, this.#isNone))
    return this.#current
  }

  /** One whose parameters can hold the numbers. */
  fitting(values: readonly Argument[]): LoadedVersion {
    for (;;) {
      const version = this.current()
      const misfit = version.assumed.findIndex((known, i) => {
        const value = values[i]
        return isRange(known) && !isInRange(value as number, known)
      })
      if (misfit < 0) return version
      const { name } = this.program.parameters[misfit]
      this.#refute(assumptionKey('range', this.program.placeOf(misfit), name))
    }
  }

  #refute(key: string): void {
    this.#refuted.set(key, (this.#refuted.get(key) ?? 0) + 1)
    this.#current = undefined
  }

  /**
   * A run ended before its end: true where another version will do it, else the error. Of many runs
   * of one version at the same time the first refutes it for all.
   */
  resume(version: LoadedVersion, exit: Exit, memoryMib: number): true {
    const { name } = this.program
    if (exit.kind === 'throw')
      throw new EuphorionError('KERNEL_FAILED', `${name} threw: ${exit.text}`)
    if (exit.kind === 'memory') throw memoryExhausted(name, memoryMib)
    if (version !== this.#current) return true
    if (this.#isNone) throw new Error(`${name}: an assumption where there is none: ${exit.key}`)
    this.#refute(exit.key)
    this.#isNone = ++this.#attempts >= ATTEMPTS_MAX
    return true
  }
}

function isInRange(value: number, { lo, hi }: { lo: number; hi: number }): boolean {
  return Number.isInteger(value) && value >= lo && value <= hi && !Object.is(value, -0)
}

/**
 * Compiled by V8's optimizing compiler at once. Its baseline code is two to three times slower, and
 * a function that is called once and runs long would stay in it: there is no replacement on the
 * stack.
 */
function loadVersion(version: Version): LoadedVersion {
  setFlagsFromString('--no-liftoff')
  setFlagsFromString('--no-wasm-lazy-compilation')
  try {
    return { ...version, module: new wasm.Module(version.bytes), id: ++modules }
  } finally {
    setFlagsFromString('--liftoff')
    setFlagsFromString('--wasm-lazy-compilation')
  }
}
