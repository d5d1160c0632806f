// `euphorion mandelbrot --compare`: every backend and number of threads on one image, in turn, so
// that what else the machine does slows all of them alike. Called by mandelbrot.ts.
import { availableParallelism, cpus } from 'node:os'
import { systemClock } from '../../clock.ts'
import { mandelbrot } from '../../kernel/mandelbrot/mandelbrot.ts'
import type { MandelbrotShape } from '../../kernel/mandelbrot/shape.ts'
import { type InstructionSet, nativeAddon, whyNoNative } from '../../kernel/native.ts'
import type { ChosenBackend } from '../../kernel/offload/backend.ts'
import { kernelPool } from '../../kernel/offload/pool.ts'
import { type Align, paintTable } from '../paint.ts'
import { Progress } from '../progress.ts'

interface CompareOptions {
  readonly runs: number
  readonly shortcuts: boolean
  readonly threads?: number
  readonly json?: boolean
}

/** One way to compute the image. */
interface Variant {
  readonly backend: ChosenBackend
  /** Of native: set before each run. */
  readonly instructionSet?: InstructionSet
  readonly threads: number
  readonly shortcuts: boolean
}

interface Measured {
  readonly variant: Variant
  readonly ms: number[]
  isIdentical: boolean
}

/** What the machine code of a backend uses. */
export function instructionSetOf(backend: ChosenBackend): string {
  if (backend === 'native') return nativeAddon()?.instructionSet ?? 'none'
  return backend === 'wasm' ? 'simd128' : 'scalar'
}

/** Prints a row for each; resolves with whether all counts are the same. */
export async function compareBackends(
  shape: MandelbrotShape,
  options: CompareOptions,
): Promise<boolean> {
  const all = variantsOf(options).map((variant): Measured => {
    return { variant, ms: [], isIdentical: true }
  })
  const progress = new Progress(process.stderr)
  const widest = nativeAddon()?.instructionSet
  const expected = await mandelbrot(shape, { backend: 'js' })
  // the first round is not counted: threads start, code is compiled
  for (let round = 0; round <= options.runs; round++) {
    for (const [index, each] of all.entries()) {
      const part = (round * all.length + index) / (all.length * (options.runs + 1))
      progress.show(`comparing: ${Math.floor(part * 100)} %`)
      await measure(shape, each, expected, round > 0)
    }
  }
  if (widest !== undefined) nativeAddon()?.useInstructionSet(widest)
  progress.end()
  const steps = expected.reduce((sum, count) => sum + count, 0)
  const plain = median(all[0].ms)
  const rows = all.map((each) => rowOf(shape, each, steps, plain))
  if (options.json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`)
  else process.stdout.write(paint(shape, rows, options.runs))
  return rows.every((row) => row.identical)
}

/** The plain loop in one thread first: the others are compared with it. */
function variantsOf({ shortcuts, threads }: CompareOptions): Variant[] {
  const most = Math.min(threads ?? kernelPool().threads, kernelPool().threads)
  const counts = [...new Set([1, 2, 4, 8, 16, 32, most].filter((each) => each <= most))]
  const native = nativeAddon()
  // narrow ones are there on every machine that has the wide ones
  const sets = native?.instructionSets.filter((set) => set !== 'scalar') ?? []
  const kinds: readonly Omit<Variant, 'threads'>[] = [
    { backend: 'js', shortcuts: false },
    ...(shortcuts ? [false, true] : [false]).flatMap((each): Omit<Variant, 'threads'>[] => [
      { backend: 'wasm', shortcuts: each },
      ...sets.map((instructionSet) => {
        return { backend: 'native', instructionSet, shortcuts: each } as const
      }),
    ]),
  ]
  return kinds.flatMap((kind) => counts.map((each) => ({ ...kind, threads: each })))
}

async function measure(
  shape: MandelbrotShape,
  found: Measured,
  expected: Int32Array,
  counts: boolean,
): Promise<void> {
  const { backend, instructionSet, threads, shortcuts } = found.variant
  if (instructionSet !== undefined) nativeAddon()!.useInstructionSet(instructionSet)
  const started = systemClock.monotonic()
  const result = await mandelbrot(shape, { backend, threads, shortcuts })
  if (counts) found.ms.push(systemClock.monotonic() - started)
  found.isIdentical &&= areEqual(result, expected)
}

function areEqual(a: Int32Array, b: Int32Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer))
}

function rowOf(
  { nx, ny, iterations }: MandelbrotShape,
  { variant, ms, isIdentical }: Measured,
  steps: number,
  plainMs: number,
) {
  const { backend, instructionSet = instructionSetOf(backend), threads, shortcuts } = variant
  const middle = median(ms)
  return {
    size: `${nx}x${ny}`,
    iterations,
    backend,
    instructionSet,
    threads,
    shortcuts,
    ms: round(middle),
    fastest: round(Math.min(...ms)),
    slowest: round(Math.max(...ms)),
    runs: ms.length,
    millionIterationsPerSecond: Math.round(steps / middle / 1000),
    ratio: round(plainMs / middle),
    identical: isIdentical,
  }
}

type Row = ReturnType<typeof rowOf>

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]

const round = (value: number): number => Number(value.toFixed(2))

const columns: readonly (readonly [string, Align, (row: Row) => string])[] = [
  ['backend', 'left', (row) => row.backend],
  ['instructions', 'left', (row) => row.instructionSet],
  ['shortcuts', 'left', (row) => (row.shortcuts ? 'yes' : 'no')],
  ['threads', 'right', (row) => String(row.threads)],
  ['ms', 'right', (row) => row.ms.toFixed(1)],
  ['fastest', 'right', (row) => row.fastest.toFixed(1)],
  ['slowest', 'right', (row) => row.slowest.toFixed(1)],
  ['M iterations/s', 'right', (row) => row.millionIterationsPerSecond.toLocaleString('en')],
  ['× JavaScript', 'right', (row) => row.ratio.toFixed(2)],
  ['identical', 'left', (row) => (row.identical ? 'yes' : 'NO')],
]

function paint({ nx, ny, iterations }: MandelbrotShape, rows: readonly Row[], runs: number) {
  const table = paintTable(
    columns.map(([name]) => name),
    rows.map((row) => columns.map(([, , text]) => text(row))),
    columns.map(([, align]) => align),
  )
  const cpu = `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`
  const image = `${nx} × ${ny} points, ${iterations.toLocaleString('en')} iterations`
  const facts = `${image}, median of ${runs}, Node ${process.versions.node}, ${cpu}\n`
  const native = nativeAddon() === undefined ? `No native rows: ${whyNoNative()}\n` : ''
  return `${table}\n${facts}${native}`
}
