// Runs a program in the calling thread. Used by compileFunction for callSync, and for the values of
// module constants.
import { kernelSettings } from '../offload/options.ts'
import { arrayResult, bindArguments, bringBack, checkArguments } from './bind.ts'
import type { Program } from './program.ts'
import { runTask } from './run_task.ts'
import { Versions } from './versions.ts'

export class SyncRunner {
  readonly versions: Versions

  constructor(program: Program, none = false) {
    this.versions = new Versions(program, none)
  }

  run(given: readonly unknown[]): unknown {
    const { versions } = this
    const { name, parameters, result } = versions.program
    const { memoryMib } = kernelSettings()
    const values = checkArguments(name, parameters, given)
    for (;;) {
      const version = versions.fitting(values)
      const { module, id, imports, memoryBase, exits } = version
      const bound = bindArguments(name, parameters, values, memoryBase)
      const end = runTask({ name, module, id, imports, ...bound }, memoryMib)
      if (end.exit !== 0) {
        versions.resume(version, exits[end.exit - 1], memoryMib)
        continue
      }
      const bytesAt = (address: number, length: number): Uint8Array =>
        end.memory.subarray(address, address + length)
      bringBack(bound, bytesAt)
      if (end.isUndefined || end.value === undefined) return undefined
      if (typeof end.value !== 'number') return arrayResult(bound, result, end.value, bytesAt)
      return result === 'boolean' ? end.value !== 0 : end.value
    }
  }
}
