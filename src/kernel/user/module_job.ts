// Runs a JavaScript kernel that a user's module exports (defineKernel with `module`). The pool's
// threads call it.
import { EuphorionError } from '../../errors.ts'
import { importModule } from '../../import_module.ts'
import type { ColumnArray } from './column_types.ts'
import { type Definition, kernelMark, runDefinition } from './definition.ts'
import type { ModuleResult, ModuleTask } from './module_task.ts'
import { isShared, transfersOf } from './post_columns.ts'

/** Imports the module, once a thread: the engine keeps it. */
export async function prepare(module: string): Promise<void> {
  await exportsOf(module)
}

export async function run(task: ModuleTask): Promise<ModuleResult> {
  const { module, kernel, columns, params } = task
  const definition = Object.values(await exportsOf(module))
    .map(definitionOf)
    .find((each) => each?.name === kernel)
  if (definition === undefined) {
    const missing = `its module exports no kernel of that name: export const … = defineKernel(…)`
    throw new EuphorionError('KERNEL_INVALID', `kernel ${kernel}: ${missing}`, {
      place: { path: module },
    })
  }
  return ownResult(await runDefinition(definition, columns, params))
}

export function transfers(result: ModuleResult): readonly ArrayBuffer[] {
  return transfersOf(isRecord(result) ? Object.values(result) : [result])
}

async function exportsOf(module: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await importModule(module)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new EuphorionError('KERNEL_FAILED', `a kernel's module cannot be imported: ${message}`, {
      cause,
      place: { path: module },
    })
  }
}

function definitionOf(value: unknown): Definition | undefined {
  const isObject = typeof value === 'object' && value !== null
  return isObject ? (value as { readonly [kernelMark]?: Definition })[kernelMark] : undefined
}

/** Columns that are a part of a larger buffer are copied: the whole of it would go with them. */
function ownResult(result: ModuleResult): ModuleResult {
  if (!isRecord(result)) return own(result)
  return Object.fromEntries(Object.entries(result).map(([name, value]) => [name, own(value)]))
}

function own<T extends number | bigint | ColumnArray>(value: T): T {
  const isPart =
    typeof value === 'object' && !isShared(value) && value.byteLength !== value.buffer.byteLength
  return isPart ? (value.slice() as T) : value
}

function isRecord(
  result: ModuleResult,
): result is Readonly<Record<string, number | bigint | ColumnArray>> {
  return typeof result === 'object' && !ArrayBuffer.isView(result)
}
