// Where in its source a kernel failed: the stack of a trap has offsets into the module, the source
// map has their lines. Called when a run was rejected.
import { SourceMap, type SourceMapPayload } from 'node:module'
import { dirname } from 'node:path'
import { EuphorionError } from '../../errors.ts'
import type { AssemblyFile } from './assembly_file.ts'
import { placeText } from './assembly_problems.ts'
import type { CompiledAssembly } from './assembly_request.ts'
import { functionSpan } from './module_bytes.ts'

interface Origin {
  readonly file: string
  readonly line: number
  readonly column: number
}

/**
 * The error with the place in the kernel's file, where there is one. A module's allocator ends with
 * a trap when it gets no more memory: MEMORY_EXHAUSTED.
 */
export function locateFailure(error: unknown, kernel: string, file: AssemblyFile): unknown {
  if (!(error instanceof EuphorionError)) return error
  const isFailure = error.code === 'KERNEL_FAILED' || error.code === 'MEMORY_EXHAUSTED'
  if (!isFailure || !(error.cause instanceof Error)) return error
  const { stack = '', message } = error.cause
  const frames = framesOf(stack, file.compiled)
  if (frames.length === 0) return error
  const isTrap = error.place.path === undefined
  const own = abortedAt(error.place.path) ?? ownPlace(frames)
  const at = own === undefined ? '' : ` at ${placeText(own, dirname(file.path))}`
  const details = { cause: error.cause }
  const isMemory = error.code === 'MEMORY_EXHAUSTED' || (isTrap && isAllocator(frames[0]))
  if (isMemory) {
    const advice = file.collects
      ? ''
      : '; with collectGarbage: true it uses again what it lets go of'
    const text = `kernel ${kernel} needs more memory than kernelMemoryMib allows${at}${advice}`
    return new EuphorionError('MEMORY_EXHAUSTED', text, details)
  }
  const what = message.replace(/^\w*Error: /, '')
  return new EuphorionError('KERNEL_FAILED', `kernel ${kernel} failed${at}: ${what}`, details)
}

/** What a `throw` or an assertion of the kernel itself says. */
function abortedAt(path: string | undefined): Origin | undefined {
  const [, file, line, column] = /^(.*):(\d+):(\d+)$/.exec(path ?? '') ?? []
  if (file === undefined || !isOwn(file)) return undefined
  return { file, line: Number(line), column: Number(column) }
}

/** Code of the library may be part of the kernel's functions: then what is near it counts. */
function ownPlace(frames: readonly Frame[]): Origin | undefined {
  const exact = frames.find(({ nearest }) => nearest !== undefined && isOwn(nearest.file))
  return exact?.nearest ?? frames.find(({ own }) => own !== undefined)?.own
}

/** The files of the user, not AssemblyScript's library nor the generated entry. */
function isOwn(file: string): boolean {
  return !file.startsWith('~lib/') && !file.startsWith('euphorion-')
}

function isAllocator({ nearest }: Frame): boolean {
  return nearest?.file.startsWith('~lib/rt/') === true
}

/** One call in the stack. */
interface Frame {
  /** The line that the offset belongs to; code that belongs to none goes with what is before it. */
  readonly nearest: Origin | undefined
  /** The last line of the kernel's own before it, else the first behind it. */
  readonly own: Origin | undefined
}

/** From the inside out. */
function framesOf(stack: string, { wasm, sourceMap }: CompiledAssembly): Frame[] {
  const map = new SourceMap(JSON.parse(sourceMap) as SourceMapPayload)
  const frames = [...stack.matchAll(/wasm-function\[\d+\]:0x([0-9a-f]+)/g)]
  return frames.map(([, digits]) => {
    const offset = Number.parseInt(digits, 16)
    const [start, end] = functionSpan(wasm, offset)
    const before = offsets(offset, start, -1)
    return {
      nearest: originAt(map, before, start, () => true),
      own:
        originAt(map, before, start, isOwn) ?? originAt(map, offsets(offset, end, 1), start, isOwn),
    }
  })
}

/** From one on, without the other. */
function offsets(from: number, to: number, step: 1 | -1): readonly number[] {
  return Array.from({ length: Math.max(0, (to - from) * step) }, (_, i) => from + i * step)
}

/** The first line that is wanted, within the function that begins at `start`. */
function originAt(
  map: SourceMap,
  offsets: readonly number[],
  start: number,
  isWanted: (file: string) => boolean,
): Origin | undefined {
  for (const offset of offsets) {
    const entry = map.findEntry(0, offset)
    if (!('originalSource' in entry) || entry.originalSource === undefined) continue
    if (entry.generatedColumn < start || !isWanted(entry.originalSource)) continue
    return {
      file: entry.originalSource,
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
    }
  }
  return undefined
}
