// Times every backend and number of threads on one image, in turn, so that what else the machine
// does slows all of them alike. Called by `euphorion mandelbrot --compare` and by bench/peers.
import { type Clock, systemClock } from '../clock.ts'
import { mandelbrot } from '../kernel/mandelbrot/mandelbrot.ts'
import type { MandelbrotShape } from '../kernel/mandelbrot/shape.ts'
import { type InstructionSet, nativeAddon } from '../kernel/native.ts'
import type { ChosenBackend } from '../kernel/offload/backend.ts'
import { kernelPool } from '../kernel/offload/pool.ts'

/** One way to compute an image. */
export interface MandelbrotVariant {
  readonly backend: ChosenBackend
  /** Of native: set before each run. */
  readonly instructionSet?: InstructionSet
  readonly threads: number
  readonly shortcuts: boolean
}

/** What came of it. */
export interface MandelbrotTimes {
  readonly variant: MandelbrotVariant
  /** Of each run that counts. */
  readonly ms: readonly number[]
  /** Whether all its counts were those of the plain loop. */
  readonly isIdentical: boolean
}

export interface MandelbrotBench {
  /** Runs of each; one more comes first and is not counted: threads start, code is compiled. */
  readonly runs: number
  /** Most threads. Default: those of the pool. */
  readonly threads?: number
  /** Whether to time also what takes shortcuts. */
  readonly shortcuts: boolean
  /** Told how far it is. */
  readonly onPart?: (fraction: number) => void
  readonly clock?: Clock
}

export interface MandelbrotResult {
  /** The first is the plain loop on one thread. */
  readonly times: readonly MandelbrotTimes[]
  /** Those of the plain loop. */
  readonly counts: Int32Array
}

/** What the machine code of a backend uses. */
export function instructionSetOf(backend: ChosenBackend): string {
  if (backend === 'native') return nativeAddon()?.instructionSet ?? 'none'
  return backend === 'wasm' ? 'simd128' : 'scalar'
}

export async function benchMandelbrot(
  shape: MandelbrotShape,
  bench: MandelbrotBench,
): Promise<MandelbrotResult> {
  const { runs, onPart, clock = systemClock } = bench
  const times = variantsOf(bench).map((variant) => {
    return { variant, ms: [] as number[], isIdentical: true }
  })
  const widest = nativeAddon()?.instructionSet
  const counts = await mandelbrot(shape, { backend: 'js' })
  for (let round = 0; round <= runs; round++) {
    for (const [index, each] of times.entries()) {
      onPart?.((round * times.length + index) / (times.length * (runs + 1)))
      const { instructionSet, ...options } = each.variant
      if (instructionSet !== undefined) nativeAddon()!.useInstructionSet(instructionSet)
      const started = clock.monotonic()
      const result = await mandelbrot(shape, options)
      if (round > 0) each.ms.push(clock.monotonic() - started)
      each.isIdentical &&= areEqual(result, counts)
    }
  }
  if (widest !== undefined) nativeAddon()!.useInstructionSet(widest)
  return { times, counts }
}

/** The plain loop in one thread first: the others are compared with it. */
function variantsOf({ shortcuts, threads }: MandelbrotBench): MandelbrotVariant[] {
  const most = Math.min(threads ?? kernelPool().threads, kernelPool().threads)
  const counts = [...new Set([1, 2, 4, 8, 16, 32, most].filter((each) => each <= most))]
  // the plain loop in C++ is no more than that of JavaScript
  const sets = nativeAddon()?.instructionSets.filter((set) => set !== 'scalar') ?? []
  const kinds: readonly Omit<MandelbrotVariant, 'threads'>[] = [
    { backend: 'js', shortcuts: false },
    ...(shortcuts ? [false, true] : [false]).flatMap((each) => [
      { backend: 'wasm' as const, shortcuts: each },
      ...sets.map((set) => {
        return { backend: 'native' as const, instructionSet: set, shortcuts: each }
      }),
    ]),
  ]
  return kinds.flatMap((kind) => counts.map((each) => ({ ...kind, threads: each })))
}

function areEqual(a: Int32Array, b: Int32Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer))
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]
