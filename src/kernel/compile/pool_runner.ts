// Runs a program in a thread of the kernel pool: arguments' arrays are posted, what was written
// comes back. Used by compileFunction for call.
import { kernelPool } from '../offload/pool.ts'
import { arrayResult, type Bound, bindArguments, bringBack, checkArguments } from './bind.ts'
import type { CompiledOutcome } from './run_job.ts'
import type { Region } from './run_task.ts'
import { arrayFacts, isArray } from './types.ts'
import type { LoadedVersion, Versions } from './versions.ts'

export interface CallOptions {
  /** Ends the run: KERNEL_CANCELLED. */
  readonly signal?: AbortSignal
  /** Ends a run that takes longer: KERNEL_TIMEOUT. Default: the setting kernelTimeoutMs. */
  readonly timeoutMs?: number
}

export async function runInPool(
  versions: Versions,
  given: readonly unknown[],
  options: CallOptions,
): Promise<unknown> {
  const { name, parameters, result } = versions.program
  const values = checkArguments(name, parameters, given)
  const pool = kernelPool()
  for (;;) {
    const version = versions.fitting(values)
    const bound = bindArguments(name, parameters, values, version.memoryBase)
    const outcome = await post(versions, version, bound, options)
    if (outcome.exit !== 0) {
      versions.resume(version, version.exits[outcome.exit - 1], pool.memoryMib)
      continue
    }
    bringBack(bound, (address, length) => written(bound, outcome, address, length))
    if (outcome.isUndefined || outcome.value === undefined) return undefined
    if (typeof outcome.value !== 'number')
      return arrayResult(bound, result, outcome.value, () => outcome.array as Uint8Array)
    return result === 'boolean' ? outcome.value !== 0 : outcome.value
  }
}

function post(
  versions: Versions,
  { module, id, imports }: LoadedVersion,
  { regions, values, memoryTop }: Bound,
  { signal, timeoutMs }: CallOptions,
): Promise<CompiledOutcome> {
  const { name, result } = versions.program
  const posted = regions.map(copyToPost)
  const transfer = posted.flatMap(({ bytes: { buffer } }) =>
    buffer instanceof ArrayBuffer ? [buffer] : [],
  )
  const resultShift = isArray(result) ? arrayFacts[result].shift : 0
  const pool = kernelPool()
  return pool.run(
    'compiled',
    { name, module, id, imports, regions: posted, values, memoryTop, resultShift },
    { name, signal, timeoutMs: timeoutMs ?? pool.timeoutMs, transfer },
  )
}

/** Posting a part of an ordinary buffer would copy all of it; shared memory is not copied. */
function copyToPost(region: Region): Region {
  if (region.bytes.buffer instanceof SharedArrayBuffer) return region
  return { ...region, bytes: region.bytes.slice() }
}

/** Bytes of the module's memory that came back. */
function written(
  { regions }: Bound,
  outcome: CompiledOutcome,
  address: number,
  length: number,
): Uint8Array {
  const written = regions.filter(({ isWritten }) => isWritten)
  const i = written.findIndex(
    (region) =>
      address >= region.address && address + length <= region.address + region.bytes.length,
  )
  const start = address - written[i].address
  return outcome.regions[i].subarray(start, start + length)
}
