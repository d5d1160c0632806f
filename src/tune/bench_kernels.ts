// Measures kernels against plain JavaScript, on this machine. Called by `euphorion bench kernels`.
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import { nativeAddon } from '../kernel/native.ts'
import type { ChosenBackend } from '../kernel/offload/backend.ts'
import {
  type BenchKernelName,
  type ColumnPlace,
  type KernelCase,
  makeCase,
} from './bench_kernels_cases.ts'
import { medianOf } from './comparison.ts'

export interface KernelBenchOptions {
  readonly kernels: readonly BenchKernelName[]
  readonly backends: readonly ChosenBackend[]
  /** Values of a column; points of an image. */
  readonly sizes: readonly number[]
  readonly type: 'f64' | 'f32'
  readonly place: ColumnPlace
  /** Samples of each. */
  readonly runs: number
  readonly clock: Clock
  readonly onProgress: (what: string) => void
}

/** One implementation of a kernel at one size. */
export interface KernelBenchRow {
  readonly kernel: BenchKernelName
  /** plain: the loop that a person writes; js: the library's own in JavaScript, the oracle. */
  readonly backend: 'plain' | ChosenBackend
  readonly size: number
  /** Of the columns; mandelbrot has none. */
  readonly type?: 'f64' | 'f32'
  readonly columns?: ColumnPlace
  readonly medianUs: number
  readonly minUs: number
  readonly maxUs: number
  /** How often it is done while plain JavaScript, or backend js, does it once; by medians. */
  readonly ratio: number
  readonly ratioToJs: number
  /** The result is that of backend js, bit by bit: plain sums are added up in another order. */
  readonly identical: boolean
  readonly runs: number
  /** Of the native addon. */
  readonly instructionSet?: string
}

interface Contender {
  readonly backend: 'plain' | ChosenBackend
  readonly call: () => unknown
  /** In one sample. */
  calls: number
  readonly samplesUs: number[]
  isIdentical: boolean
}

/** A sample is so long that the clock and its calls do not count. */
const SAMPLE_MS = 2
const WARM_UP_MS = 30

/** Rows by kernel and size, plain JavaScript first. Rejects as the kernels do. */
export async function benchKernels(options: KernelBenchOptions): Promise<KernelBenchRow[]> {
  const rows: KernelBenchRow[] = []
  const { kernels, sizes, type, place } = options
  for (const kernel of kernels) {
    for (const size of sizes) {
      options.onProgress(`${kernel}, ${size.toLocaleString('en')} values`)
      const measured = makeCase(kernel, { type, size, place })
      try {
        rows.push(...(await benchCase(kernel, size, measured, options)))
      } finally {
        measured.close()
      }
    }
  }
  return rows
}

async function benchCase(
  kernel: BenchKernelName,
  size: number,
  measured: KernelCase,
  { backends, runs, clock, type, place }: KernelBenchOptions,
): Promise<KernelBenchRow[]> {
  const contenders: Contender[] = [
    contender('plain', () => measured.plain()),
    ...backends.map((backend) => contender(backend, () => measured.run(backend))),
  ]
  // Series go to the same place again and again: a copy is what the others are compared with.
  const expected = structuredClone(unshared(await measured.run('js')))
  for (const each of contenders) {
    each.isIdentical = isDeepStrictEqual(unshared(await each.call()), expected)
    await warmUp(each, clock)
  }
  // In turns, so that what disturbs the machine disturbs all.
  for (let run = 0; run < runs; run++)
    for (const each of contenders) each.samplesUs.push(await sample(each, clock))
  const about = kernel === 'mandelbrot' ? {} : { type, columns: place }
  const medianBy = (backend: string) => {
    const found = contenders.find((each) => each.backend === backend)
    return found === undefined ? Number.NaN : medianOf(found.samplesUs)
  }
  return contenders.map(({ backend, samplesUs, isIdentical }) => ({
    kernel,
    backend,
    size,
    ...about,
    medianUs: rounded(medianOf(samplesUs)),
    minUs: rounded(Math.min(...samplesUs)),
    maxUs: rounded(Math.max(...samplesUs)),
    ratio: rounded(medianBy('plain') / medianOf(samplesUs)),
    ratioToJs: rounded(medianBy('js') / medianOf(samplesUs)),
    identical: isIdentical,
    runs,
    ...(backend === 'native' ? { instructionSet: nativeAddon()?.instructionSet } : {}),
  }))
}

function contender(backend: Contender['backend'], call: () => unknown): Contender {
  return { backend, call, calls: 1, samplesUs: [], isIdentical: false }
}

/** Typed arrays of one content are the same, wherever it lies. */
function unshared(result: unknown): unknown {
  if (!ArrayBuffer.isView(result) || !(result.buffer instanceof SharedArrayBuffer)) return result
  return (result as Float64Array).slice()
}

/** Until the engine has made what it makes of hot code, and it is known how long a call takes. */
async function warmUp(each: Contender, clock: Clock): Promise<void> {
  const end = clock.monotonic() + WARM_UP_MS
  for (;;) {
    const ms = ((await sample(each, clock)) * each.calls) / 1000
    if (ms < SAMPLE_MS) each.calls *= 2
    if (clock.monotonic() >= end && ms >= SAMPLE_MS) return
  }
}

/** Microseconds of one call. */
async function sample({ call, calls }: Contender, clock: Clock): Promise<number> {
  const began = clock.monotonic()
  for (let i = 0; i < calls; i++) {
    const result = call()
    if (result instanceof Promise) await result
  }
  return ((clock.monotonic() - began) * 1000) / calls
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
