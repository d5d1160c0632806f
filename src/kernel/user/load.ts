// loadKernel: a function in AssemblyScript, compiled when it is first loaded, as a kernel. Called
// by users' programs.
import { basename } from 'node:path'
import { type WasmModule, wasm } from '../../batch/wasm.ts'
import { isKernelThread } from '../offload/kernel_thread.ts'
import { kernelSettings } from '../offload/options.ts'
import { kernelPool } from '../offload/pool.ts'
import { sha256 } from './assembly_cache.ts'
import { locateFailure } from './assembly_failure.ts'
import { type AssemblyFile, openAssembly } from './assembly_file.ts'
import type { ResultType } from './assembly_request.ts'
import { assemblyTask } from './assembly_task.ts'
import { checkColumns, checkParams, invalid } from './check_columns.ts'
import type { ColumnTypes } from './column_types.ts'
import type { Kernel, NoParams, RunOptions } from './kernel.ts'
import {
  checkLoadOptions,
  declaredFunction,
  type LoadedOptions,
  type LoadedResult,
  type LoadOptions,
  type OutTypes,
} from './load_options.ts'
import { postColumns } from './post_columns.ts'
import { run as runHere } from './wasm_job.ts'

/**
 * A kernel from a file of AssemblyScript:
 *
 *     // ewma.kernel.ts
 *     export function ewma(values: Float64Array, alpha: f64): Float64Array { … }
 *
 *     const ewma = await loadKernel(new URL('./ewma.kernel.ts', import.meta.url), {
 *       columns: { values: 'f64' },
 *       params: { alpha: 'f64' },
 *       result: { column: 'f64' },
 *     })
 *     const smooth = await ewma.run({ values }, { params: { alpha: 0.1 } })
 *
 * It is compiled in a process of its own (about a second the first time) and kept in cacheDir for
 * as long as its text and that of the files it imports are the same. Runs are in the pool, each in
 * a memory of its own; `timeoutMs` (default: kernelTimeoutMs) and `signal` end a run whatever it
 * does. Rejects with KERNEL_INVALID, which lists everything that is wrong with the file, and where
 * the declaration and the function do not fit each other.
 */
export async function loadKernel<
  const In extends ColumnTypes,
  const Params extends ColumnTypes = NoParams,
  const Out extends OutTypes = Readonly<Record<never, never>>,
  const Result extends ResultType | undefined = undefined,
>(
  url: URL | string,
  options: LoadOptions<In, Params, Out, Result>,
): Promise<Kernel<In, LoadedResult<Out, Result>, Params>> {
  const checked = checkLoadOptions(basename(String(url)), options ?? {})
  const { cacheDir } = kernelSettings()
  const file = await openAssembly(url, declaredFunction(checked), cacheDir)
  return new AssemblyKernel(file, checked) as unknown as Kernel<
    In,
    LoadedResult<Out, Result>,
    Params
  >
}

/** Also made by `euphorion kernel`. */
export class AssemblyKernel implements Kernel<ColumnTypes, unknown, ColumnTypes> {
  readonly name: string
  readonly columns: ColumnTypes
  readonly #file: AssemblyFile
  readonly #options: LoadedOptions
  readonly #module: WasmModule
  readonly #hash: string
  #isClosed = false

  constructor(file: AssemblyFile, options: LoadedOptions) {
    const { wasm: bytes, layout } = file.compiled
    this.name = layout.name
    this.columns = options.columns
    this.#file = file
    this.#options = options
    this.#module = new wasm.Module(bytes)
    this.#hash = sha256(bytes)
  }

  async run(given: unknown, options: RunOptions<ColumnTypes> = {}): Promise<unknown> {
    const { name } = this
    if (this.#isClosed) throw invalid(name, 'it was closed')
    const columns = checkColumns(name, this.columns, given, this.#options.lengths)
    const params = checkParams(name, this.#options.params, options.params)
    const inThread = isKernelThread()
    const posted = inThread ? { columns, transfer: [] } : postColumns(columns)
    const { layout } = this.#file.compiled
    const called = { layout, out: this.#options.out, columns: posted.columns, params }
    const task = { module: this.#module, hash: this.#hash, ...assemblyTask(called) }
    try {
      if (inThread) return runHere(task, kernelSettings())
      const pool = kernelPool()
      return await pool.run('wasm', task, {
        name: `kernel ${name}`,
        signal: options.signal,
        timeoutMs: options.timeoutMs ?? pool.timeoutMs,
        transfer: posted.transfer,
      })
    } catch (error) {
      throw locateFailure(error, name, this.#file)
    }
  }

  close(): void {
    this.#isClosed = true
  }
}
