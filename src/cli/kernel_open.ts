// Opens a kernel's file by its language, which its name or its types tell. Called by
// `euphorion kernel`.
import { existsSync, readFileSync } from 'node:fs'
import { EuphorionError } from '../errors.ts'
import { openAssemblyProgram } from './kernel_assembly.ts'
import type { KernelProgram, ProgramOptions } from './kernel_program.ts'
import { openTypeScriptProgram } from './kernel_typescript.ts'

/** Types that only AssemblyScript has, where a type stands. */
const ownTypes = /[:<|]\s*(?:[iu](?:8|16|32|64|size)|f32|f64|v128|StaticArray)\b/

/**
 * What neither its name nor its types tell is TypeScript if that compiles, else AssemblyScript.
 * Rejects with KERNEL_INVALID, and with USAGE where there is no such file.
 */
export async function openProgram(path: string, options: ProgramOptions): Promise<KernelProgram> {
  if (!existsSync(path)) throw new EuphorionError('USAGE', `there is no file ${path}`)
  const { language } = options
  const isAssembly = language === 'auto' ? isAssemblyScript(path) : language === 'assemblyscript'
  if (isAssembly) return openAssemblyProgram(path, options)
  try {
    return openTypeScriptProgram(path, options)
  } catch (error) {
    const isInvalid = error instanceof EuphorionError && error.code === 'KERNEL_INVALID'
    if (language !== 'auto' || !isInvalid || !path.endsWith('.ts')) throw error
    return await openAssemblyProgram(path, options).catch(() => {
      throw error
    })
  }
}

function isAssemblyScript(path: string): boolean {
  if (/\.(kernel|as)\.ts$/.test(path)) return true
  return path.endsWith('.ts') && ownTypes.test(readFileSync(path, 'utf8'))
}
